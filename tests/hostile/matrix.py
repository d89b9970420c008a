"""One cell of the table: a situation and a language, bare and under us."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .subjects import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .situations import Situation
    from .subjects import Subject

DEADLINE_S = 60.0
_OURS = (b"\xe2\x9a\xa0", b"??", b"multi_lang_profiler: ")
"""How our own lines begin, also where the locale has no warning sign."""


@dataclass(frozen=True, slots=True)
class Result:
    status: int | None
    """None where it had to be killed."""
    stdout: bytes
    stderr: bytes
    """What is not ours of it."""
    starts: int
    """As the program itself counted them."""
    took_s: float
    lines: tuple[str, ...] = ()
    """Ours."""
    open_to_others: tuple[str, ...] = ()
    """What we have made in the home that others may look into or change."""

    @property
    def facts(self) -> tuple[int | None, bytes, bytes, int]:
        """What has to be equal."""
        return self.status, self.stdout, self.stderr, self.starts


@dataclass(frozen=True, slots=True)
class Cell:
    situation: str
    language: str
    bare: Result
    ours: Result

    @property
    def faults(self) -> list[str]:
        """What is not as it should be."""
        found = []
        if self.ours.facts != self.bare.facts:
            found.append(f"bare {self.bare.facts}, under us {self.ours.facts}")
        if len(self.ours.lines) > 2:
            found.append(f"{len(self.ours.lines)} lines of ours")
        if any("Traceback" in line or "Internal error" in line for line in self.ours.lines):
            found.append("a fault of ours")
        if self.ours.open_to_others:
            found.append(f"open to others: {self.ours.open_to_others}")
        return [f"{fault}; we say {self.ours.lines}" for fault in found]


def try_cell(situation: Situation, subject: Subject) -> Cell:
    with _folder() as folder:
        results = []
        for name in ("bare", "ours"):
            home = folder / name
            home.mkdir(mode=0o755)
            # Whoever runs the program may write there.
            log = folder / f"{name}.log"
            log.touch()
            log.chmod(0o666)
            words = (str(log), situation.ending)
            command = [*subject.bare, *words] if name == "bare" else subject.command(*words)
            results.append(_run(situation.command(command), home, log))
    return Cell(situation.name, subject.language, *results)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Not in /tmp, which a situation may close; and short, for sockets."""
    base = "/run" if os.access("/run", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="hostile-", dir=base))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str], home: Path, log: Path) -> Result:
    began_s = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=home,
        env=environment(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    status: int | None
    try:
        stdout, stderr = process.communicate(timeout=DEADLINE_S)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        stdout, stderr = process.communicate()
        status = None
    took_s = time.monotonic() - began_s
    if status is not None and status < 0:
        status = 128 - status
    lines = stderr.splitlines(keepends=True)
    ours = [line for line in lines if line.startswith(_OURS)]
    theirs = b"".join(line for line in lines if not line.startswith(_OURS))
    said = tuple(line.decode("utf-8", "replace").rstrip() for line in ours)
    made = [path for path in home.rglob("multi_lang_profiler*") if not path.is_symlink()]
    made += [parent for path in made for parent in path.parents if parent.is_relative_to(home) and parent != home]
    open_to_others = tuple(
        sorted({str(path) for path in made if path.stat().st_mode & 0o022 and path.stat().st_uid == os.geteuid()})
    )
    return Result(status, stdout, theirs, len(log.read_text().split()), took_s, said, open_to_others)
