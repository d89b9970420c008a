"""V8's call frames -> frames as the user knows them: paths of files, source maps undone, `Class.method`."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ...profile.places import is_own_code
from ...profile.stacks import Frame, Function
from ...sources.sources import LANGUAGE_BY_ENDING
from .source_map import SourceMap, find_source_map, parse_source_map

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...sources.static_analysis import FunctionSpan
    from .profile import CallFrame

    Methods = dict[str, list[FunctionSpan]]
    """A file's methods by the name that V8 gives them, which lacks the class."""

NATIVE = "<native>"
"""The "file" of functions that are built into V8."""
MAX_ANALYSED_BYTES = 1_000_000
MAX_ANALYSED_FILES = 64
"""Each costs 0.1 s; the functions of further files go without their class."""
_CLASS = re.compile(rb"\bclass\b")
_MAY_NAME_A_MAP = (".js", ".cjs", ".mjs")


class FrameNamer:
    """`await learn(call_frames)`, then `frame(call_frame, line)` for each of them. Files are read once, off the event loop."""

    def __init__(self, working_folder: Path) -> None:
        self._working_folder = str(working_folder).rstrip("/")
        self._frames: dict[CallFrame, Frame] = {}
        self._maps: dict[str, SourceMap | None] = {}
        self._methods: dict[str, Methods] = {}
        self._analysed_files = 0
        self._is_in_haste = False

    def add_map(self, url: str, data: dict[str, Any]) -> None:
        """The source map of a script that the program compiled itself. Raises as `parse_source_map` does."""
        file = script_path(url)
        self._maps[file] = _with_sources(parse_source_map(data, Path(file)))

    def hurry(self) -> None:
        """Read no more files: what is not known by now is done without."""
        self._is_in_haste = True

    async def learn(self, call_frames: Iterable[CallFrame]) -> None:
        new = [frame for frame in call_frames if frame not in self._frames]
        if not self._is_in_haste and any(self._needs_reading(frame) for frame in new):
            await asyncio.to_thread(self._read, new)
        for frame in new:
            self._frames[frame] = self._named(frame)

    def frame(self, call_frame: CallFrame, line: int = 0) -> Frame:
        """The frame, with `line` of its script being executed (from 1; 0 if unknown).

        V8 tells no columns: where generated code is all on one line, as tsx writes it, no source map leads to a line.
        """
        frame = self._frames[call_frame]
        if frame.file == NATIVE:
            return frame
        source_map = self._maps.get(script_path(call_frame.url)) if line else None
        if source_map:
            file, source_line = source_map.line(line - 1) or ("", -1)
            line = source_line + 1 if file == frame.file else 0
        return frame._replace(line=line)

    def _needs_reading(self, call_frame: CallFrame) -> bool:
        script = script_path(call_frame.url)
        if not script.startswith("/"):
            return False
        return script not in self._maps or self._place(call_frame)[0] not in self._methods

    def _read(self, call_frames: list[CallFrame]) -> None:
        for call_frame in call_frames:
            if self._is_in_haste:
                return
            if not self._needs_reading(call_frame):
                continue
            script = script_path(call_frame.url)
            if script not in self._maps:
                readable = script.endswith(_MAY_NAME_A_MAP) and "/node_modules/" not in script
                self._maps[script] = _with_sources(find_source_map(Path(script))) if readable else None
            file, _ = self._place(call_frame)
            if file not in self._methods:
                self._methods[file] = self._read_methods(Path(file))

    def _read_methods(self, file: Path) -> Methods:
        language = LANGUAGE_BY_ENDING.get(file.suffix)
        if (
            language is None
            or self._analysed_files >= MAX_ANALYSED_FILES
            or not is_own_code(Function("", str(file)), self._working_folder)
        ):
            return {}
        try:
            source = file.read_bytes() if file.stat().st_size <= MAX_ANALYSED_BYTES else b""
        except OSError:
            return {}
        if not _CLASS.search(source):
            return {}
        from ...sources.static_analysis import analyse  # noqa: PLC0415 - most programs' first second needs none of it

        self._analysed_files += 1
        analysis = analyse(source, file, language)
        methods: Methods = {}
        for span in analysis.functions if analysis else ():
            owner, dot, name = span.name.rpartition(".")
            if dot and not span.name.startswith("("):
                methods.setdefault(owner.rpartition(".")[2] if name == "constructor" else name, []).append(span)
        return methods

    def _place(self, call_frame: CallFrame) -> tuple[str, int]:
        """The file that `call_frame`'s function was written in, and the line it begins at (from 1, 0 if unknown)."""
        script = script_path(call_frame.url)
        source_map = self._maps.get(script)
        if source_map:
            mapped = source_map.position(max(0, call_frame.line), max(0, call_frame.column))
            if mapped:
                return mapped[0], mapped[1] + 1
        return script, call_frame.line + 1

    def _named(self, call_frame: CallFrame) -> Frame:
        name = call_frame.function
        if not call_frame.url:
            # V8's own entries, `(garbage collector)`, are of no file.
            return Frame(name or "(anonymous)", "" if name.startswith("(") else NATIVE)
        file, line = self._place(call_frame)
        short = file.rpartition("/")[2] if file.startswith("/") else file
        if not name:
            is_module = call_frame.line <= 0 and call_frame.column <= 0
            return Frame(f"(module) {short}" if is_module else f"(anonymous) {short}:{line}", file, 0, line)
        bare = name.removeprefix("get ").removeprefix("set ")
        around = [span for span in self._methods.get(file, {}).get(bare, ()) if span.line <= line <= span.end_line]
        if around:
            name = max(around, key=lambda span: span.line).name
        return Frame(name, file, 0, line)


def script_path(url: str) -> str:
    """The path of a script that is a file, without the query some loaders add; else V8's name for it (`node:fs`, `[eval]`)."""
    if url.startswith("file:"):
        return unquote(urlsplit(url).path)
    if url.startswith("data:"):
        return "data:"
    return url.partition("?")[0] if url.startswith("/") else url


def _with_sources(source_map: SourceMap | None) -> SourceMap | None:
    """`source_map`, if its sources are there to be shown."""
    return source_map if source_map and all(Path(source).is_file() for source in source_map.sources[:1]) else None
