"""The packages a Go program is made of, as `go list -deps` tells them: where their files are, and what cannot be had beside us."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

LIST_FORMAT = (
    "{{if .Standard}}S {{.ImportPath}}{{else}}P {{with .Module}}{{.Path}}\t{{.Version}}{{else}}\t{{end}}\t{{.ImportPath}}\t{{.Dir}}"
    "{{range .GoFiles}}\nF {{.}}{{end}}{{range .CgoFiles}}\nF {{.}}{{end}}"
    "{{if or .CgoFiles .SwigFiles .SwigCXXFiles .SFiles .EmbedPatterns .TestEmbedPatterns .XTestEmbedPatterns}}\nX{{end}}{{end}}"
)
"""For `go list -deps -e -f`."""
_RATE_SETTER = b"SetCPUProfileRate"


class Packages(NamedTuple):
    """What the packages of a build are like."""

    folders: dict[str, Path]
    """What `-trimpath` makes of a package's folder -> the folder."""
    loads_plugins: bool
    sets_profile_rate: bool
    """Some file that is not the standard library's names `runtime.SetCPUProfileRate`."""
    standard: tuple[str, ...]
    """The packages of the standard library."""
    is_go_alone: bool
    """No package that is not the standard library's has C or assembly in it, or files that it embeds."""

    def to_json(self) -> str:
        folders = {name: str(folder) for name, folder in self.folders.items()}
        return json.dumps([folders, self.loads_plugins, self.sets_profile_rate, self.standard, self.is_go_alone])

    @classmethod
    def from_json(cls, text: str) -> Packages:
        """What `to_json` gave. Raises `ValueError` and its like where it did not."""
        folders, loads_plugins, sets_rate, standard, is_go_alone = json.loads(text)
        folders = {name: Path(folder) for name, folder in folders.items()}
        return cls(folders, bool(loads_plugins), bool(sets_rate), tuple(map(str, standard)), bool(is_go_alone))


def read_packages(listing: str, replaced: Mapping[str, str]) -> Packages:
    """What `go list` printed; reads the packages' files, or those that replace them in the user's overlay."""
    folders: dict[str, Path] = {}
    loads_plugins = sets_rate = False
    is_go_alone = True
    standard: list[str] = []
    folder = Path()
    for line in listing.splitlines():
        kind, _, content = line.partition(" ")
        if kind == "S":
            standard.append(content)
            loads_plugins = loads_plugins or content == "plugin"
        elif kind == "P":
            module, version, package, directory = content.split("\t")
            folder = Path(directory)
            folders[_trimmed(module, version, package)] = folder
        elif kind == "F" and not sets_rate:
            sets_rate = _contains(str(folder / content), replaced)
        elif kind == "X":
            is_go_alone = False
    return Packages(folders, loads_plugins, sets_rate, tuple(standard), is_go_alone)


def _trimmed(module: str, version: str, package: str) -> str:
    """As `(*Action).trimpath` of cmd/go has it: the version is behind the module's path; main modules have none."""
    return f"{module}@{version}{package.removeprefix(module)}" if version else package


def _contains(file: str, replaced: Mapping[str, str]) -> bool:
    try:
        return _RATE_SETTER in Path(replaced.get(file, file)).read_bytes()
    except OSError:
        return False
