"""The overlay that a Go program is built with, so that its `runtime/pprof` hands us the profile of each second.

`go build -overlay FILE` reads some source files from other places than their own; nothing of the user's or of the toolchain's
changes. Ours replaces one file of the standard library by a copy in which the two functions that own the CPU profile are
renamed, puts the sampler's sources beside it (`_go_*.go` here: Go's tools pass over files named so), and makes `main` import it.
The copy is the toolchain's own file, so that it fits each release. Format: `go help build`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

OLDEST_RELEASE = (1, 19)
SOCKET_NAME = ".agent"
"""Of the agent's socket, which lies beside the executable."""
MAIN_IMPORT = "multi_lang_profiler_import.go"
"""The file that seems to lie in the folder of package main; a build that names single files has to name it, too."""
PREFIX = "multi_lang_profiler"
"""Begins the names of all files that the overlay adds."""
_LIBRARY_FUNCTIONS = ("StartCPUProfile", "StopCPUProfile")
_NEXT_TIMER = re.compile(r"^func timeSleepUntil\(\) int64 \{$", re.MULTILINE)


class UnknownRelease(Exception):
    """The toolchain's sources are not as this profiler knows them. The text names the toolchain and what is strange."""


@dataclass(frozen=True, slots=True)
class Toolchain:
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


def write_overlay(toolchain: Toolchain, folder: Path, *, main_folder: Path | None, rate_hz: int) -> Path:
    """Write into `folder` what the overlay needs; the file to give to `-overlay`.

    `main_folder` is where package main lies; None for a test binary, which imports `runtime/pprof` anyway. Raises
    `UnknownRelease`.
    """
    if toolchain.release < OLDEST_RELEASE:
        raise UnknownRelease(
            f"{toolchain.version} is older than 1.{OLDEST_RELEASE[1]}, the oldest Go that can be profiled"
        )
    library = toolchain.root / "src" / "runtime" / "pprof"
    files = {
        library / "pprof.go": _write(folder / "pprof.go", _renamed(toolchain, library / "pprof.go")),
        library / f"{PREFIX}_settings.go": _write(folder / "settings.go", _settings(toolchain, rate_hz)),
    }
    for source in sorted(Path(__file__).parent.glob("_go_*.go")):
        files[library / f"{PREFIX}{source.name}"] = source
    if main_folder:
        files[main_folder / MAIN_IMPORT] = _write(folder / "import.go", 'package main\n\nimport _ "runtime/pprof"\n')
    replacements = {str(replaced): str(by) for replaced, by in files.items()}
    return _write(folder / "overlay.json", json.dumps({"Replace": replacements}))


def _renamed(toolchain: Toolchain, file: Path) -> str:
    text = _read(toolchain, file)
    for name in _LIBRARY_FUNCTIONS:
        text, found = re.subn(rf"^func {name}\(", f"func library{name}(", text, flags=re.MULTILINE)
        if found != 1:
            raise UnknownRelease(
                f"{toolchain.version} is not known to this profiler: {file} has {found} functions {name}"
            )
    return text


def _settings(toolchain: Toolchain, rate_hz: int) -> str:
    known = bool(_NEXT_TIMER.search(_read(toolchain, toolchain.root / "src" / "runtime" / "time.go")))
    return (
        "package pprof\n\nconst (\n"
        f"\tagentHz = {rate_hz}\n"
        f'\tagentSocketName = "{SOCKET_NAME}"\n'
        "\t// timeSleepUntil can be called as deadlockWatch does.\n"
        f"\tnextTimerKnown = {str(known).lower()}\n)\n"
    )


def _read(toolchain: Toolchain, file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnknownRelease(f"{toolchain.version} has no readable {file}: {error}") from error


def _write(file: Path, text: str) -> Path:
    file.write_text(text, "utf-8")
    return file
