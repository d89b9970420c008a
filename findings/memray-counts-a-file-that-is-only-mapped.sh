#!/usr/bin/env bash
# memray 1.20.0 (Python): a file that is mapped into memory and never read is a gigabyte of the program's peak memory.
#
# Expected: a memory profiler's peak is about what the program holds: a read-only mapping of a file holds nothing until it is read, and then pages that the system can drop at any time. Whoever maps model
#           weights, an index or a numpy.memmap does it to spare the memory.
# Happens:  memray follows mmap() as it follows malloc(), whatever is mapped and whether or not it is touched. Peak, table and flame graph are led by the line that maps the file, and the allocation
#           that matters is a few per cent beside it. The graph over time, too, shows a gigabyte, unless its second line, the resident memory, is looked at.
# Seen (CPython 3.11.7; a file of 1 GiB is mapped for reading, a bytearray of 50 MB is made):
#   "memray: peak 1.1 GB, of it 95% in the line that maps; the system: at most 0.10 GB in memory"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target wheels memray==1.20.0 >log 2>&1 || { cat log; exit 2; }
export PYTHONPATH="$folder/wheels"
cat >program.py <<'P'
import mmap


def open_index():
    with open("index", "wb+") as file:
        file.truncate(1 << 30)
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def main():
    index = open_index()
    held = bytearray(50_000_000)
    held[::4096] = bytes(len(held[::4096]))
    with open("/proc/self/status") as status:
        peak_kb = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    with open("peak", "w") as file:
        file.write(f"{peak_kb * 1024}")
    return index, held


main()
P
python3 -m memray run --quiet --output profile.bin program.py
python3 - <<'P'
from memray import FileReader

with FileReader("profile.bin") as reader:
    records = list(reader.get_high_watermark_allocation_records(merge_threads=True))
peak = sum(record.size for record in records)
mapped = sum(record.size for record in records if any(function == "open_index" for function, _, _ in record.stack_trace()))
resident = int(open("peak").read())
print(f"memray: peak {peak / 1e9:.1f} GB, of it {100 * mapped // peak}% in the line that maps; the system: at most {resident / 1e9:.2f} GB in memory")
raise SystemExit(0 if mapped > 1e9 and peak > 2 * resident else 1)
P
