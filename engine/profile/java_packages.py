"""The packages of classes, of Java and its kin: by what a file says, or by where it is."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .stacks import Function

JAVA = re.compile(r"\.(?:java|kt|scala|groovy)$")
_ROOT = re.compile(r"^(?:rt\.jar|(?:java|jdk)\.[\w.]+)/|^(?:.*/)?src/(?:main|test)/(?:java|kotlin|scala|groovy)/|^src/")
"""What is before a package's folders: the runtime's module, or what build tools take for the root."""
_PACKAGE = re.compile(rb"^[ \t]*package[ \t]+([\w.]+)", re.MULTILINE)
_HEAD_BYTES = 16_384


def with_package(function: Function) -> str:
    """With the package in front where a class's name is none without it; of other languages the function's own name."""
    name, file = function
    if not JAVA.search(file):
        return name
    package = declared_package(file) if file.startswith("/") else package_by_place(file)
    return f"{package}.{name}" if package else name


def without_package(name: str, file: str) -> str:
    """The function's own name, of one that has its package in front or has not; `file` as it was shown."""
    if not JAVA.search(file):
        return name
    for package in (package_by_place(file), declared_package(file)):
        if package and name.startswith(f"{package}."):
            return name.removeprefix(f"{package}.")
    return name


def package_by_place(below: str) -> str:
    """Of a file whose path is that below the program's root."""
    return _ROOT.sub("", below).rpartition("/")[0].replace("/", ".")


@lru_cache(maxsize=4_096)
def declared_package(file: str) -> str:
    """What the file says itself: folders need not be named for packages."""
    try:
        with Path(file).open("rb") as source:
            declared = _PACKAGE.search(source.read(_HEAD_BYTES))
    except OSError:
        return ""
    return declared[1].decode() if declared else ""
