"""What a module imports by a package's name, as far as it is source of the project: `#parts` of its own, packages of its workspace.

Node's rules: https://nodejs.org/api/packages.html#subpath-imports and #package-entry-points
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CONDITIONS = ("node", "import", "module-sync", "default", "require")


def by_name(imported: str, module: Path) -> Path | None:
    """The file, or where it should be, that `module` gets of that name; None if no package has it."""
    if imported.startswith("#"):
        for folder in module.parents:
            if (folder / "package.json").is_file():
                target = _target(read_package(folder).get("imports"), imported)
                return folder / target if target else None
        return None
    parts = imported.split("/")
    count = 2 if imported.startswith("@") else 1
    name, inside = "/".join(parts[:count]), "/".join(parts[count:])
    for folder in module.parents:
        package = folder / "node_modules" / name
        if package.is_dir():
            return next(_entries(package, inside), package)
    return None


def _entries(package: Path, inside: str) -> Iterator[Path]:
    data = read_package(package)
    target = _target(data.get("exports"), f"./{inside}" if inside else ".")
    if target:
        yield package / target
    elif inside:
        yield package / inside
    elif isinstance(data.get("main"), str):
        yield package / data["main"]


def _target(entries: Any, wanted: str) -> str | None:
    """Where `exports` or `imports` lead from there: text, conditions, or those by names of which each may have one `*`."""
    if not isinstance(entries, dict) or not any(key.startswith((".", "#")) for key in entries):
        return _first(entries) if wanted == "." else None
    if wanted in entries:
        return _first(entries[wanted])
    for key in sorted(entries, key=len, reverse=True):
        prefix, star, suffix = key.partition("*")
        if star and wanted.startswith(prefix) and wanted.endswith(suffix):
            target = _first(entries[key])
            return target.replace("*", wanted[len(prefix) : len(wanted) - len(suffix)]) if target else None
    return None


def _first(target: Any) -> str | None:
    if isinstance(target, str):
        return target
    if isinstance(target, dict):
        return next((found for name in _CONDITIONS if (found := _first(target.get(name)))), None)
    return None


def read_package(folder: Path) -> dict[str, Any]:
    """What `folder`'s package.json says; empty if there is none, or none that can be read."""
    with suppress(OSError, ValueError, RecursionError):
        data = json.loads((folder / "package.json").read_bytes())
        return data if isinstance(data, dict) else {}
    return {}
