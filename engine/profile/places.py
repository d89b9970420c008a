"""Whose code a function is, and how its place is shown."""

from __future__ import annotations

import re
from enum import StrEnum
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .stacks import Function

_THIRD_PARTY = re.compile(
    r"/(?:site-packages|dist-packages|node_modules|\.venv|venv|\.tox|vendor|pkg/mod)/|\.egg/|^node:|^<|^internal/|^wasm:"
    r"|^(?:java|jdk)\.[a-z.]+/|^rt\.jar/"  # as `samplers/java/frames` places the Java runtime's files
)
_INSTALLED = re.compile(r"/(?:site-packages|dist-packages|node_modules|pkg/mod|vendor)/")
_RUNTIME = re.compile(r"^node:|^<frozen |^internal/|^wasm:|^(?:java|jdk)\.[a-z.]+/|^rt\.jar/")
_PYTHON_ITSELF = re.compile(r"/lib(?:64)?/python\d\.\d+/")
_STANDARD = re.compile(r"/lib(?:64)?/python\d\.\d+/|/(?:go[^/]*|GOROOT)/src/|/lib/python\d+\.zip/")
_PLUMBING = re.compile(
    r"^<frozen (?:importlib|runpy|zipimport)|/importlib/(?:__init__|_bootstrap\w*)\.py$|^node:internal/(?:modules|main|process)/"
)
_INSTALLED_UNDER = re.compile(
    r"^.*/(?:site-packages|dist-packages|node_modules|pkg/mod|lib/python\d\.\d+|go[^/]*/src|GOROOT/src)/"
)
_JAVA_RUNTIME = re.compile(r"^(?:java|javax|jdk|sun|com\.sun|kotlin|scala|groovy)\.")


class CodeKind(StrEnum):
    OWN = "own"
    """The program's."""
    LIBRARY = "library"
    """Of an installed package."""
    RUNTIME = "runtime"
    """Of the language: its standard library, its collector and compiler."""


def is_own_code(function: Function, working_folder: str) -> bool:
    """Whether `function` is of the program itself: not of its runtime and not of an installed package.

    A file with an absolute path is own code below `working_folder` (no slash at its end), outside the folders packages are
    installed in. Java names classes, not paths: there, what is not of the Java runtime is own code.
    """
    name, file = function
    if not file:
        return False
    if file.endswith(".java") and "/" not in file:
        return not _JAVA_RUNTIME.match(name)
    if _THIRD_PARTY.search(file):
        return False
    if file.startswith(working_folder + "/"):
        # An interpreter may be installed below it, in a home folder for example.
        return not _PYTHON_ITSELF.search(file, len(working_folder))
    return not file.startswith("/")


def own_folders(working_folder: str, source_file: str) -> tuple[str, ...]:
    """Where a program's own code lies: below its working folder, and beside its file (empty: none) where that is elsewhere and of nothing installed."""
    folder = source_file.rpartition("/")[0]
    is_elsewhere = folder and not f"{folder}/".startswith(f"{working_folder}/")
    if not is_elsewhere or _STANDARD.search(source_file) or _INSTALLED.search(source_file):
        return (working_folder,)
    return working_folder, folder


def kind_of(function: Function, working_folder: str) -> CodeKind:
    """Whose code `function` is; what the runtime does itself (collecting garbage, compiling) and its library are one."""
    if is_own_code(function, working_folder):
        return CodeKind.OWN
    file = function.file
    if not file or _RUNTIME.search(file) or (file.endswith(".java") and "/" not in file):
        return CodeKind.RUNTIME
    return CodeKind.LIBRARY if not _STANDARD.search(file) or _INSTALLED.search(file) else CodeKind.RUNTIME


def is_plumbing(function: Function) -> bool:
    """Whether `function` is what a runtime imports and starts code with."""
    return _PLUMBING.search(function.file) is not None


def short_path(file: str, working_folder: str) -> str:
    """`file` relative to the working folder or to the folder its package is installed in; else as it is."""
    if file.startswith(working_folder + "/"):
        below = file[len(working_folder) + 1 :]
        return _INSTALLED_UNDER.sub("", "/" + below) if _INSTALLED_UNDER.match("/" + below) else below
    return _INSTALLED_UNDER.sub("", file)


def module_of(function: Function, path: str) -> str:
    """What `function` belongs to: its Java package, or the first folder of its short `path`, or the file itself if it lies in none.

    Of an absolute path, of which no folder means more than another, it is the last one.
    """
    if path.endswith(".java") and "/" not in path:
        return ".".join(takewhile(_is_package, function.name.split("."))) or path
    folders = path.split("/")
    if len(folders) == 1:
        return path
    return folders[-2] if path.startswith("/") else folders[0]


def _is_package(part: str) -> bool:
    return part[:1].islower()
