"""What the agent has in common with others stands still: reports go on, signals are heard, and the exit deadline holds.

`python -m tests.hostile.stalls [SECONDS]` lets each stand still for so long, a minute by default.
"""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from multi_lang_profiler.engine.settings import EXIT_DEADLINE_S
from tests.support.backend import Backend
from tests.support.command import COMMAND, Folder

PROGRAM = Path(__file__).resolve().parents[1] / "programs" / "python" / "stalled.py"
STATUS = 7
WHAT = ("stderr", "stdout", "disk", "proc", "terminal")
SLACK_S = 15.0
"""Beyond the exit deadline: for a machine with much else to do."""
_HANGING_FSYNC = "import os, time\nos.fsync = lambda _: time.sleep(3600)\n"
"""A `sitecustomize` for the agent: its spool's disk hangs."""


@dataclass(frozen=True, slots=True)
class Outcome:
    reports_meanwhile: int
    """That reached the backend while the thing stood still and the program worked."""
    status: int | None
    """The agent's exit status; None if it had to be killed."""
    end_s: float
    """From the program's end to the agent's."""


class Stall:
    """A run that stands against a thing that stands still, from `with` on; `outcome()` waits for its end."""

    def __init__(self, what: str, folder: Path, seconds: float, *, is_told_to_end: bool) -> None:
        self._what = what
        self._seconds = seconds
        self._is_told_to_end = is_told_to_end
        folder.mkdir()
        self._folder = Folder(folder)
        self._backend = Backend()
        self._open: list[int] = []
        self._agent: subprocess.Popen[bytes]
        self._began_s = 0.0

    def __enter__(self) -> Self:
        self._backend.__enter__()
        # Told to end, it would work on for long.
        seconds = 10 * self._seconds if self._is_told_to_end else self._seconds
        shutil.copy(PROGRAM, self._folder.path)
        program = ("python", PROGRAM.name, "--python", sys.executable)
        reports = ("--report-endpoint", self._backend.url, "--report-interval", "0.5")
        own: tuple[str, ...] = {"terminal": (), "disk": ("--no-tui", "--json", "saved.json")}.get(
            self._what, ("--no-tui",)
        )
        words = (*_confined(self._what), str(COMMAND), *program, *reports, *own, "--", self._what, str(seconds))
        stdin, stdout, stderr = self._streams()
        self._agent = subprocess.Popen(
            words,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=self._folder.path,
            env=self._environment(),
            start_new_session=True,
        )
        self._wait_for_stall()
        return self

    def __exit__(self, *_: object) -> None:
        if self._agent.poll() is None:
            # The program, whatever its state, goes with the agent's group or session.
            for pid in (*_children(self._agent.pid), self._agent.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._agent.wait()
        for descriptor in self._open:
            os.close(descriptor)
        self._backend.__exit__()

    def outcome(self) -> Outcome:
        time.sleep(max(0.0, self._began_s + self._seconds - time.monotonic()))
        reports = len(self._backend.requests)
        if self._is_told_to_end:
            self._agent.terminate()
        ended_s = time.monotonic()
        status: int | None = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self._agent.wait(EXIT_DEADLINE_S + SLACK_S)
        return Outcome(reports, status, time.monotonic() - ended_s)

    def _wait_for_stall(self) -> None:
        ends_s = time.monotonic() + 60
        while not (self._folder.path / "stalled").exists():
            assert time.monotonic() < ends_s, "the program did not start"
            assert self._agent.poll() is None, f"{self._what}: ended with {self._agent.returncode}"
            time.sleep(0.01)
        self._began_s = time.monotonic()

    def _streams(self) -> tuple[int, int, int]:
        """stdin, stdout and stderr, the one that stands still with another end that we hold, and never read."""
        if self._what == "terminal":
            ours, theirs = pty.openpty()
            self._open += [ours, theirs]
            return theirs, theirs, theirs
        if self._what not in ("stdout", "stderr"):
            return subprocess.DEVNULL, subprocess.DEVNULL, subprocess.DEVNULL
        ours, theirs = os.pipe()
        self._open += [ours, theirs]
        is_stdout = self._what == "stdout"
        return (
            subprocess.DEVNULL,
            theirs if is_stdout else subprocess.DEVNULL,
            subprocess.DEVNULL if is_stdout else theirs,
        )

    def _environment(self) -> dict[str, str]:
        environment = self._folder.environment(TERM="xterm-256color")
        if self._what == "disk":
            os.mkfifo(self._folder.path / "saved.json")
            self._folder.write("site/sitecustomize.py", _HANGING_FSYNC)
            environment["PYTHONPATH"] = str(self._folder.path / "site")
        return environment


def stalls(*, is_told_to_end: bool) -> list[str]:
    """A screen stays when its program has ended, until the user leaves: it is only told to end."""
    return [what for what in WHAT if is_told_to_end or what != "terminal"]


def why_not(what: str) -> str | None:
    """Why `what` cannot be made to stand still here."""
    if what == "proc":
        tried = subprocess.run([*_confined(what), "true"], check=False, capture_output=True)
        return "mounting needs root" if tried.returncode else None
    return None


def _confined(what: str) -> tuple[str, ...]:
    """What gives a command a /proc that it may mount over without others' seeing it."""
    return ("unshare", "--mount", "--propagation", "private") if what == "proc" else ()


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    return []


def main(seconds: float) -> int:
    """Print a table; 1 if a row is not as it should be."""
    bad = 0
    print(f"{'stands still':<14}{'then':<10}{'reports':>8}{'status':>8}{'end':>9}")
    for is_told_to_end in (False, True):
        for what in stalls(is_told_to_end=is_told_to_end):
            if why_not(what):
                print(f"{what:<14}{why_not(what)}")
                continue
            with (
                tempfile.TemporaryDirectory() as folder,
                Stall(what, Path(folder, "run"), seconds, is_told_to_end=is_told_to_end) as stall,
            ):
                found = stall.outcome()
            then = "SIGTERM" if is_told_to_end else "ends"
            print(
                f"{what:<14}{then:<10}{found.reports_meanwhile:>8}{found.status if found.status is not None else '–':>8}{found.end_s:>7.1f} s",
                flush=True,
            )
            bad += found.status != STATUS or not found.reports_meanwhile
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0))
