"""From what the user named to an executable: finds the Go source and the toolchain for it, and builds, changing neither."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import textwrap
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...errors import reason
from ...events import Note
from ...settings import KEY_VARIABLE
from ..sampler import CannotStart
from .overlay import MAIN_IMPORT, PREFIX, Toolchain, UnknownRelease, write_overlay

if TYPE_CHECKING:
    from ..sampler import Context

MAX_OUTPUT_CHARACTERS = 4_000
"""Kept of what `go` says when it fails."""
SLOW_BUILD_S = 3.0
"""After which we say what takes so long."""
INTERRUPT_S = 2.0
"""How long `go` may take to clean up when it is interrupted."""
_PACKAGE_CLAUSE = re.compile(r"^package[ \t]+(\w+)", re.MULTILINE)
_MODULE_CLAUSE = re.compile(r"^module[ \t]+\"?([^\s\"]+)", re.MULTILINE)
_MAIN_FUNCTION = re.compile(r"^func (main)\(\)", re.MULTILINE)
_OUR_PART_FAILED = re.compile(rf"^# runtime/pprof$|\b{PREFIX}_\w+\.go\b", re.MULTILINE)
_LIST_FORMAT = "{{.Name}}\n{{.Dir}}{{range .GoFiles}}\n{{.}}{{end}}{{range .CgoFiles}}\n{{.}}{{end}}"


@dataclass(frozen=True, slots=True)
class GoSource:
    """What shall be built."""

    folder: Path
    """Of the package, absolute."""
    files: tuple[Path, ...]
    """The files that are the program; none for the whole package."""
    main_file: Path | None
    """Where `func main` is, or the tests are."""
    is_test: bool = False
    """The package's test binary is meant."""


@dataclass(frozen=True, slots=True)
class GoProgram:
    executable: Path
    source: GoSource
    toolchain: Toolchain
    roots: tuple[tuple[str, Path], ...]
    """`(prefix, folder)`: with `-trimpath` the program names its files by these prefixes, which stand for these folders."""
    unprofiled: str | None
    """Why nothing of ours is in it, as one clear line; None if it can be sampled."""


@dataclass(frozen=True, slots=True)
class _Environment:
    """What `go` says of a source's place."""

    toolchain: Toolchain
    """The one that go.mod asks for, which need not be `go`'s own."""
    folder: Path
    """Where to build: in the user's folder if it decides the same, for then errors name files as the user does."""
    has_module: bool
    roots: tuple[tuple[str, Path], ...]
    """As in `GoProgram`: of the main module."""


class _Answer(NamedTuple):
    status: int
    output: str
    errors: str


class GoBuild:
    """Runs the user's `go` in the user's environment. What it says when it fails is in the `CannotStart` raised."""

    def __init__(self, context: Context, folder: Path) -> None:
        """All that is made is made in `folder`, which is ours."""
        self._folder = folder
        self._emit = context.emit
        self._settings = context.settings
        self._go = _find_go(context.settings.runtime)
        self._flags = context.settings.runtime_arguments
        if any(re.match(r"--?overlay\b", flag) for flag in self._flags):
            raise CannotStart("--go-arg -overlay cannot be used: the profiler builds with an overlay of its own")

    async def build(self, rate_hz: int) -> GoProgram:
        """Build what the user named; the executable lies alone in its folder. Raises `CannotStart`."""
        source = await self._source()
        environment = await self._environment(source)
        toolchain = environment.toolchain
        executables = self._folder / "bin"
        executables.mkdir()
        overlay, unprofiled = None, None
        try:
            overlay = _overlay(toolchain, source, self._folder, rate_hz)
        except UnknownRelease as error:
            unprofiled = f"{error}; the program runs unprofiled"
        self._emit(Note(f"Building {self._settings.program} with {toolchain.version}"))
        slow = asyncio.create_task(self._say_that_it_is_slow())
        try:
            source, answer = await self._compile(source, environment, overlay, executables)
            if answer.status and overlay and _OUR_PART_FAILED.search(answer.errors):
                unprofiled = f"{toolchain.version} does not compile the profiler's part; the program runs unprofiled"
                source, answer = await self._compile(source, environment, None, executables)
        finally:
            slow.cancel()
        if answer.status:
            raise self._failure(f"does not build with {toolchain.version}", answer)
        executable = next(executables.iterdir(), None)
        if executable is None:
            raise self._failure("gave no executable", answer)
        roots = (*environment.roots, ("./", source.folder), ("", toolchain.root / "src"))
        return GoProgram(executable, source, toolchain, roots, unprofiled)

    async def _compile(
        self, source: GoSource, environment: _Environment, overlay: Path | None, executables: Path
    ) -> tuple[GoSource, _Answer]:
        """Build `source`, with the files beside it where it is a file that does not do without them."""
        answer = await self._run(environment.folder, *_command(source, self._flags, overlay, executables))
        if answer.status == 0 or len(source.files) != 1 or "undefined: " not in answer.errors:
            return source, answer
        whole = replace(source, files=() if environment.has_module else _neighbours(source.files[0]))
        again = await self._run(environment.folder, *_command(whole, self._flags, overlay, executables))
        if "main redeclared" in again.errors:
            # Each file of the folder is a program: this one's own errors are the ones that matter.
            return source, answer
        self._emit(Note(f"{self._settings.program} needs other files: its whole folder is built"))
        return whole, again

    async def _source(self) -> GoSource:
        program, working_folder = self._settings.program, self._settings.working_folder
        path = working_folder / program
        if path.is_file():
            path = path.resolve()
            if path.name.endswith("_test.go"):
                return GoSource(path.parent, (), path, is_test=True)
            if _found(_PACKAGE_CLAUSE, path) != ["main"]:
                raise CannotStart(f"{program} is no Go program: it is not in package main")
            return GoSource(path.parent, (path,), path)
        if not path.is_dir() and (program.endswith(".go") or program.startswith((".", "/"))):
            raise CannotStart(f"{program} does not exist")
        folder, package = (path.resolve(), ".") if path.is_dir() else (working_folder, program)
        answer = await self._run(folder, "list", *self._flags, "-f", _LIST_FORMAT, package)
        if answer.status:
            what = "is a folder without a Go package" if package == "." else "is no file, no folder and no Go package"
            raise self._failure(what, answer)
        name, directory, *files = answer.output.splitlines()
        if name != "main":
            raise CannotStart(f"{program} is package {name}, not package main: there is nothing to run")
        paths = (Path(directory, file) for file in files)
        return GoSource(Path(directory), (), next((file for file in paths if _found(_MAIN_FUNCTION, file)), None))

    async def _environment(self, source: GoSource) -> _Environment:
        answer = await self._run(source.folder, "env", "GOROOT", "GOVERSION", "GOMOD", "GOWORK")
        if answer.status:
            raise self._failure("cannot be built", answer)
        root, version, module, workspace = answer.output.splitlines()
        deciding = [Path(file).parent for file in (module, workspace) if file not in ("", os.devnull, "off")]
        working_folder = self._settings.working_folder
        is_same = source.folder.is_relative_to(working_folder) and all(map(working_folder.is_relative_to, deciding))
        folder = working_folder if is_same else source.folder
        roots = [(f"{name}/", Path(module).parent) for name in _found(_MODULE_CLAUSE, Path(module))]
        return _Environment(Toolchain(self._go, Path(root), version), folder, bool(deciding), tuple(roots))

    async def _run(self, folder: Path, *arguments: str) -> _Answer:
        """Run `go` in `folder`; when cancelled, it and the compilers it started end, too."""
        # Go takes a folder's name from PWD, if that is the same folder; the overlay has the name without links.
        # What go leaves behind when it has to be killed goes with our folder.
        environment = {"GOTMPDIR": str(self._folder), **os.environ, "PWD": str(folder)}
        environment.pop(KEY_VARIABLE, None)
        try:
            process = await asyncio.create_subprocess_exec(
                self._go,
                *arguments,
                cwd=folder,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise CannotStart(f"cannot start {self._go}: {reason(error)}") from None
        try:
            output, errors = await process.communicate()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGINT)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(process.wait(), INTERRUPT_S)
                    os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode is not None, "communicate() returns at the process's end"
        return _Answer(process.returncode, output.decode("utf-8", "replace"), errors.decode("utf-8", "replace"))

    async def _say_that_it_is_slow(self) -> None:
        await asyncio.sleep(SLOW_BUILD_S)
        self._emit(Note("Still building: the first time takes up to half a minute, Go keeps the results"))

    def _failure(self, what: str, answer: _Answer) -> CannotStart:
        said = answer.errors.strip() or answer.output.strip()
        if len(said) > MAX_OUTPUT_CHARACTERS:
            said = said[:MAX_OUTPUT_CHARACTERS] + "…"
        return CannotStart(f"{self._settings.program} {what}:\n{textwrap.indent(said, '   ')}")


def _find_go(runtime: str | None) -> str:
    found = shutil.which(runtime or "go")
    if found is None and runtime is None:
        raise CannotStart("Go was not found on PATH; install it or name it with --go")
    if found is None:
        raise CannotStart(f"{runtime} was not found, or cannot be run; --go names the go command to use")
    return str(Path(found).absolute())


def _overlay(toolchain: Toolchain, source: GoSource, folder: Path, rate_hz: int) -> Path:
    folder = folder / "overlay"
    folder.mkdir()
    # The testing package imports runtime/pprof anyway.
    return write_overlay(toolchain, folder, main_folder=None if source.is_test else source.folder, rate_hz=rate_hz)


def _command(source: GoSource, flags: tuple[str, ...], overlay: Path | None, executables: Path) -> list[str]:
    """The arguments of `go`; the package's or the program's own name becomes the executable's."""
    what = [str(file) for file in source.files] or [str(source.folder)]
    if source.files and overlay:
        what.append(str(source.folder / MAIN_IMPORT))
    verb, output = ["build"], f"{executables}/"
    if source.is_test:
        verb, output = ["test", "-c"], str(executables / f"{source.folder.name}.test")
    return [*verb, *flags, *(["-overlay", str(overlay)] if overlay else []), "-o", output, *what]


def _neighbours(file: Path) -> tuple[Path, ...]:
    """The program's files where there is no module: `file`, and those of package main beside it."""
    others = (other for other in sorted(file.parent.glob("*.go")) if not other.name.endswith("_test.go"))
    return (file, *(other for other in others if other != file and _found(_PACKAGE_CLAUSE, other) == ["main"]))


def _found(pattern: re.Pattern[str], file: Path) -> list[str]:
    """What the pattern's group is in `file`; nothing if it cannot be read."""
    try:
        return pattern.findall(file.read_text("utf-8", "replace"))[:1]
    except OSError:
        return []
