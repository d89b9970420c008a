"""Names of functions as consumers take them that go by names alone: with the module in front, where a language's names lack it.

`go tool pprof`, Pyroscope and OpenTelemetry's backends add up functions of one name, whatever their files. Java and Go name packages
themselves; a Python function is `pkg.mod.Class.method`, a JavaScript one `lib/util.handle`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .recording import Recording
    from .stacks import Function

_INSTALLED_UNDER = re.compile(
    r"^.*/(?:site-packages|dist-packages|node_modules|lib(?:64)?/python\d\.\d+|python\d+\.zip)/"
)
_FROZEN = re.compile(r"^<frozen (.+)>$")
_PYTHON = re.compile(r"(?:/__init__)?\.pyw?$")
_JAVASCRIPT = re.compile(r"\.[cm]?[jt]sx?$")


class FullNames:
    """Names that depend on the function's file and on where the program lies: the same in all windows of a run."""

    def __init__(self, recording: Recording) -> None:
        working_folder = recording.working_folder.rstrip("/")
        # Python looks for modules where the program's main file is.
        main = str(PurePath(working_folder, recording.source_file).parent) if recording.source_file else ""
        self._roots = [f"{root}/" for root in (working_folder, main) if root.startswith("/") and root != "/"]
        self._module = lru_cache(maxsize=None)(self._find_module)

    def of(self, function: Function) -> str:
        module = self._module(function.file)
        return f"{module}.{function.name}" if module else function.name

    def plain(self, name: str, file: str) -> str:
        """The function's own name, of one that `of` gave."""
        module = self._module(file)
        return name.removeprefix(f"{module}.") if module else name

    def _find_module(self, file: str) -> str:
        if file.startswith("node:"):
            return file
        if frozen := _FROZEN.match(file):
            return frozen[1]
        if _PYTHON.search(file):
            return _PYTHON.sub("", self._below(file)).replace("/", ".")
        if _JAVASCRIPT.search(file):
            return _JAVASCRIPT.sub("", self._below(file))
        return ""

    def _below(self, file: str) -> str:
        below = _INSTALLED_UNDER.sub("", file)
        if below == file:
            below = next((file.removeprefix(root) for root in self._roots if file.startswith(root)), file)
        return below.lstrip("/")
