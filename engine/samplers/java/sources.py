"""From what a Java stack frame says of its source (`com.acme.Shop$Cart`, `Shop.java`) to the file on this machine."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from .kin import CLOJURE_FILES

if TYPE_CHECKING:
    from collections.abc import Iterable

ENDINGS = (".java", ".kt", ".scala", ".groovy", *CLOJURE_FILES)
MAX_ENTRIES = 100_000
"""Directory entries looked at, nearest to the root first: about half a second."""
_SKIPPED = frozenset({"node_modules", "__pycache__", "venv"})
_USUAL_ROOTS = ("", "src/main/java", "src", "src/java", "src/test/java", "app/src/main/java", "src/main/kotlin")
_PACKAGE = re.compile(rb"^\s*package\s+([\w.]+)", re.MULTILINE)
_NAMESPACE = re.compile(rb"^\s*\(ns\s+(?:\^\S+\s+)*([\w.*+!?<>=-]+)", re.MULTILINE)
"""Of Clojure: the file of `my-app.core` is `my_app/core.clj`."""
_HEAD_BYTES = 65_536
_DECLARES = rb"\b(?:class|interface|object|enum|record|trait)\s+%s\b"
MAX_SEARCHED = 2_000
"""Source files that are read to find the one in which a class is declared, where its name does not tell."""
_FACADE = "Kt"
"""Kotlin's class for what stands outside of classes in a file: `Main.kt` -> `MainKt`."""


class JavaSources:
    """The source files below `folder`, those that stand by their package's path below one of `roots`, and `program` itself."""

    def __init__(self, folder: Path, roots: Iterable[Path] = (), program: Path | None = None) -> None:
        self._folder = folder
        self._roots = [*(folder / root for root in _USUAL_ROOTS), *roots]
        self._by_name: dict[str, list[str]] = {}
        self._packages: dict[str, str] = {}
        self._guessed: dict[tuple[str, str], str | None] = {}
        self._program = str(program) if program else None
        if program:
            self._by_name[program.name] = [str(program)]

    def index(self) -> None:
        """Look through the folder. Takes its time: for a worker thread."""
        entries = 0
        found: dict[str, list[str]] = {name: list(paths) for name, paths in self._by_name.items()}
        folders = [str(self._folder)]
        for folder in folders:
            try:
                listing = list(os.scandir(folder))
            except OSError:
                continue
            entries += len(listing)
            if entries > MAX_ENTRIES:
                break
            for entry in listing:
                if entry.name.endswith(ENDINGS):
                    paths = found.setdefault(entry.name, [])
                    if entry.path not in paths:
                        paths.append(entry.path)
                elif (
                    entry.name not in _SKIPPED
                    and not entry.name.startswith(".")
                    and entry.is_dir(follow_symlinks=False)
                ):
                    folders.append(entry.path)
        self._by_name = found
        self._guessed = {}
        paths = [path for each in found.values() for path in each]
        if len(paths) <= MAX_SEARCHED:
            for path in paths:
                self._package(path)

    def find(self, package: str, name: str) -> str | None:
        """The absolute path of file `name` of `package`: the one that says so itself, nearest to the root; None if there is none."""
        for path in self._by_name.get(name, ()):
            if self._package(path) == package:
                return path
        below = Path(package.replace(".", "/"), name)
        for root in self._roots:
            if (root / below).is_file():
                return str(root / below)
        return None

    def guess(self, package: str, outer_class: str) -> str | None:
        """The absolute path of the source of `outer_class`, of which the JVM does not say the file; None if there is none."""
        key = package, outer_class
        if key not in self._guessed:
            self._guessed[key] = self._guess(package, outer_class)
        return self._guessed[key]

    def _guess(self, package: str, outer_class: str) -> str | None:
        names = [outer_class + ending for ending in ENDINGS]
        if file := outer_class.removesuffix(_FACADE) if outer_class.endswith(_FACADE) else "":
            # `MainKt` has what is in no class of Main.kt, or of main.kt.
            names += [f"{file}.kt", f"{file[0].lower()}{file[1:]}.kt"]
        found = (self.find(package, name) for name in names)
        if path := next((path for path in found if path), None):
            return path
        if path := self._declaring(package, outer_class):
            return path
        # A program of one file has all its classes there.
        return self._program if self._program and self._package(self._program) == package else None

    def _declaring(self, package: str, class_name: str) -> str | None:
        """The file of that package in which the class is declared, among others."""
        files = [path for paths in self._by_name.values() for path in paths]
        if len(files) > MAX_SEARCHED:
            return None
        declares = re.compile(_DECLARES % re.escape(class_name.encode()))
        for path in files:
            if self._package(path) != package:
                continue
            try:
                with open(path, "rb") as file:  # noqa: PTH123 - the index holds strings
                    if declares.search(file.read(_HEAD_BYTES)):
                        return path
            except OSError:
                continue
        return None

    def find_class(self, class_name: str) -> str | None:
        """The absolute path of the source of class `class_name` (`com.acme.Shop$Cart`); None if there is none."""
        package, _, name = class_name.replace("/", ".").rpartition(".")
        return self.guess(package, name.partition("$")[0])

    def _package(self, path: str) -> str:
        if path not in self._packages:
            is_clojure = path.endswith(CLOJURE_FILES)
            try:
                with open(path, "rb") as file:  # noqa: PTH123 - the index holds strings
                    declared = (_NAMESPACE if is_clojure else _PACKAGE).search(file.read(_HEAD_BYTES))
            except OSError:
                declared = None
            package = declared[1].decode() if declared else ""
            self._packages[path] = package.rpartition(".")[0].replace("-", "_") if is_clojure else package
        return self._packages[path]
