"""A backend as a process of its own: started, killed, started again, always at the same port and with the same folder."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

Stack = tuple[tuple[str, str, int], ...]
"""Function, file and line, leaf first."""
DEADLINE_S = 60.0


@dataclass(slots=True)
class Held:
    """What was counted, or what an engine has, in nanoseconds."""

    stacks: Counter[Stack] = field(default_factory=Counter)
    threads: Counter[str] | None = field(default_factory=Counter)
    """By the thread's name; None where nobody asked."""
    profiles: int | None = 0
    """None where it adds them up."""


class Engine:
    """As a context it runs from the beginning to the end, but for the outages in between."""

    path: str
    format: str

    def __init__(self, folder: Path, name: str) -> None:
        self.port = free_port()
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}"

    def command(self) -> Sequence[str | Path]:
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        return os.environ

    def is_ready(self, said: bytes) -> bool:
        """Whether it takes reports; `said` is what it has written since it was started."""
        raise NotImplementedError

    def held(self) -> Held:
        raise NotImplementedError

    def start(self) -> None:
        """Raises `SystemExit`, with what it said, where it does not come up."""
        with self._log.open("ab") as log:
            before = log.tell()
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log, env=self.environment())
        ends_s = time.monotonic() + DEADLINE_S
        while time.monotonic() < ends_s and self._process.poll() is None:
            if self.is_ready(self._log.read_bytes()[before:]):
                return
            time.sleep(0.05)
        raise SystemExit(f"{self.command()[0]} did not start: {self._log.read_text()[-1500:]}")

    def kill(self, number: int = signal.SIGKILL) -> None:
        """As by a crash of the machine's, or in order."""
        if self._process:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None

    def outages(self, *up_and_down_s: tuple[float, float], number: int = signal.SIGKILL) -> Callable[[], None]:
        """To be called while reports come: each time it is up so long, is ended by signal `number`, and comes back after so long."""

        def meanwhile() -> None:
            for up_s, down_s in up_and_down_s:
                time.sleep(up_s)
                self.kill(number)
                time.sleep(down_s)
                self.start()

        return meanwhile

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.kill()
