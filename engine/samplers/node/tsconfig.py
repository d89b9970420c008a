"""A project's tsconfig.json with all that it extends: where its aliases lead, and what it says of decorators and loaders.

https://www.typescriptlang.org/tsconfig/#extends and https://www.typescriptlang.org/docs/handbook/modules/reference.html#paths
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_EXTENDED = 30
_COMMENT_OR_STRING = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA = re.compile(r",(\s*[}\]])")


@dataclass(frozen=True, slots=True)
class TsConfig:
    paths: dict[str, tuple[Path, ...]]
    """An alias, which may have one `*`, and where it leads, with the `*` that stands for the same."""
    base: Path | None
    """`baseUrl`: what is imported by no relative name is looked for in there, too."""
    has_decorator_metadata: bool
    """Whether decorators are to find the types of parameters at run time."""
    names_ts_node: bool
    """Whether it has a section for ts-node."""

    def places(self, imported: str) -> Iterator[Path]:
        """Where the module may be that is imported by a name that is not relative."""
        matching = [(alias, alias.partition("*")) for alias in self.paths]
        # As TypeScript has it: the alias with the longest beginning wins.
        for alias, (prefix, star, suffix) in sorted(matching, key=lambda found: -len(found[1][0])):
            fits = imported.startswith(prefix) and imported.endswith(suffix) if star else imported == alias
            if fits and len(imported) >= len(prefix) + len(suffix):
                middle = imported[len(prefix) : len(imported) - len(suffix)] if star else ""
                yield from (Path(str(target).replace("*", middle, 1)) for target in self.paths[alias])
                break
        if self.base:
            yield self.base / imported


def config_of(file: Path) -> TsConfig:
    """The configuration that `file` is under; an empty one if there is none, or none that can be read."""
    for folder in file.resolve().parents:
        path = folder / "tsconfig.json"
        if path.is_file():
            return _merged(path)
    return TsConfig({}, None, has_decorator_metadata=False, names_ts_node=False)


def _merged(path: Path) -> TsConfig:
    """Of all that `path` extends and of itself, where the later ones win."""
    paths: dict[str, tuple[Path, ...]] = {}
    base: Path | None = None
    options: dict[str, Any] = {}
    has_section = False
    for file, config in _chain(path, set()):
        own = _section(config, "compilerOptions")
        has_section = has_section or bool(_section(config, "ts-node"))
        options |= own
        if isinstance(own.get("baseUrl"), str):
            base = _beside(file, own["baseUrl"], path)
        if isinstance(own.get("paths"), dict):
            from_base = base or file.parent
            paths = {
                str(alias): tuple(_beside(from_base / "x", str(target), path) for target in targets)
                for alias, targets in own["paths"].items()
                if isinstance(targets, list)
            }
    return TsConfig(paths, base, options.get("emitDecoratorMetadata") is True, has_section)


def _chain(path: Path, seen: set[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The files of the configuration, those that are extended ahead of those that extend them."""
    if path in seen or len(seen) > _MAX_EXTENDED:
        return
    seen.add(path)
    config = _read(path)
    extended = config.get("extends", [])
    for name in extended if isinstance(extended, list) else [extended]:
        found = _extended(path.parent, str(name))
        if found:
            yield from _chain(found, seen)
    yield path, config


def _extended(folder: Path, name: str) -> Path | None:
    """The file that `extends` names: by its path, or in a package."""
    if name.startswith((".", "/")):
        candidates = [folder / name, folder / f"{name}.json"]
    else:
        packages = [parent / "node_modules" / name for parent in (folder, *folder.parents)]
        candidates = [each for package in packages for each in _in_package(package)]
    return next((Path(os.path.normpath(each)) for each in candidates if each.is_file()), None)


def _in_package(package: Path) -> Iterator[Path]:
    yield package
    yield package.with_name(f"{package.name}.json")
    named = _read(package / "package.json").get("tsconfig")
    yield package / (named if isinstance(named, str) else "tsconfig.json")


def _beside(file: Path, name: str, main: Path) -> Path:
    return Path(os.path.normpath(file.parent / name.replace("${configDir}", str(main.parent))))


def _section(config: dict[str, Any], name: str) -> dict[str, Any]:
    found = config.get(name)
    return found if isinstance(found, dict) else {}


def _read(path: Path) -> dict[str, Any]:
    """As people write it, with comments and last commas; empty if it cannot be read."""
    with suppress(OSError, ValueError, RecursionError):
        text = _COMMENT_OR_STRING.sub(
            lambda match: match[1] or "", path.read_text(encoding="utf-8-sig", errors="replace")
        )
        config = json.loads(_LAST_COMMA.sub(r"\1", text))
        return config if isinstance(config, dict) else {}
    return {}
