#!/usr/bin/env bash
# CPython 3.7 to 3.15, cProfile: of functions with one file, line and name, one is in the profile and the others are in no row and no sum. All dataclasses' __init__ are such.
#
# Expected: pstats' key is (file, line, name). Functions that share it, such as what dataclasses, templates and rule engines compile at run time, share a row that has the calls and the time
#           of all, as in pstats' own add().
# Happens:  the profiler itself measures each code object on its own. When it makes the table, each row replaces the one before it that has the same key. Every dataclass's __init__ is
#           `<string>:2(__init__)` (3 or 1 in other versions): its row is that of one class, by the order of addresses, and the "function calls in ... seconds" above the table lack
#           the others' too. Two lambdas on one line, and all that is compiled as "<template>", lose each other likewise.
# Seen (CPython 3.11.7; five dataclasses of 10,000, 20,000 ... 50,000 objects):
#   "__init__ was called 150000 times; its row says 40000, and all rows together 41692"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs python3; nothing is installed).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >program.py <<'P'
from dataclasses import make_dataclass

KINDS = [make_dataclass(name, ["x", "y"]) for name in ("Point", "Size", "Offset", "Scale", "Shift")]


def main():
    for kind, count in zip(KINDS, range(10_000, 60_000, 10_000)):
        for i in range(count):
            kind(i, i)


main()
P
python3 -m cProfile -o program.pstats program.py
python3 - <<'P'
import pstats

stats = pstats.Stats("program.pstats")
rows = [calls for (_, _, name), (_, calls, *_) in stats.stats.items() if name == "__init__"]
kept = max(rows)
print(f"__init__ was called 150000 times; its row says {kept}, and all rows together {stats.total_calls}")
raise SystemExit(0 if kept in range(10_000, 60_000, 10_000) and stats.total_calls < 150_000 else 1)
P
