"""What an executable was built from, so that the next run can tell without `go` that it would build the same.

`go build` takes a tenth of a second to find that nothing has changed. Here files are compared as they lie in the folders of the program's packages: name, size,
times, inode. A file that was changed shortly before a build, or during it, may look the same afterwards, so such a build is not remembered. Nor is one of which
files elsewhere are part, or more than files: C code, embedded files, an overlay, the state of a repository, workspaces, modules in
folders beside this one's.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SETTLED_S = 2.0
"""A file is remembered if it was not changed for so long before the build: some file systems count whole seconds."""
_KNOWN_FLAGS = re.compile(r"--?(?:race|trimpath|(?:buildvcs|gcflags|ldflags|mod|tags)=.*)")
_VARIABLES = re.compile(r"(?:GO|CGO_)\w*|CC|CXX|AR|PKG_CONFIG\w*|PATH|HOME|XDG_CONFIG_HOME")
_MODULE = re.compile(r"^module[ \t]+[\"`]?([^\s\"`]+)", re.MULTILINE)
_LOCAL = re.compile(r"=>\s*[\"`]?(?:\.|/)")
"""A module's place in another folder, in a go.mod."""
_VENDORED = "vendor/modules.txt"


class Unknowable(Exception):
    """It cannot be told whether a build would give the same."""


class Place(NamedTuple):
    """What `go env` says in a folder, of what decides how its programs are built."""

    module: str
    """GOMOD, and so on."""
    workspace: str
    settings: str
    root: str
    values: tuple[str, ...]
    """Those and all others."""


def environment_key(place: Place, go: str, flags: Iterable[str], environment: Mapping[str, str]) -> str:
    """Of all that decides a build but files of programs and modules. Raises `Unknowable` and `OSError`."""
    flags = list(flags)
    if not all(map(_KNOWN_FLAGS.fullmatch, flags)):
        raise Unknowable
    variables = (
        f"{name}={value}"
        for name, value in sorted(environment.items())
        if _VARIABLES.fullmatch(name) and name != "GOTMPDIR"
    )
    ours = (_identity(str(file)) for file in sorted(Path(__file__).parent.iterdir()) if file.is_file())
    parts = [*place.values, _identity(os.path.realpath(go)), *flags, *variables, *ours]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def inputs(
    source: Sequence[Path], folders: Mapping[str, Path], standard: Iterable[str], place: Place
) -> dict[str, str]:
    """Each file, and each package's folder, that a build may depend on, with what tells it from others; the first two numbers are when it changed.

    The packages are in `folders` (by the names of `Packages`), and the library's own by the names of `standard`; of files `source` the folder is left out.
    Raises `OSError`, and `Unknowable` for several files that are not a whole folder: others may belong to them.
    """
    if len(source) > 1:
        raise Unknowable
    deciding = {*source, *(file.with_name("default.pgo") for file in source), Path(place.root, "VERSION")}
    deciding |= {Path(place.settings)} if place.settings not in ("", "off") else set()
    deciding |= _of_module(place, folders)
    of_source = {file.parent for file in source}
    others = {folder for folder in folders.values() if folder not in of_source}
    for folder in others | of_source:
        deciding |= _modules_above(folder)
    library = (Path(place.root, "src", name) for name in standard if name != "unsafe")
    return {
        **{str(folder): _content(str(folder)) for folder in (*sorted(others), *library)},
        **{str(file): _identity(str(file)) for file in deciding},
    }


def _of_module(place: Place, folders: Mapping[str, Path]) -> set[Path]:
    """The files that say which modules there are. Raises `Unknowable` where more than one module lies in folders that may change, which all may have a say."""
    if place.workspace not in ("", "off") or not place.module:
        raise Unknowable
    if place.module == os.devnull:
        return set()
    module = Path(place.module)
    text = re.sub(r"//.*", "", module.read_text("utf-8", "replace"))
    name = _MODULE.search(text)
    if name is None or _LOCAL.search(text):
        raise Unknowable
    # A package of another module whose path begins as this one's could turn up in this one, too.
    if any(package.startswith(f"{name[1]}/") and "@" in package for package in folders):
        raise Unknowable
    vendored = module.parent / _VENDORED
    if vendored.parent.exists() and not vendored.exists():
        raise Unknowable
    return {module, module.with_name("go.sum"), vendored}


def have_settled(found: Mapping[str, str], began_s: float) -> bool:
    """Whether none of them was changed just before a build that began at `began_s` (of `time.time`), or later."""
    return all(int(time) < (began_s - SETTLED_S) * 1e9 for identity in found.values() for time in identity.split()[:2])


def names_its_commit(executable: Path) -> bool:
    """Whether what a repository has, or has not, is part of it."""
    with executable.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"vcs.modified=") >= 0


def _modules_above(folder: Path) -> set[Path]:
    """The go.mod of the module that `folder` is in, and those that would come before it."""
    above = [each / "go.mod" for each in (folder, *folder.parents)]
    first = next((index for index, file in enumerate(above) if file.exists()), len(above) - 1)
    return set(above[: first + 1])


def _content(folder: str) -> str:
    """As `CHANGED MODIFIED HASH` of all files in a folder; what folders in it have is other packages'. Raises as `_identity` does."""
    with os.scandir(folder) as entries:
        files = sorted((entry.name, _identity(entry.path)) for entry in entries if not entry.is_dir())
    times = [tuple(map(int, identity.split()[:2])) for _, identity in files] or [(0, 0)]
    changed, modified = map(max, zip(*times, strict=True))
    return f"{changed} {modified} {hashlib.sha256(repr(files).encode('utf-8', 'surrogateescape')).hexdigest()}"


def _identity(file: str) -> str:
    """As `CHANGED MODIFIED SIZE INODE`, times in nanoseconds; zeros for none. Raises `OSError` and `Unknowable`."""
    try:
        it = os.stat(file)  # noqa: PTH116 - there are thousands
    except FileNotFoundError:
        return "0 0 0 0"
    if not stat.S_ISREG(it.st_mode):
        raise Unknowable
    return f"{it.st_ctime_ns} {it.st_mtime_ns} {it.st_size} {it.st_ino}"
