"""Whether every CPU second has a name: programs in each language under the command, beside what their own clocks say.

    python -m tests.ledger            # the table, on the machine as it is
    python -m tests.ledger --loaded   # with a busy loop beside them for each of its cores

Each program prints what its functions used, by their thread's clock, and what the kernel charged to it and its children. Ends with 1 where
more than 2% of the CPU time is left over, or what is attributed to functions, and told to have been used before a sampler came, while it was
away or lost, is not what their clocks say within 3%.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.command import COMMAND

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = Path(__file__).parent / "programs" / "ledger"
ALL = (
    ("python", "threads_and_child.py"),
    ("python", "sorting.py"),
    ("python", "short_children.py"),
    ("javascript", "busy.cjs"),
    ("javascript", "pool.cjs"),
    ("javascript", "workers.cjs"),
    ("javascript", "children.cjs"),
    ("javascript", "answers.cjs"),
    ("java", "Busy.java"),
    ("java", "Garbage.java"),
    ("java", "Children.java"),
    ("go", "busy.go"),
    ("go", "garbage.go"),
    ("go", "children.go"),
)
MAX_LEFT_OVER, MAX_WRONG = 0.02, 0.03
TICKS_S = 0.05
"""The kernel counts ended processes in ticks of a hundredth of a second, of user and system time each; samples are as coarse."""


@dataclass(frozen=True, slots=True)
class Accounted:
    functions_s: float
    """As the program's own clocks say."""
    kernel_s: float
    cpu: dict[str, Any]
    """As `--summary json` says."""

    @property
    def left_over_percent(self) -> float:
        return float(100 * self.cpu["left_over_secs"] / self.cpu["cpu_secs"])

    @property
    def unseen_s(self) -> float:
        """What of the functions' time no sample can be of, as the ledger says: before the sampler came, while it was away, what it lost."""
        told = ("before_sampler_secs", "gap_secs", "lost_secs")
        ended_s = self.cpu["native_threads"].get("threads that ended", 0.0)
        unsampled_s = sum(row["secs"] for row in self.cpu["processes_not_sampled"])
        return float(sum(self.cpu[name] for name in told) + ended_s + unsampled_s)

    @property
    def faults(self) -> list[str]:
        """What of the promise is broken: the parts are the kernel's count within 2%, and functions have what their clocks say within 3%."""
        cpu_s, attributed_s = self.cpu["cpu_secs"], self.cpu["attributed_secs"]
        found = []
        if abs(self.cpu["left_over_secs"]) > MAX_LEFT_OVER * cpu_s + TICKS_S:
            found.append(f"{self.left_over_percent:.1f}% left over")
        if attributed_s + self.unseen_s < (1 - MAX_WRONG) * self.functions_s - TICKS_S:
            found.append(f"{self.functions_s - attributed_s - self.unseen_s:.2f} s of the functions' time have no name")
        if attributed_s > (1 + MAX_WRONG) * max(self.functions_s, self.kernel_s) + TICKS_S:
            found.append(f"{attributed_s - self.kernel_s:.2f} s more than the kernel counted")
        return found

    @property
    def named(self) -> dict[str, float]:
        """What is in no function, by name."""
        unsampled = {f"{row['command']}: {row['reason']}": row["secs"] for row in self.cpu["processes_not_sampled"]}
        rest = {name.removesuffix("_secs"): self.cpu[name] for name in ("before_sampler_secs", "gap_secs", "lost_secs")}
        return {**self.cpu["native_threads"], **unsampled, **rest}


def accounted(language: str, program: str, folder: Path, *options: str | Path) -> Accounted:
    """Run `program`, a file of ours or what else the language's runtime takes, in a `folder`, with these options of the command's besides."""
    file = PROGRAMS / program
    finished = subprocess.run(
        [COMMAND, language, file if file.exists() else program, "--no-tui", "--summary", "json", *options],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=120,
    )
    functions_s, kernel_s = map(float, finished.stdout.split()[:2])
    return Accounted(functions_s, kernel_s, json.loads(finished.stderr.splitlines()[-1])["cpu"])


@contextlib.contextmanager
def busy_loops(number: int) -> Iterator[None]:
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def main() -> int:
    failed = False
    loops = os.cpu_count() or 1 if "--loaded" in sys.argv else 0
    print(f"{'program':24} {'kernel':>7} {'cpu':>7} {'own':>6} {'attr.':>6} {'left':>6}  the rest by name")
    with busy_loops(loops), tempfile.TemporaryDirectory() as folder:
        for language, program in ALL:
            found = accounted(language, program, Path(folder))
            cpu = found.cpu
            rest = ", ".join(f"{name} {seconds:.2f}" for name, seconds in found.named.items() if abs(seconds) >= 0.005)
            print(
                f"{program:24} {found.kernel_s:7.2f} {cpu['cpu_secs']:7.2f} {found.functions_s:6.2f} "
                f"{cpu['attributed_secs']:6.2f} {found.left_over_percent:5.1f}%  {rest}"
                f"{''.join(f'  FAULT: {fault}' for fault in found.faults)}",
                flush=True,
            )
            failed |= bool(found.faults)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
