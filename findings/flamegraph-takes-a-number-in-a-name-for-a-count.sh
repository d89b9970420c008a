#!/usr/bin/env bash
# flamegraph.pl (as in Debian's libdevel-nytprof-perl 6.12+dfsg-1): of folded stacks, an innermost frame whose name ends with a number loses it: "worker 3" and "worker 4" are one "worker", which "grew by 20%".
#
# Expected: a line is `frames joined by semicolons, a blank, a count`: the count is what stands behind the last blank, and names may have blanks (threads, routes, statements and C++'s types do). Only files of two profiles (by
#           difffolded.pl) have two counts.
# Happens:  whether a file is of one or of two profiles is not asked: for each line, a number before the count is the count of an older profile. "GET /orders 200 30" becomes GET /orders, 200 before and 30 now. Shards, workers and
#           status codes are added up as one frame, and the graph is in the red and blue of a comparison, with percentages that nobody measured. Sums are right. speedscope, beside it, keeps the names.
# Seen (perl 5.36):
#   "main;worker 3 10, main;worker 4 20: worker (30 samples, 85.71%; +20.00%)"
#   "main;worker-3 10, main;worker-4 20: worker-3 (10 samples, 28.57%), worker-4 (20 samples, 57.14%)"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs perl and a Debian machine's apt-get; nothing is installed).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
bring() {
    local keyring=/usr/share/keyrings/debian-archive-keyring.gpg archive
    archive=$(apt-get indextargets --format '$(REPO_URI)' | grep -m1 '/debian/\?$')
    mkdir -p state/lists/partial cache debs/partial root
    echo "deb [signed-by=$keyring] $archive bookworm main" >sources.list
    printf '%s;\n' "Dir::State \"$folder/state\"" 'Dir::State::status "/dev/null"' "Dir::Cache \"$folder/cache\"" "Dir::Cache::archives \"$folder/debs\"" \
        "Dir::Etc::sourcelist \"$folder/sources.list\"" 'Dir::Etc::sourceparts "-"' 'Dir::Etc::preferencesparts "-"' 'Acquire::Languages "none"' 'Debug::NoLocking "1"' >apt.conf
    export APT_CONFIG="$folder/apt.conf"
    apt-get update -qq
    (cd debs && apt-get download -qq libdevel-nytprof-perl=6.12+dfsg-1)
    for package in debs/*.deb; do dpkg-deb -x "$package" root; done
}
(bring && perl -v) >log 2>&1 || { cat log; exit 2; }
graph() { printf '%s\n' "$@" "main;other 5" | perl "$(find root -name flamegraph.pl)" | sed -n 's/.*<title>\(worker[^<]*\)<.*/\1/p' | sort | paste -sd ';' | sed 's/;worker/, worker/g'; }
blank=$(graph "main;worker 3 10" "main;worker 4 20") dash=$(graph "main;worker-3 10" "main;worker-4 20")
echo "main;worker 3 10, main;worker 4 20: $blank"
echo "main;worker-3 10, main;worker-4 20: $dash"
[ "$blank" = "worker (30 samples, 85.71%; +20.00%)" ] && [ "$dash" = "worker-3 (10 samples, 28.57%), worker-4 (20 samples, 57.14%)" ]
