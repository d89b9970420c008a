"""What sampling a Node.js program costs it, beside `node --cpu-prof` at the same rate.

The TypeScript compiler, which nobody here wrote, stands for programs that mostly compile themselves.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.overhead import NONE, OURS, Contender, enough_rounds, overhead
from tests.benchmarks.results import NODE
from tests.support.command import COMMAND
from tests.support.node import PROGRAMS, TYPESCRIPT, node, npm_package

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.measure import Command, Length
    from tests.benchmarks.table import Table

TIMED, PROGRAM = PROGRAMS / "timed.cjs", PROGRAMS / "fixed_work.cjs"
KINDS = {"compute": "CPU-bound", "serve": "an HTTP server"}
LIMIT = 1.03
LIMIT_COMPILING = 1.10
ROUNDS = {"compute": 7, "serve": 13, "compile": 13}
"""More where the collector and the JIT work beside the program: its times vary by 5%."""
PEER = "node --cpu-prof"


def tables(length: Length) -> Iterator[Table]:
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        measured = partial(overhead, folder=Path(name), beside=(PEER,), cpu_to_end=True)
        for kind, title in KINDS.items():
            rounds = enough_rounds(partial(bare, kind), Path(name), length.work_s)
            words = [str(PROGRAM), kind, str(rounds)]
            yield from measured(
                f"Node.js, {title}",
                contenders(words, Path(name)),
                limit=LIMIT,
                times=length.sized(ROUNDS[kind], 1),
                with_start=kind == "compute",
            )
        yield from measured(
            "Node.js, the TypeScript compiler",
            contenders(compiler_words(large=not length.quick), Path(name)),
            limit=LIMIT_COMPILING,
            times=length.sized(ROUNDS["compile"], 1),
        )


def bare(kind: str, rounds: int) -> Command:
    return [node(NODE), TIMED, PROGRAM, kind, str(rounds)]


def contenders(words: list[str], folder: Path) -> dict[str, Contender]:
    executable = node(NODE)
    program: Command = [TIMED, *words]
    at_100_hz: Command = ["--cpu-prof", "--cpu-prof-interval", "10000", "--cpu-prof-dir", folder]
    ours: Command = [COMMAND, "javascript", TIMED, "--node", executable, "--no-tui", "--quiet", "--", *words]
    return {
        NONE: Contender([executable, *program]),
        OURS: Contender(ours, is_parent=True),
        PEER: Contender([executable, *at_100_hz, *program]),
    }


def compiler_words(*, large: bool) -> list[str]:
    """The TypeScript compiler checks its own JavaScript, which takes 10 s and more; or a small file."""
    library = npm_package("typescript", TYPESCRIPT) / "node_modules" / "typescript" / "lib"
    options = ["--noEmit", "--strict", "--allowJs", "--checkJs", "--target", "esnext", "--module", "nodenext"]
    checked = [library / "_tsc.js", library / "typescript.js"] if large else ["--noLib", PROGRAM]
    return [str(word) for word in (library / "tsc.js", *options, *checked)]
