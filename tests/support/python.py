"""Python programs and interpreters for the tests, and the Python sampler driven without an engine."""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

import pytest

from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.profile.recorder import Recorder
from multi_lang_profiler.engine.samplers.python.austin import find_austin
from multi_lang_profiler.engine.samplers.python.interpreter import Interpreter
from multi_lang_profiler.engine.samplers.python.sampler import PythonSampler
from multi_lang_profiler.engine.samplers.sampler import Context, Process
from multi_lang_profiler.engine.settings import Language, Settings

from .debian import NotToBeHad
from .debian_python import debian_python
from .ledger import make_ledger
from .processes import processes_where

if TYPE_CHECKING:
    from collections.abc import Callable

    from multi_lang_profiler.engine.events import Event
    from multi_lang_profiler.engine.profile.ledger import Ledger
    from multi_lang_profiler.engine.samplers.python.looking import Lookings

DEADLINE_S = 30.0
_BYTES_PER_SAMPLE = 150
"""What a sample of the deep threads takes."""
PROGRAMS = Path(__file__).resolve().parents[1] / "programs" / "python"
AUSTIN_VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
"""All that Austin 3.7 reads; those the machine does not have are skipped, by name."""
PYTHON_VERSIONS = (*AUSTIN_VERSIONS, "3.14", "3.15")
"""All that we read."""


@functools.cache
def python_of_version(version: str) -> str:
    """An interpreter of that version; skips the test where there is none."""
    homes = (
        *Path.home().glob(f".pyenv/versions/{version}.*/bin/python"),
        *Path.home().glob(f".local/share/uv/python/cpython-{version}.*/bin/python3"),
    )
    for path in (sys.executable, *homes, shutil.which(f"python{version}")):
        if path is not None and _version(path) == version:
            return str(path)
    if version in {"3.14", "3.15"}:
        try:
            return str(debian_python(version))
        except NotToBeHad as error:
            pytest.skip(str(error))
    pytest.skip(f"there is no Python {version} on this machine")


def _version(path: str | Path) -> str:
    asked = subprocess.run(
        [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, check=False
    )
    return asked.stdout.decode().strip()


def record_mojo(python: str, file: Path, *, samples: int, rate_hz: int = 1_000) -> bytes:
    """What Austin writes of four deep threads in wall mode: about `samples`."""
    major, _, minor = _version(python).partition(".")
    austin = asyncio.run(find_austin(Interpreter("CPython", (int(major), int(minor)))))
    program = start_busy(python, "python", DEADLINE_S, 4)
    command = austin.command(program.pid, interval_us=1_000_000 // rate_hz, cpu=False, children=False)
    ends_s = time.monotonic() + DEADLINE_S
    try:
        while True:
            # Attaching may fail while threads come up.
            with (
                file.open("wb") as output,
                subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL) as recording,
            ):
                while recording.poll() is None and file.stat().st_size < samples * _BYTES_PER_SAMPLE:
                    assert time.monotonic() < ends_s, "Austin did not write in time"
                    time.sleep(0.01)
                if recording.poll() is None:
                    recording.terminate()
                    break
    finally:
        program.kill()
        program.communicate()
    return file.read_bytes()


def start_busy(python: str, kind: str, seconds: float, workers: int) -> subprocess.Popen[bytes]:
    program = subprocess.Popen(
        [python, PROGRAMS / "busy.py", kind, str(seconds), str(workers)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert program.stdin is not None
    assert program.stdout is not None
    assert program.stdout.readline() == b"ready\n"
    program.stdin.write(b"begin\n")
    program.stdin.flush()
    return program


class SampledProgram:
    """A program with the sampler on it: `async with SampledProgram(file, …) as sampled`."""

    def __init__(self, program: Path | str, *arguments: str, python: str = sys.executable, **settings: object) -> None:
        """`lookings` among the settings is a helper to be shared."""
        lookings = cast("Lookings | None", settings.pop("lookings", None))
        self.recorder = Recorder()
        self.events: list[Event] = []
        self.coverage: list[bool] = []
        """What the sampler said of its sampling, in order."""
        self._settings = Settings(
            Language.PYTHON,
            str(program),
            arguments,
            runtime=python,
            **{"working_folder": PROGRAMS, **settings},  # type: ignore[arg-type]
        )
        self.ledger = make_ledger(self.recorder, self._settings)
        self.sampler = make_sampler(
            self._settings, self.recorder, self.events.append, self.coverage.append, self.ledger, lookings
        )
        self._accounting: asyncio.Task[None]
        self.sampling: asyncio.Task[None]
        self.child: subprocess.Popen[bytes]

    async def __aenter__(self) -> Self:
        launch = await self.sampler.prepare()
        self.child = subprocess.Popen(
            launch.argv, cwd=self._settings.working_folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.ledger.begin(self.child.pid, is_ours=True)
        self._accounting = asyncio.create_task(self.ledger.keep())
        self.sample()
        return self

    def sample(self) -> None:
        """Begin to sample (again)."""
        self.sampling = asyncio.create_task(self.sampler.sample(Process(self.child.pid, time.monotonic())))

    async def __aexit__(self, *exc: object) -> None:
        self.child.kill()
        self.sampling.cancel()
        self._accounting.cancel()
        self.ledger.end()
        await asyncio.gather(self.sampling, return_exceptions=True)
        await self.sampler.close()
        self.child.communicate()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for `condition`, for the sampler's failure, or for the deadline, which fails the test."""
        ends_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < ends_s, f"waited in vain; events: {[event.line for event in self.events]}"
            if self.sampling.done():
                self.sampling.result()
                assert condition(), "the sampling ended before"
            await asyncio.sleep(0.01)

    async def attached(self) -> None:
        await self.until(lambda: self.coverage)

    def say(self, line: str) -> None:
        """To the program's standard input."""
        assert self.child.stdin is not None
        self.child.stdin.write(line.encode() + b"\n")
        self.child.stdin.flush()

    async def hear(self) -> str:
        """The next line of the program's standard output."""
        assert self.child.stdout is not None
        return (await asyncio.wait_for(asyncio.to_thread(self.child.stdout.readline), DEADLINE_S)).decode().strip()

    async def end(self) -> int:
        """Wait for the program's end and for its last samples; its exit status."""
        status = await asyncio.wait_for(asyncio.to_thread(self.child.wait), DEADLINE_S)
        await asyncio.wait_for(self.sampling, DEADLINE_S)
        return status

    @property
    def total(self) -> int:
        return self.recorder.run.total

    @property
    def hot(self) -> Counter[str]:
        """Function -> samples with it running."""
        hot: Counter[str] = Counter()
        for function, samples in self.recorder.functions.self_samples.items():
            hot[self.recorder.table.functions[function].name] += samples
        return hot

    @property
    def pids(self) -> set[int]:
        return {self.recorder.table.threads[thread].pid for thread, _ in self.recorder.run.by_stack}


def make_sampler(
    settings: Settings,
    recorder: Recorder | None = None,
    emit: Callable[[Event], None] = lambda _: None,
    sampling: Callable[[bool], None] = lambda _: None,
    ledger: Ledger | None = None,
    lookings: Lookings | None = None,
) -> PythonSampler:
    recorder = recorder or Recorder()
    return PythonSampler(
        Context(
            settings,
            recorder,
            emit,
            SystemClock(),
            sampling,
            _none,
            _none,
            ledger=ledger or make_ledger(recorder, settings),
            lookers=[],
        ),
        lookings=lookings,
    )


def austins_of(pid: int) -> list[int]:
    """The Austin processes that sample `pid`."""
    return processes_where(lambda process: (process / "cmdline").read_bytes().endswith(b"\0-p\0%d\0" % pid))


def lookers(parent: int | None = None) -> list[int]:
    """The helpers that look at processes for the sampler in this process, or in process `parent`."""
    of_parent = b"\nPPid:\t%d\n" % (parent or os.getpid())
    return processes_where(
        lambda process: (
            b"from room.looker import" in (process / "cmdline").read_bytes()
            and of_parent in (process / "status").read_bytes()
        )
    )


def _none() -> Path:
    raise AssertionError("the Python sampler needs no folder")
