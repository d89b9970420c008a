"""The real command, run as a user would: in a folder of its own, with a clean home."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

COMMAND = Path(sys.executable).with_name("multi_lang_profiler")
DEADLINE_S = 60.0
"""No run in the tests takes anywhere near this long; it only keeps a hang from hanging the suite."""


@dataclass(frozen=True, slots=True)
class Finished:
    status: int
    stdout: bytes
    stderr: str

    @property
    def lines(self) -> list[str]:
        return self.stderr.splitlines()


class Folder:
    """A working folder and a home; `run` and `start` use both. As a context it ends what a failing test left running."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.home = path / "home"
        self.home.mkdir()
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()

    def write(self, name: str, text: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def environment(self, **variables: str) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PROFILER_", "XDG_", "PYTEST_", "COVERAGE")) and name != "VIRTUAL_ENV"
        }
        return {**kept, "HOME": str(self.home), **variables}

    def start(self, *words: str, stdin: int | None = subprocess.DEVNULL, **variables: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [COMMAND, *words],
            cwd=self.path,
            env=self.environment(**variables),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def run(self, *words: str, stdin: bytes = b"", **variables: str) -> Finished:
        return finish(self.start(*words, stdin=subprocess.PIPE, **variables), stdin)


def finish(process: subprocess.Popen[bytes], stdin: bytes | None = None) -> Finished:
    """Wait for the command's end; on a hang end its whole session and fail."""
    try:
        stdout, stderr = process.communicate(stdin, timeout=DEADLINE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        stdout, stderr = process.communicate()
        raise AssertionError(f"still running after {DEADLINE_S:g} s; stderr: {stderr.decode()}") from None
    # As a shell has it: killed by Ctrl+C we are killed, too.
    status = process.returncode if process.returncode >= 0 else 128 - process.returncode
    return Finished(status, stdout, stderr.decode())
