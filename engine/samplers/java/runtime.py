"""The user's Java: where it is, what it can do, and our agent compiled with its `javac`."""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
import re
import shutil
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...processes import is_executable
from ...text import reason
from ..sampler import CannotStart
from .agent_start import INLINED_METHODS, POLLING_LOOPS, known_agent, level_for, note_agent, recorder_from_s

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .options import JavaOptions

AGENT_SOURCES = Path(__file__).parent / "agent"
_FOR_JAVA_17 = frozenset({"FlightRecorded.java"})
_NEEDED_MODULES = frozenset({"java.instrument", "java.management", "jdk.management"})
_ASK_JAVA_S = 20.0
_COMPILE_S = 120.0
_POLLING_LOOPS = (
    re.compile(r"-XX:.*(UseCountedLoopSafepoints|LoopStripMiningIter)"),
    POLLING_LOOPS,
)
_INLINED_METHODS = (
    re.compile(r"-XX:.*(UnlockDiagnosticVMOptions|DebugNonSafepoints)"),
    INLINED_METHODS,
)
_OTHER_JVM = re.compile(r"-(client|minimal|zero)$")
_WITH_ITS_COMPILER = frozenset({"x86_64", "aarch64"})
"""Elsewhere what is called HotSpot may be without C2."""
_MANIFEST = (
    "Manifest-Version: 1.0\r\nPremain-Class: multilangprofiler.Agent\r\nAgent-Class: multilangprofiler.Agent\r\n"
    # Told at its start, the JVM keeps which compiled code depends on which class. Else the first class that is redefined, as nine are when the
    # Flight Recorder begins on Java 17, takes all compiled code with it, by which a compiler's minute took a fifth more.
    "Can-Redefine-Classes: true\r\n\r\n"
)


class NoAgent(Exception):
    """The agent cannot be made here. The text is one clear line: why, and what to do."""


@dataclass(frozen=True, slots=True)
class JavaRuntime:
    executable: str
    home: Path | None
    """None where `java` would not say."""
    version: str
    """As in `java.version` (`17.0.15`, `1.8.0_402`); empty if unknown."""
    modules: frozenset[str] | None
    """None before Java 9, and if unknown."""

    @property
    def major(self) -> int | None:
        found = re.match(r"(?:1\.)?(\d+)", self.version)
        return int(found[1]) if found else None

    @property
    def missing_modules(self) -> list[str]:
        """What the agent needs and this runtime was linked without."""
        return sorted(_NEEDED_MODULES - self.modules) if self.modules is not None else []

    @property
    def has_recorder(self) -> bool:
        """Whether it has a Flight Recorder from which a program of its own can take samples while they come, without opening a port."""
        return (self.major or 0) >= 17 and (self.modules is None or "jdk.jfr" in self.modules)

    @property
    def recorder_from_s(self) -> int | None:
        """See `agent_start`; None, too, where we do not know enough of the JVM."""
        return recorder_from_s(self.major or 0) if self.has_recorder and self._is_hotspot else None

    def options_to_see(self, options: tuple[str, ...], *, inlined: bool = False) -> list[str]:
        """Options with which a JVM that has `options` shows where it is; none that it does not know, or about which the user has said something.

        Without a safepoint in each counted loop, one over an array is never met running, all its time is its caller's, and every
        look at the JVM's threads makes all of them wait for its end. Without debug information besides that of safepoints, the
        Flight Recorder takes methods that are `inlined` for their callers, too.
        """
        # An option that a JVM does not know keeps it from starting.
        if not self._is_hotspot or any(map(_OTHER_JVM.match, options)):
            return []
        wanted = [_POLLING_LOOPS, *([_INLINED_METHODS] if inlined else [])]
        return [option for said, group in wanted if not any(map(said.match, options)) for option in group]

    def agent_option(self, options: JavaOptions) -> str:
        """The option by which an agent is loaded at the start, up to the agent's name.

        `-javaagent` adds the module `java.instrument` to those of the program: the JVM then has no use for the graph of modules in its
        archive (30 ms), nor for an archive of the user's own, without which it may not start (`-XX:AOTMode=on`). The library that
        reads this option can be named itself, but ends the JVM where the module is not there: it is for a program on the class path.
        """
        is_sure = self._is_hotspot and self._is_launcher and options.are_known and not options.names_modules
        return "-agentlib:instrument=" if is_sure else "-javaagent:"

    def takes_libraries(self, options: JavaOptions) -> bool:
        """Whether a library of somebody else's can be loaded at the start, as an agent, without being in anybody's way."""
        is_in_the_way = options.uses_archive or options.checks_natives
        return self._is_hotspot and self._is_launcher and options.are_known and not is_in_the_way

    @property
    def _is_hotspot(self) -> bool:
        """Whether it is OpenJDK's own JVM, of Java 10 or newer and with its optimising compiler."""
        library = self.home / "lib" if self.home else Path()
        is_openj9 = (library / "default").exists()
        is_new = (self.major or 0) >= 10 and platform.machine() in _WITH_ITS_COMPILER
        return is_new and not is_openj9 and (library / "server" / "libjvm.so").exists()

    @property
    def _is_launcher(self) -> bool:
        """Whether it is Java's own launcher, and not a script that may add options."""
        launcher = Path(self.executable).resolve()
        return launcher.name == "java" and is_executable(launcher)

    def javac(self) -> str | None:
        """The compiler of this Java, or the one on PATH: the agent's class files run on every Java from 8 on."""
        beside = self.home / "bin" / "javac" if self.home else None
        return str(beside) if beside and os.access(beside, os.X_OK) else shutil.which("javac")


async def find_java(named: str | None, environment: Mapping[str, str]) -> JavaRuntime:
    """The Java that `named` (a path, or a name on PATH) says, else `$JAVA_HOME`'s, else `java` on PATH.

    Raises `CannotStart` if there is none.
    """
    executable = _executable(named, environment)
    home: Path | None = _home(executable)
    release = _release(home)
    if not release:
        # A launcher script or a shim; only Java itself knows.
        said = await _properties(executable)
        home = Path(said["java.home"]) if "java.home" in said else None
        release = _release(home) or {"JAVA_VERSION": said.get("java.version", "")}
    return _runtime(executable, home, release)


def installed_java(home: Path) -> JavaRuntime:
    """The Java in that folder, as far as it can be told without starting it."""
    return _runtime(str(home / "bin" / "java"), home, _release(home))


async def agent_jar(
    java: JavaRuntime, folder: Path, on_compile: Callable[[str], None], *, inlined: bool = False
) -> Path:
    """The compiled agent in `folder`, made there if it is not yet, after `on_compile(javac)`. Raises `NoAgent` or `OSError`.

    There are two of them, of class files for Java 8 and for Java 17; the latter has the Flight Recorder,
    for virtual threads (Java 21 and newer) and for `inlined` methods.

    Runs beside each other make the same file under names of their own and move it into place, so each sees all of it or none.
    """
    level = level_for(java.major or 0, inlined=inlined)
    if known := known_agent(str(folder), level, str(AGENT_SOURCES)):
        return Path(known)
    sources = [
        source for source in sorted(AGENT_SOURCES.glob("*.java")) if level == 17 or source.name not in _FOR_JAVA_17
    ]
    content = (_MANIFEST.encode(), *(source.read_bytes() for source in sources))
    digest = hashlib.sha256(b"".join(content)).hexdigest()[:16]
    jar = folder / f"java-agent-{digest}-{level}.jar"
    if _is_whole(jar):
        note_agent(str(folder), level, str(jar), str(AGENT_SOURCES))
        return jar
    javac = java.javac()
    if javac is None:
        raise NoAgent(
            f"There is no javac beside {java.executable} or on PATH, so the program runs unprofiled;"
            " install a JDK (not just a JRE), or name one with --java"
        )
    on_compile(javac)
    with tempfile.TemporaryDirectory(prefix="java-agent-", dir=folder) as temporary:
        await _compile(javac, level, sources, temporary)
        _write_jar(jar, Path(temporary))
    note_agent(str(folder), level, str(jar), str(AGENT_SOURCES))
    return jar


def _runtime(executable: str, home: Path | None, release: Mapping[str, str]) -> JavaRuntime:
    modules = release.get("MODULES")
    return JavaRuntime(
        executable, home, release.get("JAVA_VERSION", ""), frozenset(modules.split()) if modules is not None else None
    )


def _executable(named: str | None, environment: Mapping[str, str]) -> str:
    if named is not None:
        found = shutil.which(named)
        if not found:
            raise CannotStart(f"{named} is not an executable; name the JVM to use with --java PATH")
        return found
    home = environment.get("JAVA_HOME")
    found = (home and shutil.which(str(Path(home, "bin", "java")))) or shutil.which("java")
    if not found:
        raise CannotStart("Java was not found in JAVA_HOME or on PATH; install a JDK or name its java with --java PATH")
    return found


def _home(executable: str) -> Path:
    return Path(executable).resolve().parent.parent


def _release(home: Path | None) -> dict[str, str]:
    """What the file `release` of an installed Java says, as in `JAVA_VERSION="17.0.15"`; empty if there is none."""
    if home is None:
        return {}
    try:
        text = (home / "release").read_text("utf-8", "replace")
    except OSError:
        return {}
    return dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE)) if "JAVA_VERSION" in text else {}


async def _properties(executable: str) -> dict[str, str]:
    status, said = await _run(_ASK_JAVA_S, executable, "-XshowSettings:properties", "-version")
    return dict(re.findall(r"^\s+([\w.]+) = (.*)$", said, re.MULTILINE)) if status == 0 else {}


async def _compile(javac: str, level: int, sources: list[Path], classes: str) -> None:
    # So little is compiled that javac's own code is better not compiled twice: half the CPU time.
    options = ("-J-XX:TieredStopAtLevel=1", "-proc:none", "-nowarn", "-encoding", "UTF-8", "-d", classes)
    status, said = await _run(_COMPILE_S, javac, "--release", str(level), *options, *map(str, sources))
    if status and level == 8:
        # javac 8 has no --release, and later ones take no -source without it.
        status, _ = await _run(_COMPILE_S, javac, "-source", "8", "-target", "8", *options, *map(str, sources))
    if status == 0:
        return
    # What JAVA_TOOL_OPTIONS makes the JVM say is not what went wrong.
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("Picked up ")]
    raise NoAgent(
        f"{javac} could not compile the agent, so the program runs unprofiled: {lines[0] if lines else f'status {status}'}"
    )


async def _run(deadline_s: float, *command: str) -> tuple[int, str]:
    """Exit status and output of `command`; status -1 and the reason if it could not be run or took longer than `deadline_s`."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
    except OSError as error:
        return -1, reason(error)
    try:
        async with asyncio.timeout(deadline_s):
            output, _ = await process.communicate()
    except TimeoutError:
        return -1, f"it did not end within {deadline_s:g} s"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, output.decode("utf-8", "replace")


def _write_jar(jar: Path, classes: Path) -> None:
    made = classes / jar.name
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/MANIFEST.MF", _MANIFEST)
        for file in sorted(classes.rglob("*.class")):
            archive.write(file, file.relative_to(classes))
    made.replace(jar)


def _is_whole(jar: Path) -> bool:
    """A damaged agent would keep the JVM from starting at all."""
    try:
        with zipfile.ZipFile(jar) as archive:
            return archive.testzip() is None
    except (OSError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return False
