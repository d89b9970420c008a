"""What sampling a Python program costs it, beside py-spy, Austin alone, scalene and cProfile."""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.overhead import NONE, OURS, Contender, enough_rounds, overhead
from tests.benchmarks.peers import peers
from tests.support.command import COMMAND
from tests.support.python import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.measure import Command, Length
    from tests.benchmarks.table import Table

PYTHON = sys.executable
PROGRAM = PROGRAMS / "fixed_work.py"
KINDS = {"compute": "CPU-bound", "threads": "four threads", "serve": "a Flask server"}
LIMIT = 1.02
SERVERS_ROUNDS = 15
"""Seven threads that share the interpreter's lock take 3% more or less from one run to the next."""


def tables(length: Length) -> Iterator[Table]:
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        folder = Path(name)
        for kind, title in length.sized(KINDS, {"serve": KINDS["serve"]}).items():
            rounds = enough_rounds(partial(bare, kind), folder, length.work_s)
            is_server = kind == "serve"
            yield from overhead(
                f"Python, {title}",
                contenders(kind, rounds, folder),
                folder=folder,
                limit=LIMIT,
                beside=("py-spy", "Austin"),
                times=length.sized(SERVERS_ROUNDS, 1) if is_server else length.rounds,
                fewer={"py-spy": length.rounds, "Austin": length.rounds, "scalene": 1, "cProfile": 1},
                with_start=is_server,
            )


def bare(kind: str, rounds: int) -> Command:
    return [PYTHON, PROGRAM, kind, str(rounds)]


def contenders(kind: str, rounds: int, folder: Path) -> dict[str, Contender]:
    program, arguments = bare(kind, rounds), (kind, str(rounds))
    return {
        NONE: Contender(program),
        OURS: Contender([COMMAND, "python", PROGRAM, "--python", PYTHON, "--no-tui", "--quiet", "--", *arguments]),
        "py-spy": Contender(
            [peers() / "bin" / "py-spy", "record", "-r", "100", "-f", "raw", "-o", folder / "py-spy", "--", *program]
        ),
        # It ends with 32 where the interpreter was slow to come up.
        "Austin": Contender(
            [Path(PYTHON).with_name("austin"), "-s", "-i", "10000", "-o", folder / "austin", *program], tries=5
        ),
        "scalene": Contender(
            [PYTHON, "-m", "scalene", "run", "--cpu-only", "-o", folder / "scalene.json", PROGRAM, "---", *arguments],
            {"PYTHONPATH": str(peers())},
        ),
        "cProfile": Contender([PYTHON, "-m", "cProfile", "-o", folder / "cprofile", PROGRAM, *arguments]),
    }
