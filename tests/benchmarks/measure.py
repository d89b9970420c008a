"""Measuring, in one place: commands run to their end, contenders in alternating rounds, clocks and memory of other processes."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Command = Sequence[str | Path]
    T = TypeVar("T")


TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Length:
    """How much is measured: all, or just enough to see that a benchmark still works (`--quick`)."""

    quick: bool = False

    def sized(self, full: T, quick: T) -> T:
        return quick if self.quick else full

    @property
    def rounds(self) -> int:
        return self.sized(7, 1)

    @property
    def work_s(self) -> float:
        """What the work whose slowing is measured takes at least."""
        return self.sized(10.0, 0.2)


@dataclass(frozen=True, slots=True)
class Took:
    began_at_s: float
    ended_at_s: float
    """Seconds since the epoch, which other programs can tell, too."""
    cpu_s: float
    """Of the command's own process."""
    children_cpu_s: float
    """Of the processes it waited for."""
    status: int
    stdout: bytes


def run(command: Command, *, cwd: Path, environment: Mapping[str, str] | None = None) -> Took:
    """Run `command` to its end, its output to a file that is read afterwards."""
    with (cwd / "stdout").open("w+b") as output:
        began_at_s = time.time()
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,
        )
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        ended_at_s = time.time()
        # proc(5): utime, stime, cutime and cstime, in ticks, of what is a zombie now.
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        user_s, system_s, childrens_user_s, childrens_system_s = (int(each) / TICKS_PER_S for each in fields[11:15])
        process.wait()
        output.seek(0)
        printed = output.read()
    cpu_s, children_cpu_s = user_s + system_s, childrens_user_s + childrens_system_s
    return Took(began_at_s, ended_at_s, cpu_s, children_cpu_s, process.returncode, printed)


def alternate(
    contenders: Mapping[str, Callable[[], T]], rounds: int, *, fewer: Mapping[str, int] | None = None
) -> dict[str, list[T]]:
    """Call every contender once a round, every other round in reverse order, so that a drifting machine favours none.

    `fewer` names those that are called in so many rounds only: what is twice as slow need not be measured to the per mille.
    """
    took: dict[str, list[T]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in list(contenders)[:: -1 if number % 2 else 1]:
            if number < (fewer or {}).get(name, rounds):
                took[name].append(contenders[name]())
    return took


def timed_s(call: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """Seconds that one call takes on `clock`; the default is the CPU's, which a busy machine disturbs least."""
    began = clock()
    call()
    return clock() - began


def cpu_s(pid: int) -> float:
    """What all threads of a process have used, those that have ended included."""
    # The clock's number as clock_getcpuclockid(3) makes it.
    return time.clock_gettime((~pid << 3) | 2)


def memory_mb(pid: int, *, peak: bool = True) -> float:
    """A living process's resident memory, the most it had or what it has now."""
    # Not wait4's ru_maxrss: that begins with what the parent had.
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:" if peak else "VmRSS:"))
    return int(line.split()[1]) / 1000


def helper(pid: int, settled_s: float) -> int:
    """The sampler that the agent has started, once it has lived so long: the first may come too early, and be followed by another."""
    ends_s, found, since_s = time.monotonic() + 60, 0, 0.0
    while time.monotonic() < ends_s:
        children = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        alive = [child for child in children if _looks(child)]
        if alive and alive[0] == found and time.monotonic() - since_s >= settled_s:
            return found
        if alive != [found]:
            found, since_s = (alive or [0])[0], time.monotonic()
        time.sleep(0.05)
    raise AssertionError("the agent has no helper that lives")


def _looks(pid: int) -> bool:
    try:
        # One that has ended and is not waited for has no command line.
        return b"from room.looker import" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
