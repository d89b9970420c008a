"""From what the user named to an executable: finds the Go source and the toolchain for it, and builds, changing neither."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import textwrap
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ...events import Note
from ...inheritance import SECRET_VARIABLES
from ...text import reason
from ..sampler import CannotStart
from .flags import BuildFlags
from .inputs import Place, Unknowable, environment_key, have_settled, inputs, names_its_commit
from .kept_builds import KeptBuilds
from .overlay import IMPORT_FILE, PREFIX, Toolchain, UnknownRelease, write_overlay
from .packages import LIST_FORMAT, Packages, read_packages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..sampler import Context

MAX_OUTPUT_CHARACTERS = 4_000
"""Kept of what `go` says when it fails."""
SLOW_BUILD_S = 3.0
"""After which we say what takes so long."""
UNCHANGED_S = 0.15
"""A build that takes longer has something to do."""
INTERRUPT_S = 2.0
"""How long `go` may take to clean up when it is interrupted."""
_PACKAGE_CLAUSE = re.compile(r"^package[ \t]+(\w+)", re.MULTILINE)
_MAIN_FUNCTION = re.compile(r"^func (main)\(\)", re.MULTILINE)
_OUR_PART_FAILED = re.compile(rf"^# runtime(/pprof)?$|\b{PREFIX}_\w+\.go\b", re.MULTILINE)
_ASKED = (
    *(
        "GOFLAGS",
        "GOROOT",
        "GOVERSION",
        "GOMOD",
        "GOWORK",
        "GOENV",
        "GOOS",
        "GOARCH",
        "GOAMD64",
        "GOARM64",
        "GOEXPERIMENT",
        "GODEBUG",
    ),
    *("GOPATH", "GOMODCACHE", "GO111MODULE", "GOTOOLCHAIN", "CGO_ENABLED", "CC", "CXX"),
)
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
    is_file: bool = False
    """The user named a file."""

    def to_json(self) -> list[object]:
        main_file = str(self.main_file) if self.main_file else None
        return [str(self.folder), list(map(str, self.files)), main_file, self.is_test, self.is_file]

    @classmethod
    def from_json(cls, values: Sequence[Any]) -> GoSource:
        """What `to_json` gave. Raises `ValueError` and its like where it did not."""
        folder, files, main_file, is_test, is_file = values
        main_file = Path(main_file) if main_file else None
        return cls(Path(folder), tuple(map(Path, files)), main_file, bool(is_test), bool(is_file))


@dataclass(frozen=True, slots=True)
class GoProgram:
    executable: Path
    source: GoSource
    toolchain: Toolchain
    folders: dict[str, Path]
    """Folder as the program names it where it was built with `-trimpath` -> the folder, but for the standard library's."""
    replaced: dict[str, str]
    """Files as the program names them -> the files that the user's own overlay put in their places."""
    unprofiled: str | None
    """Why nothing of ours is in it, as one clear line; None if it can be sampled."""
    was_built: bool = True
    """False where nothing had changed since the last time."""


@dataclass(frozen=True, slots=True)
class _Environment:
    """What `go` says of a source's place."""

    toolchain: Toolchain
    """The one that go.mod asks for, which need not be `go`'s own."""
    folder: Path
    """Where to build: in the user's folder if it decides the same, for then errors name files as the user does."""
    has_module: bool


class _Incompatible(Exception):
    """The program and the profiler's part cannot be had together. The text says why."""


class _Answer(NamedTuple):
    status: int
    output: str
    errors: str


class _Told(NamedTuple):
    """What `go env` says in a folder."""

    folder: Path
    flags: str
    root: str
    version: str
    module: str
    workspace: str
    place: Place


class GoBuild:
    """Runs the user's `go` in the user's environment. What it says when it fails is in the `CannotStart` raised."""

    def __init__(self, context: Context, folder: Path) -> None:
        """All that is made is made in `folder`, which is ours."""
        self._folder = folder
        self._executables = folder / "bin"
        self._emit = context.emit
        self._settings = context.settings
        self._go = _find_go(context.settings.runtime)
        self._flags = context.settings.runtime_arguments
        self._goflags: str | None = None
        """In place of the user's."""
        self._covers = False
        self._replaced: dict[str, str] = {}
        self._cache_folder = context.cache_folder
        self._is_listed = asyncio.Event()
        """The list of packages is waited for."""

    async def build(self, rate_hz: int) -> GoProgram:
        """Build what the user named; the executable lies alone in its folder. Raises `CannotStart`."""
        here = await self._ask(self._settings.working_folder)
        self._read_flags(here.flags)
        self._executables.mkdir()
        kept = self._kept(here, rate_hz)
        if kept and (unchanged := await self._unchanged(here, kept)):
            return unchanged
        began_s = time.time()
        source = await self._source()
        there = here if source.folder == here.folder else await self._ask(source.folder)
        environment = self._environment(source, there)
        toolchain = environment.toolchain
        if kept:
            await asyncio.to_thread(kept.lay_out, self._executables)
        self._emit(Note(f"Building {self._settings.program} with {toolchain.version}"))
        slow = asyncio.create_task(self._say_that_it_is_slow())
        listing = asyncio.create_task(self._packages(source, environment, kept.packages() if kept else None))
        unprofiled = None
        try:
            try:
                source, answer = await self._compile_profiled(source, environment, listing, rate_hz, kept)
            except (UnknownRelease, _Incompatible) as reason:
                unprofiled = f"{reason}; the program runs unprofiled"
                source, answer = await self._compile(source, environment, None)
            packages = await self._known(listing, kept)
        finally:
            slow.cancel()
            listing.cancel()
        if answer.status:
            raise self._failure(f"does not build with {toolchain.version}", answer)
        if kept:
            await asyncio.to_thread(kept.settle, self._executables, packages)
        executable = next(self._executables.iterdir(), None)
        if executable is None:
            raise self._failure("gave no executable", answer)
        if kept and not unprofiled:
            await asyncio.to_thread(self._note_inputs, kept, executable, source, packages, there, began_s)
        return GoProgram(executable, source, toolchain, _folders(packages, source), self._replaced, unprofiled)

    async def _unchanged(self, here: _Told, kept: KeptBuilds) -> GoProgram | None:
        """The program as it was built the last time, if nothing has changed since that it was built from."""
        try:
            key, *of_source, found = json.loads(kept.inputs())
            source = GoSource.from_json(of_source)
            packages = kept.packages()
            path = (self._settings.working_folder / self._settings.program).resolve()
            if packages is None or path != (source.main_file if source.is_file else source.folder):
                return None
            there = here if source.folder == here.folder else await self._ask(source.folder)
            if self._inputs(source, packages, there) != (key, found):
                return None
        except (ValueError, TypeError, LookupError, OSError, Unknowable):
            return None
        executable = await asyncio.to_thread(kept.lay_out_as_it_is, self._executables)
        if executable is None:
            return None
        toolchain = Toolchain(self._go, Path(there.root), there.version)
        return GoProgram(executable, source, toolchain, _folders(packages, source), {}, None, was_built=False)

    def _inputs(self, source: GoSource, packages: Packages, told: _Told) -> tuple[str, dict[str, str]]:
        """Raises `OSError` and `Unknowable`."""
        if self._replaced or not packages.is_go_alone:
            raise Unknowable
        key = environment_key(told.place, self._go, (*shlex.split(told.flags), *self._flags), os.environ)
        return key, inputs(source.files, packages.folders, packages.standard, told.place)

    def _note_inputs(
        self, kept: KeptBuilds, executable: Path, source: GoSource, packages: Packages, told: _Told, began_s: float
    ) -> None:
        """Takes its time: for a worker thread."""
        with contextlib.suppress(OSError, Unknowable):
            key, found = self._inputs(source, packages, told)
            if have_settled(found, began_s) and not names_its_commit(executable):
                kept.note(executable, json.dumps([key, *source.to_json(), found]))

    def _kept(self, here: _Told, rate_hz: int) -> KeptBuilds | None:
        """None where there is no cache."""
        settings = self._settings
        what = (self._go, here.version, str(settings.working_folder), settings.program, str(rate_hz))
        try:
            return KeptBuilds(self._cache_folder(), *what, *self._flags)
        except OSError:
            return None

    async def _compile_profiled(
        self,
        source: GoSource,
        environment: _Environment,
        listing: asyncio.Task[Packages],
        rate_hz: int,
        kept: KeptBuilds | None,
    ) -> tuple[GoSource, _Answer]:
        """As `_compile`, with the sampler. Raises `UnknownRelease` and `_Incompatible` where that cannot be."""
        toolchain = environment.toolchain
        known = kept.packages() if kept else None
        keeps_rate = known is not None and known.sets_profile_rate
        overlay = self._overlay(toolchain, source, rate_hz, keeps_rate=keeps_rate)
        source, answer = await self._compile(source, environment, overlay)
        packages = await self._known(listing, kept)
        if packages.loads_plugins:
            raise _Incompatible("a plugin fits only the program as you build it, without the profiler's part")
        if packages.sets_profile_rate and not keeps_rate and not answer.status:
            overlay = self._overlay(toolchain, source, rate_hz, keeps_rate=True)
            source, answer = await self._compile(source, environment, overlay)
        if not answer.status or not _OUR_PART_FAILED.search(answer.errors):
            return source, answer
        if self._covers:
            raise _Incompatible(
                "cmd/cover does not see files that only an overlay has, and -coverpkg has runtime/pprof"
            )
        raise _Incompatible(f"{toolchain.version} does not compile the profiler's part: {_first_error(answer.errors)}")

    async def _known(self, listing: asyncio.Task[Packages], kept: KeptBuilds | None) -> Packages:
        """What the program is made of: as it was where `go` has found the executable to be as it was, else what it lists."""
        if not listing.done() and kept and (packages := await asyncio.to_thread(kept.unchanged, self._executables)):
            listing.cancel()
            return packages
        self._is_listed.set()
        return await listing

    async def _packages(self, source: GoSource, environment: _Environment, known: Packages | None) -> Packages:
        """Lists them, where they are `known` from the last time once it is clear that this takes more than a look."""
        if known:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_listed.wait(), UNCHANGED_S)
        what = [str(file) for file in source.files] or [str(source.folder)]
        flags = ("-e", "-deps", *(["-test"] if source.is_test else []), "-f", LIST_FORMAT)
        answer = await self._run(environment.folder, "list", *self._flags, *flags, *what)
        return await asyncio.to_thread(read_packages, answer.output, self._replaced)

    async def _ask(self, folder: Path) -> _Told:
        answer = await self._run(folder, "env", *_ASKED)
        if answer.status:
            raise self._failure("cannot be built", answer)
        flags, root, version, module, workspace, settings, *_ = values = tuple(answer.output.split("\n"))
        return _Told(folder, flags, root, version, module, workspace, Place(module, workspace, settings, root, values))

    def _read_flags(self, goflags: str) -> None:
        working_folder = self._settings.working_folder
        flags = BuildFlags(goflags, self._flags)
        self._covers = flags.covers
        overlay = flags.overlay(working_folder)
        if overlay:
            # From here on `go` may run elsewhere, so that the relative paths would mean others.
            file, self._replaced = overlay
            absolute = self._folder / "user_overlay.json"
            absolute.write_text(json.dumps({"Replace": self._replaced}), "utf-8")
            flag = f"-overlay={absolute}"
            self._flags = (*self._flags, flag)
            self._goflags = f"{goflags} {shlex.quote(flag)}".strip()
            self._emit(Note(f"The overlay {file} is built in, with the profiler's own"))

    def _overlay(self, toolchain: Toolchain, source: GoSource, rate_hz: int, *, keeps_rate: bool = False) -> Path:
        folder = self._folder / "overlay"
        folder.mkdir(exist_ok=True)
        importer = None if source.is_test else (source.folder, "main")
        if importer and self._covers:
            # cmd/cover reads each file of main from the disk, but all that is built for it has this package.
            importer = (toolchain.root / "src" / "runtime" / "coverage", "coverage")
        return write_overlay(
            toolchain, folder, importer=importer, rate_hz=rate_hz, keeps_rate=keeps_rate, replaced=self._replaced
        )

    def _command(self, source: GoSource, overlay: Path | None) -> list[str]:
        """The arguments of `go`; the package's or the program's own name becomes the executable's."""
        what = [str(file) for file in source.files] or [str(source.folder)]
        if source.files and overlay and not self._covers:
            what.append(str(source.folder / IMPORT_FILE))
        verb, output = ["build"], f"{self._executables}/"
        if source.is_test:
            verb, output = ["test", "-c"], str(self._executables / f"{source.folder.name}.test")
        # The last -overlay counts; the user's is part of ours.
        return [*verb, *self._flags, *(["-overlay", str(overlay)] if overlay else []), "-o", output, *what]

    async def _compile(
        self, source: GoSource, environment: _Environment, overlay: Path | None
    ) -> tuple[GoSource, _Answer]:
        """Build `source`, with the files beside it where it is a file that does not do without them."""
        answer = await self._run(environment.folder, *self._command(source, overlay))
        if answer.status == 0 or len(source.files) != 1 or "undefined: " not in answer.errors:
            return source, answer
        whole = replace(source, files=() if environment.has_module else _neighbours(source.files[0]))
        again = await self._run(environment.folder, *self._command(whole, overlay))
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
                return GoSource(path.parent, (), path, is_test=True, is_file=True)
            if _found(_PACKAGE_CLAUSE, path) != ["main"]:
                raise CannotStart(f"{program} is no Go program: it is not in package main")
            return GoSource(path.parent, (path,), path, is_file=True)
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
        paths = (Path(self._replaced.get(path, path)) for path in (f"{directory}/{file}" for file in files))
        return GoSource(Path(directory), (), next((file for file in paths if _found(_MAIN_FUNCTION, file)), None))

    def _environment(self, source: GoSource, told: _Told) -> _Environment:
        deciding = [Path(file).parent for file in (told.module, told.workspace) if file not in ("", os.devnull, "off")]
        working_folder = self._settings.working_folder
        is_same = source.folder.is_relative_to(working_folder) and all(map(working_folder.is_relative_to, deciding))
        folder = working_folder if is_same else source.folder
        return _Environment(Toolchain(self._go, Path(told.root), told.version), folder, bool(deciding))

    async def _run(self, folder: Path, *arguments: str) -> _Answer:
        """Run `go` in `folder`; when cancelled, it and the compilers it started end, too."""
        # Go takes a folder's name from PWD, if that is the same folder; the overlay has the name without links.
        # What go leaves behind when it has to be killed goes with our folder.
        environment = {"GOTMPDIR": str(self._folder), **os.environ, "PWD": str(folder)}
        for variable in SECRET_VARIABLES:
            environment.pop(variable, None)
        if self._goflags is not None:
            environment["GOFLAGS"] = self._goflags
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
        said = f"\n{textwrap.indent(said, '   ')}" if "\n" in said else f" {said}"
        return CannotStart(f"{self._settings.program} {what}:{said}")


def _folders(packages: Packages, source: GoSource) -> dict[str, Path]:
    return {**packages.folders, ".": source.folder}


def _find_go(runtime: str | None) -> str:
    found = shutil.which(runtime or "go")
    if found is None and runtime is None:
        raise CannotStart("Go was not found on PATH; install it or name it with --go")
    if found is None:
        raise CannotStart(f"{runtime} was not found, or cannot be run; --go names the go command to use")
    return str(Path(found).absolute())


def _first_error(errors: str) -> str:
    """The first line that is no package's heading, with the name of its file instead of the path."""
    lines = (line for line in errors.splitlines() if line and not line.startswith("#"))
    return re.sub(r"\S*/", "", next(lines, errors))


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
