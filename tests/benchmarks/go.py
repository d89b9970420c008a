"""What sampling a Go program costs it, beside its own use of `runtime/pprof`."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.overhead import NONE, OURS, Contender, enough_rounds, overhead
from tests.support.command import COMMAND
from tests.support.go import ENVIRONMENT, PROGRAMS, go

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.measure import Command, Length
    from tests.benchmarks.table import Table

SOURCE = PROGRAMS / "fixed_work.go"
LIMIT = 1.03
PEER = "runtime/pprof"


def tables(length: Length) -> Iterator[Table]:
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        plain = Path(name, "fixed_work")
        build(plain)
        rounds = enough_rounds(lambda rounds: [plain, str(rounds)], Path(name), length.work_s)
        words = [str(rounds)]
        ours: Command = [COMMAND, "go", SOURCE, "--go", go(), "--no-tui", "--quiet", "--", *words]
        yield from overhead(
            "Go, gofmt's formatter",
            {
                NONE: Contender([plain, *words], ENVIRONMENT),
                OURS: Contender(ours, ENVIRONMENT),
                PEER: Contender([plain, "-cpuprofile", Path(name, "own.pb.gz"), *words], ENVIRONMENT),
            },
            folder=Path(name),
            times=length.rounds,
            limit=LIMIT,
            beside=(PEER,),
            with_start=True,
        )


def build(target: Path) -> None:
    subprocess.run([go(), "build", "-o", target, SOURCE], check=True, env={**os.environ, **ENVIRONMENT})
