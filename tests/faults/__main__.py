"""Prints the table of faults with the result of each row: `python -m tests.faults [NUMBER …]`; status 1 if one is broken."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

from .rows import ROWS


def main(numbers: list[int]) -> int:
    warnings.simplefilter("error")
    broken: list[str] = []
    print("| # | the fault | what must happen | result | seconds |\n|--:|---|---|---|--:|")
    for row in ROWS:
        if numbers and row.number not in numbers:
            continue
        began_s = time.monotonic()
        failed = []
        for case in row.cases:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    asyncio.run(case(Path(folder)))
                except Exception:
                    failed.append(case.__name__)
                    broken.append(f"Row {row.number}, {case.__name__}:\n{traceback.format_exc()}")
        result = (
            f"BROKEN: {', '.join(failed)}"
            if failed
            else f"kept ({len(row.cases)} {'case' if len(row.cases) == 1 else 'cases'})"
        )
        took_s = time.monotonic() - began_s
        print(f"| {row.number} | {row.fault} | {row.promise} | {result} | {took_s:.1f} |", flush=True)
    print("\n".join(broken), file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main([int(number) for number in sys.argv[1:]]))
