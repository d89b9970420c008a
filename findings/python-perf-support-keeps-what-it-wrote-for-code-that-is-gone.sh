#!/usr/bin/env bash
# CPython 3.15.2, -X perf (PYTHONPERFSUPPORT=1): a program that compiles code at run time grows, in memory and in its map file, for code that is long gone.
#
# Expected: the small piece of machine code that perf support makes for each code object goes when the code object goes, or is used again. A server that renders templates, compiles rules
#           or calls exec() can run with it for as long as without it.
# Happens:  each code object gets a new piece, and none is ever given back: 32 bytes of executable memory and a line in /tmp/perf-PID.map for each, whose address nothing uses any more. A
#           hundred templates a second with ten functions each are 2.7 GB a day, and as much on disk. tracemalloc and sys.getallocatedblocks() see nothing of it.
# Seen (Debian's python3.15 3.15.2-1; 60,000 times a text with a function in it is compiled, run and forgotten):
#   "without: memory grows by 0.2 MB, map file 0.0 MB"
#   "-X perf: memory grows by 4.1 MB, map file 4.3 MB"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs a Debian machine's apt-get; nothing is installed).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
bring() { # Debian unstable's interpreter, with its own C library, unpacked beside the system's.
    local keyring=/usr/share/keyrings/debian-archive-keyring.gpg archive
    archive=$(apt-get indextargets --format '$(REPO_URI)' | grep -m1 '/debian/\?$')
    mkdir -p state/lists/partial cache debs/partial root
    echo "deb [signed-by=$keyring] $archive unstable main" >sources.list
    printf '%s;\n' "Dir::State \"$folder/state\"" 'Dir::State::status "/dev/null"' "Dir::Cache \"$folder/cache\"" "Dir::Cache::archives \"$folder/debs\"" \
        "Dir::Etc::sourcelist \"$folder/sources.list\"" 'Dir::Etc::sourceparts "-"' 'Dir::Etc::preferencesparts "-"' 'Acquire::Languages "none"' 'Debug::NoLocking "1"' >apt.conf
    export APT_CONFIG="$folder/apt.conf"
    apt-get update -qq
    apt-get install -qq -y --download-only --no-install-recommends {python3.15,libpython3.15}-minimal=3.15.2-1 libpython3.15-stdlib=3.15.2-1
    for package in debs/*.deb; do dpkg-deb -x "$package" root; done
}
(bring) >log 2>&1 || { cat log; exit 2; }
loader=$(echo root/usr/lib/*/ld-linux-*.so*)
python() { "$loader" --library-path "$(dirname "$loader")" root/usr/bin/python3.15 "$@"; }
cat >grow.py <<'P'
import gc
import os

TEXT = "def function(value):\n    return value + 1\nfunction(1)\n"


def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def forget(times):
    for _ in range(times):
        exec(compile(TEXT, "text", "exec"), {})
    gc.collect()


forget(5_000)
before = resident()
forget(60_000)
names = f"/tmp/perf-{os.getpid()}.map"
print((resident() - before) / 1e6, os.path.getsize(names) / 1e6 if os.path.exists(names) else 0)
if os.path.exists(names):
    os.remove(names)
P
read -r memory file < <(python grow.py)
printf 'without: memory grows by %.1f MB, map file %.1f MB\n' "$memory" "$file"
read -r more longer < <(python -X perf grow.py)
printf -- '-X perf: memory grows by %.1f MB, map file %.1f MB\n' "$more" "$longer"
awk "BEGIN { exit !($memory < 1.5 && $more > 3 && $longer > 3) }" || exit 1
