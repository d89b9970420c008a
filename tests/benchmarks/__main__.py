"""Measures this program beside its peers, and keeps the figures of the pages.

python -m tests.benchmarks                     all, in about an hour, on a machine that does nothing else
python -m tests.benchmarks start wire          some
python -m tests.benchmarks --quick             sizes that say nothing but that every benchmark works
python -m tests.benchmarks --json FILE         the tables as JSON into FILE, in the place of what it has of the same; else into benchmarks.json
python -m tests.benchmarks --readme            measures nothing: puts the tables of tests/benchmarks/results.json into the pages
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.measure import Length
from tests.benchmarks.readme import write_readme
from tests.benchmarks.results import Results, results_for, this_machine

if TYPE_CHECKING:
    from tests.benchmarks.table import Table

NAMES = (
    *(
        "start",
        "memory",
        "program_memory",
        "agent",
        "scaling",
        "ledger",
        "python",
        "node",
        "node_threads",
        "java",
        "go",
    ),
    *("rate", "mojo", "wire", "aggregation", "buffer", "reporter", "screen"),
)
BY_NAME_ONLY = (
    "node_agreement",
    "java_agreement",
    "java_truth",
    "java_cost",
    "java_recorder",
    "go_agreement",
    "open_wire",
    "looks",
    "waits",
)
"""Whether what is sampled is what the runtime's own profiler sees; and what reports to open engines cost."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", choices=[*NAMES, *BY_NAME_ONLY, []], help=", ".join(NAMES + BY_NAME_ONLY)
    )
    parser.add_argument("--quick", action="store_true", help="only see that they work")
    parser.add_argument("--json", type=Path, default=Path("benchmarks.json"), metavar="FILE", help="where to write")
    parser.add_argument("--readme", action="store_true", help="write the committed results into the pages")
    options = parser.parse_args()
    if options.readme:
        write_readme()
        return
    results = results_for(options.json, quick=options.quick)
    print(f"{this_machine()}; {results.heading()}")
    failed = []
    for name in options.names or NAMES:
        try:
            measure(name, Length(quick=options.quick), results, options.json)
        except Exception:
            # What the others find in an hour is not to be lost with it.
            traceback.print_exc()
            failed.append(name)
    if failed:
        sys.exit(f"\nfailed: {', '.join(failed)}")


def measure(name: str, length: Length, results: Results, file: Path) -> None:
    """Make the tables of a benchmark; print each and write all so far to `file` as soon as it is there."""
    print(f"\n== {name}")
    began_s = time.monotonic()
    tables = importlib.import_module(f"tests.benchmarks.{name}").tables(length)
    done: list[Table] = []
    while True:
        load = os.getloadavg()[0]
        try:
            table = next(tables, None)
        except pytest.skip.Exception as missing:
            print(f"\n{missing.msg}")
            break
        if table is None:
            break
        table.benchmark, table.measured_on, table.load = name, this_machine(), round(load, 2)
        done.append(table)
        results.replace(name, done)
        results.save(file)
        print("", *table.lines(), sep="\n", flush=True)
    print(f"\n{name} took {time.monotonic() - began_s:.0f} s", flush=True)


if __name__ == "__main__":
    main()
