"""Where in a process's memory its CPython keeps what it knows of itself (`_PyRuntime`)."""

from __future__ import annotations

from .elf import section_offset, symbol_offset
from .layout import UnknownLayout
from .memory import mappings

_LIKELY = 8
"""Files that are looked into for the interpreter."""


def runtime_address(pid: int) -> int:
    """Raises `UnknownLayout`."""
    files = _images(pid)
    # A library holds the interpreter, if there is one; the program itself only calls it.
    likely = sorted(files, key=lambda path: ("libpython" not in path, "python" not in path))
    for path in likely[:_LIKELY]:
        # The process may live in a container, with a root of its own.
        for file in (f"/proc/{pid}/root{path}", path):
            offset = symbol_offset(file, "_PyRuntime")
            if offset is not None:
                return files[path] + offset
    raise UnknownLayout("its file names no _PyRuntime")


def version_of(pid: int) -> tuple[int, int] | None:
    """Which Python `pid` runs, as far as the names of its files say (libpython3.11.so.1.0, python3.11)."""
    for path in _images(pid):
        name = path.rpartition("/")[2].removeprefix("lib")
        major, _, rest = name.removeprefix("python").partition(".")
        minor = rest.partition(".")[0]
        if name.startswith("python") and major.isdecimal() and minor.isdecimal():
            return int(major), int(minor)
    return None


def asyncio_address(pid: int) -> int | None:
    """Where module `_asyncio` says how its tasks are laid out (section `.AsyncioDebug`, since 3.14); None as long as it is not loaded."""
    files = _images(pid)
    for path, begin in files.items():
        if "/_asyncio." in path or "python" in path.rpartition("/")[2]:
            for file in (f"/proc/{pid}/root{path}", path):
                offset = section_offset(file, ".AsyncioDebug")
                if offset is not None:
                    return begin + offset
    return None


def _images(pid: int) -> dict[str, int]:
    """The files mapped into `pid`, and where the first byte of each is."""
    found: dict[str, int] = {}
    for begin, _, offset, file in mappings(pid):
        if file.startswith("/") and offset == 0:
            found.setdefault(file.removesuffix(" (deleted)"), begin)
    return found
