#!/usr/bin/env bash
# CPython 3.15.2, profiling.sampling (Tachyon), --async-aware --async-mode all: the running function is not shown; its time is a sleeping task's, "called" from it.
#
# Expected: "all" shows what "running" shows, the running task with its functions, and the waiting tasks beside it.
# Happens:  a stack of "all" holds coroutines only, and no plain function that one of them calls. There is a stack for each task that awaits no other; a task whose
#           children are open, as in the body of `async with TaskGroup()`, has none, but is its children's caller. While parent() works in work(), each
#           sample says that parent's child stands in asyncio.sleep(), and no line says work.
# Seen (Debian's python3.15 3.15.2-1, 100 looks a second for 2 s, in which parent works and its child sleeps):
#   "running: work 200 of 200"
#   "all: work 0 of 200; sleep, below the line of parent that calls work, 200"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs a Debian machine's apt-get; nothing is installed).
set -euo pipefail
folder=$(mktemp -d)
program=
trap 'kill $program 2>/dev/null || true; rm -rf "$folder"' EXIT
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
cat >program.py <<'P'
import asyncio
import time


def work():
    end = time.monotonic() + 20
    while time.monotonic() < end:
        pass


async def child():
    await asyncio.sleep(20)


async def parent():
    async with asyncio.TaskGroup() as group:
        group.create_task(child())
        await asyncio.sleep(0)
        work()


asyncio.run(parent())
P
"$loader" --library-path "$(dirname "$loader")" root/usr/bin/python3.15 program.py &
program=$!
sleep 2
for mode in running all; do
    python -m profiling.sampling attach --async-aware --async-mode $mode -r 100hz -d 2 --collapsed -o $mode.txt $program >$mode.log 2>&1
done
python3 - <<'P'
import re


def samples(mode, of=""):
    return sum(int(line.rsplit(" ", 1)[1]) for line in open(f"{mode}.txt") if re.search(of, line))


running, hidden = samples("running", ":work:"), samples("all", ":work:")
asleep = samples("all", r":parent:19;.*:sleep:\d+ ")
print(f"running: work {running} of {samples('running')}")
print(f"all: work {hidden} of {samples('all')}; sleep, below the line of parent that calls work, {asleep}")
raise SystemExit(0 if running > 50 and hidden == 0 and asleep > 0.9 * samples("all") else 1)
P
