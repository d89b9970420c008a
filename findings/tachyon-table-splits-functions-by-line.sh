#!/usr/bin/env bash
# CPython 3.15.2, profiling.sampling (Tachyon), its table and --pstats: a function has a row for each of its lines, and a function of few lines comes first.
#
# Expected: a table and a file in pstats' form are by function, as cProfile's are: (file, line where the function begins, name). many(), which works for two thirds of the time, stands first, with
#           its sum. So says the table's legend: "Percentage of total samples this function was directly executing".
# Happens:  the number is that of the line that ran. many() is five rows of a small share each, and one(), which has one line, leads the table. Who reads the file with pstats, or
#           with what is made for it, has five functions. Only the summary below the table, of the foremost, knows the sum.
# Seen (Debian's python3.15 3.15.2-1, 200 looks a second for 3 s):
#   "first row: one, 34% of the samples"
#   "many: 66% of the samples in 5 rows, the first of them 18%"
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
import time

NUMBERS = list(range(20_000))


def one():
    return sum(NUMBERS)


def many():
    a = sum(NUMBERS)
    b = sum(NUMBERS)
    c = sum(NUMBERS)
    d = sum(NUMBERS)
    return a + b + c + d


end = time.monotonic() + 60
while time.monotonic() < end:
    one()
    one()
    many()
P
"$loader" --library-path "$(dirname "$loader")" root/usr/bin/python3.15 program.py &
program=$!
sleep 2
python -m profiling.sampling attach -r 200hz -d 3 --pstats -o table $program >attach.log 2>&1
cat >rows.py <<'P'
import pstats

rows = sorted(((counts[2], name) for (_, _, name), counts in pstats.Stats("table").stats.items()), reverse=True)
total = sum(seconds for seconds, _ in rows)
many = [round(100 * seconds / total) for seconds, name in rows if name == "many" and seconds]
print(f"first row: {rows[0][1]}, {100 * rows[0][0] / total:.0f}% of the samples")
print(f"many: {sum(many)}% of the samples in {len(many)} rows, the first of them {many[0]}%")
raise SystemExit(0 if rows[0][1] == "one" and sum(many) > 50 and len(many) >= 4 else 1)
P
python rows.py
