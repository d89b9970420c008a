"""Names of functions as consumers take them that go by names alone: with the module in front, where a language's names lack it.

`go tool pprof`, Pyroscope and OpenTelemetry's backends add up functions of one name, whatever their files. Go names packages
itself; a Python function is `pkg.mod.Class.method`, a JavaScript one `lib/util.handle`, one of Java and its kin `com.acme.Shop.sell`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from .java_packages import JAVA, declared_package, package_by_place

if TYPE_CHECKING:
    from .recording import Recording
    from .stacks import Function

_INSTALLED_UNDER = re.compile(
    r"^.*/(?:site-packages|dist-packages|node_modules|lib(?:64)?/python\d\.\d+|python\d+\.zip)/"
)
_FROZEN = re.compile(r"^<frozen (.+)>$")
_PYTHON = re.compile(r"(?:/__init__)?\.pyw?$")
_JAVASCRIPT = re.compile(r"\.[cm]?[jt]sx?$")


def full_names(recording: Recording) -> FullNames:
    """Those of `recording`; of the windows of one run the same object, which has most of them found already."""
    return _full_names(recording.working_folder, recording.source_file)


class FullNames:
    """Names that depend on the function's file and on where the program lies: the same in all windows of a run."""

    def __init__(self, working_folder: str, source_file: str) -> None:
        working_folder = working_folder.rstrip("/")
        # Python looks for modules where the program's main file is.
        main = str(PurePath(working_folder, source_file).parent) if source_file else ""
        self._roots = [f"{root}/" for root in (working_folder, main) if root.startswith("/") and root != "/"]
        self._module = lru_cache(maxsize=None)(self._find_module)

    def of(self, function: Function) -> str:
        module = self._module(function.file)
        return f"{module}.{function.name}" if module else function.name

    def of_java(self, function: Function) -> str:
        """As `of` where a class's name is none without its package, in Java and its kin; of other languages the function's own name."""
        return self.of(function) if JAVA.search(function.file) else function.name

    def plain(self, name: str, file: str) -> str:
        """The function's own name, of one that `of` gave."""
        module = self._module(file)
        return name.removeprefix(f"{module}.") if module else name

    def plain_java(self, name: str, file: str) -> str:
        """The function's own name, of one that `of_java` gave."""
        return self.plain(name, file) if JAVA.search(file) else name

    def _find_module(self, file: str) -> str:
        if file.startswith("node:"):
            return file
        if frozen := _FROZEN.match(file):
            return frozen[1]
        if _PYTHON.search(file):
            return _PYTHON.sub("", self._below(file)).replace("/", ".")
        if _JAVASCRIPT.search(file):
            return _JAVASCRIPT.sub("", self._below(file))
        if JAVA.search(file):
            return (
                declared_package(file)
                if file.startswith("/") and Path(file).is_file()
                else package_by_place(self._below(file))
            )
        return ""

    def _below(self, file: str) -> str:
        below = _INSTALLED_UNDER.sub("", file)
        if below == file:
            below = next((file.removeprefix(root) for root in self._roots if file.startswith(root)), file)
        return below.lstrip("/")


@lru_cache(maxsize=4)
def _full_names(working_folder: str, source_file: str) -> FullNames:
    return FullNames(working_folder, source_file)
