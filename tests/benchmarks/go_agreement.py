"""How far what is sampled of Go programs agrees with `go tool pprof -top` of the profiles that they take of themselves, in turn."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.agreement import agreement
from tests.support.go import ENVIRONMENT, go, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.measure import Command, Length
    from tests.benchmarks.table import Table

PEER = "pprof -top"
PACKAGES = ("go", "net", "runtime", "crypto", "encoding", "internal")
PREEMPTED = "runtime.asyncPreempt"
"""Its time is its callers': see `_PREEMPTED` in the sampler."""


def tables(length: Length) -> Iterator[Table]:
    os.environ.update(ENVIRONMENT)
    library = Path(go()).parents[1] / "src"
    formatted = [str(library / name) for name in PACKAGES] * length.sized(12, 1)
    benchmarks = ["-test.run=^$", "-test.bench=Decode/Newton/./1e6", f"-test.benchtime={length.sized(450, 2)}x"]
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        gofmt, flate = Path(name, "gofmt"), Path(name, "flate.test")
        subprocess.run([go(), "build", "-o", gofmt, "cmd/gofmt"], cwd=library, check=True)
        subprocess.run([go(), "test", "-c", "-o", flate, "compress/flate"], cwd=library, check=True)
        yield _compared("gofmt", library, "cmd/gofmt", ["-l", *formatted], [gofmt, "-cpuprofile"])
        yield _compared(
            "the benchmarks of decompressing in compress/flate",
            library / "compress" / "flate",
            "reader_test.go",
            benchmarks,
            [flate, "-test.cpuprofile"],
        )


def _compared(title: str, folder: Path, program: str, words: list[str], profiled: Command) -> Table:
    """`program` sampled, between two runs of the executable in `profiled`, to which a profile's name is to be added."""
    executable = Path(profiled[0])
    profiles = [executable.with_suffix(".first"), executable.with_suffix(".second")]

    def profile_itself(profile: Path) -> None:
        # gofmt complains, and ends with 2, where test data is broken on purpose.
        subprocess.run([*profiled, profile, *words], cwd=folder, check=False, capture_output=True)

    profile_itself(profiles[0])
    sampled = asyncio.run(sample(folder, program, *words))
    profile_itself(profiles[1])
    theirs, again = (_top(executable, profile, f"-hide=^{PREEMPTED}$") for profile in profiles)
    table = agreement(title, PEER, theirs, sampled.self_samples, again)
    shown = _top(executable, profiles[0])
    table.add(f"{PREEMPTED}, by {PEER}, before it was hidden", 100 * shown[PREEMPTED] / shown.total(), "%")
    return table


def _top(executable: Path, profile: Path, *options: str) -> Counter[str]:
    """What `go tool pprof -top` prints: the flat samples of every function."""
    everything = ["-sample_index=samples", "-nodecount=0", "-nodefraction=0"]
    command: Command = [go(), "tool", "pprof", "-top", *everything, *options, executable, profile]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    counts: Counter[str] = Counter()
    for line in printed.partition("cum%\n")[2].splitlines():
        flat, *_, name = line.split(maxsplit=5)
        counts[name.removesuffix(" (inline)").removesuffix(" (partial-inline)")] += int(flat)
    return counts
