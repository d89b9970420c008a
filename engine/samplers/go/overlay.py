"""The overlay that a Go program is built with, so that its `runtime/pprof` hands us the profile of each second.

`go build -overlay FILE` reads some source files from other places than their own; nothing of the user's or of the toolchain's
changes. Ours replaces one file of the standard library by a copy in which the two functions that own the CPU profile are
renamed, puts the sampler's sources beside it (`_go_*.go` here: Go's tools pass over files named so), and makes `main` import it.
The copy is the toolchain's own file, so that it fits each release. Format: `go help build`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from .on_path import SOCKET_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

OLDEST_RELEASE = (1, 19)
IMPORT_FILE = "multi_lang_profiler_import.go"
"""The file that seems to lie in the importing package's folder; a build that names main's single files has to name it, too."""
PREFIX = "multi_lang_profiler"
"""Begins the names of all files that the overlay adds."""
_LIBRARY_FUNCTIONS = ("StartCPUProfile", "StopCPUProfile")
_RATE_FUNCTION = "SetCPUProfileRate"
_RATE_MESSAGE = re.compile(r"^\t+print\((\"runtime: cannot set .*\")\)$", re.MULTILINE)
_NEXT_TIMER = re.compile(r"^func timeSleepUntil\(\) int64 \{$", re.MULTILINE)
_RATE_HOOK = """package runtime

import _ "unsafe"

// agentSetRate is asked first, if it is there; it says whether it has seen to it.
//
//go:linkname agentSetRate
var agentSetRate func(hz int) bool

//go:linkname stdSetCPUProfileRate

// SetCPUProfileRate sets the CPU profiling rate to hz samples per second.
func SetCPUProfileRate(hz int) {
	if agentSetRate == nil || !agentSetRate(hz) {
		stdSetCPUProfileRate(hz)
	}
}
"""


class UnknownRelease(Exception):
    """The toolchain's sources are not as this profiler knows them. The text names the toolchain and what is strange."""


class Toolchain(NamedTuple):
    """A Go: where it lies, and which it is."""

    go: str
    """The `go` command."""
    root: Path
    """GOROOT."""
    version: str
    """As it says itself: `go1.27.3`."""

    @property
    def release(self) -> tuple[int, int]:
        """`(1, 27)`; `(0, 0)` for one that does not say."""
        found = re.match(r"go(\d+)\.(\d+)", self.version)
        # A toolchain between releases calls itself "devel go1.28-0123456789".
        found = found or re.search(r"\bgo(\d+)\.(\d+)", self.version)
        return (int(found[1]), int(found[2])) if found else (0, 0)


def write_overlay(
    toolchain: Toolchain,
    folder: Path,
    *,
    importer: tuple[Path, str] | None,
    rate_hz: int,
    keeps_rate: bool = False,
    replaced: Mapping[str, str] = MappingProxyType({}),
) -> Path:
    """Write into `folder` what the overlay needs; the file to give to `-overlay`.

    `importer` is folder and name of the package that is made to import the sampler; None for a test binary, which imports
    `runtime/pprof` anyway. `keeps_rate`: the rate that the program sets for its own profile is kept, at the price that package
    runtime, and so all others, are compiled anew. `replaced` are the replacements of the user's own overlay, which become part of this one.
    Raises `UnknownRelease`.
    """
    if toolchain.release < OLDEST_RELEASE:
        raise UnknownRelease(
            f"{toolchain.version} is older than 1.{OLDEST_RELEASE[1]}, the oldest Go that can be profiled"
        )
    library = toolchain.root / "src" / "runtime" / "pprof"
    text = _renamed(toolchain, library / "pprof.go", _LIBRARY_FUNCTIONS, replaced)
    files = {library / "pprof.go": _write(folder / "pprof.go", text)}
    rate_message = '""'
    if keeps_rate:
        profiler = toolchain.root / "src" / "runtime" / "cpuprof.go"
        text = _renamed(toolchain, profiler, (_RATE_FUNCTION,), replaced)
        found = _RATE_MESSAGE.search(text)
        if not found:
            raise UnknownRelease(f"{toolchain.version} is not known to this profiler: {profiler} has no known message")
        rate_message = found[1]
        files[profiler] = _write(folder / "cpuprof.go", text)
        files[profiler.with_name(f"{PREFIX}_rate.go")] = _write(folder / "rate.go", _RATE_HOOK)
    settings = _settings(toolchain, rate_hz, rate_message)
    files[library / f"{PREFIX}_settings.go"] = _write(folder / "settings.go", settings)
    for source in sorted(Path(__file__).parent.glob("_go_*.go")):
        if source.name == ("_go_rate_own.go" if keeps_rate else "_go_rate_hooked.go"):
            continue
        files[library / f"{PREFIX}{source.name}"] = source
    if importer:
        importing, package = importer
        text = f'package {package}\n\nimport _ "runtime/pprof"\n'
        files[importing / IMPORT_FILE] = _write(folder / "import.go", text)
    replacements = {**replaced, **{str(original): str(by) for original, by in files.items()}}
    return _write(folder / "overlay.json", json.dumps({"Replace": replacements}))


def _renamed(toolchain: Toolchain, file: Path, names: tuple[str, ...], replaced: Mapping[str, str]) -> str:
    """The text of a library's file in which the functions `names` are called `stdNAME`."""
    text = _read(toolchain, Path(replaced.get(str(file), file)))
    for name in names:
        text, found = re.subn(rf"^func {name}\(", f"func std{name}(", text, flags=re.MULTILINE)
        if found != 1:
            raise UnknownRelease(
                f"{toolchain.version} is not known to this profiler: {file} has {found} functions {name}"
            )
    return text


def _settings(toolchain: Toolchain, rate_hz: int, rate_message: str) -> str:
    known = bool(_NEXT_TIMER.search(_read(toolchain, toolchain.root / "src" / "runtime" / "time.go")))
    return (
        "package pprof\n\nconst (\n"
        f"\tagentHz = {rate_hz}\n"
        f'\tagentSocketName = "{SOCKET_NAME}"\n'
        "\t// timeSleepUntil can be called as deadlockWatch does.\n"
        f"\tnextTimerKnown = {str(known).lower()}\n"
        "\t// What the runtime prints where a rate is set while there is one.\n"
        f"\trateMessage = {rate_message}\n)\n"
    )


def _read(toolchain: Toolchain, file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnknownRelease(f"{toolchain.version} has no readable {file}: {error}") from error


def _write(file: Path, text: str) -> Path:
    file.write_text(text, "utf-8")
    return file
