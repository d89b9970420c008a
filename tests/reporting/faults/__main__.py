"""Prints the table of faults with the result of each row: `python -m tests.reporting.faults [NUMBER …]`; status 1 if one is broken."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
import traceback
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from .rows import ROWS


def main(numbers: list[int]) -> int:
    broken: list[str] = []
    print("| # | the fault | what must happen | result | seconds |\n|--:|---|---|---|--:|")
    with ProcessPoolExecutor() as workers:
        rows = [row for row in ROWS if row.number in numbers or not numbers]
        proofs = {row.number: [workers.submit(_prove, row.number, n) for n in range(len(row.cases))] for row in rows}
        for row in rows:
            results = [proof.result() for proof in proofs[row.number]]
            errors = [error for error, _ in results if error]
            broken += [f"Row {row.number}: {error}" for error in errors]
            kept = "kept" if len(results) == 1 else f"kept in {len(results)} cases"
            took_s = sum(seconds for _, seconds in results)
            result = f"BROKEN in {len(errors)} of {len(results)}" if errors else kept
            print(f"| {row.number} | {row.fault} | {row.promise} | {result} | {took_s:.1f} |", flush=True)
    print("\n".join(broken), file=sys.stderr)
    return 1 if broken else 0


def _prove(number: int, case_number: int) -> tuple[str, float]:
    """The traceback of a broken promise, empty for one that was kept; and the seconds that it took."""
    warnings.simplefilter("error")
    case = next(row for row in ROWS if row.number == number).cases[case_number]
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            asyncio.run(case(Path(folder)))
        except Exception:
            return f"{case.__name__}\n{traceback.format_exc()}", time.monotonic() - began_s
    return "", time.monotonic() - began_s


if __name__ == "__main__":
    sys.exit(main([int(number) for number in sys.argv[1:]]))
