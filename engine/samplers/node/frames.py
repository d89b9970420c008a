"""V8's call frames -> frames as the user knows them: paths of files, source maps undone, `Class.method`."""

from __future__ import annotations

import asyncio
import math
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ...profile.places import is_own_code
from ...profile.stacks import Frame, Function
from ...settings import LANGUAGE_BY_ENDING
from .profile import CallFrame
from .source_map import Place, SourceMap, file_in_project, find_source_map, parse_source_map, without_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...sources.static_analysis import FunctionSpan


NATIVE = "<native>"
"""The "file" of functions that are built into V8."""
MADE = "<made at run time>"
"""The "file" of code that `new Function` or `eval` made, and that names no source."""
_WITHOUT_FILE = {NATIVE, MADE, ""}
_UNNAMED = {"", "anonymous"}
_ORIGIN = re.compile(r"\(((?:file://)?/[^()]+):(\d+):(\d+)\)")
_MAX_LINES_APART = 3
_DATA = "data:"
_OF_FILE = re.compile(r"data:text/javascript,__filename%3D%22(%2F[^\"]+?)%22%3B")
"""What tsx makes of a CommonJS file that an ES module imports, on Node.js 20; V8 cuts such long names, so there is no map to be had."""
_TRANSFORMED = {".ts", ".mts", ".cts", ".tsx", ".jsx"}
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
        """By the scripts' URLs: a module that is loaded anew has the same file, and a map of its own."""
        self._files: dict[str, str] = {}
        """The scripts' URLs -> their files, as `file_of`, or as bundlers name those of the project."""
        self._spans: dict[str, tuple[FunctionSpan, ...]] = {}
        """The functions of files, by their lines."""
        self._lengths: dict[str, int] = {}
        """The number of lines of files."""
        self._begins: defaultdict[str, set[int]] = defaultdict(set)
        """The lines that functions of files begin in."""
        self._doubtful: set[str] = set()
        """Files of which lines are seen that may be another function's, as the spans are not known."""
        self._unread: set[str] = set()
        """Of these, whose spans are to be read."""
        self._columns: dict[tuple[str, str, int], int] = {}
        """Name, file and line of a function -> the column it begins at."""
        self._moved: set[CallFrame] = set()
        """Functions whose script is not the file of its name, but what a tool made of it (vitest, vite): lines of theirs say nothing."""
        self._unmapped: set[str] = set()
        """Scripts that are not what stands in their files, and whose source maps are not known."""
        self._made: dict[int, int] = {}
        """Scripts that were made at run time, and which each was, from 1."""
        self._makers: dict[int, str] = {}
        """Scripts that were made at run time, and the place that made them, `app.js:12`."""
        self._labels: dict[str, list[tuple[int, int, int]]] = {}
        """Names of functions that were made at run time -> the scripts and places in there that have it."""
        self._analysed_files = 0
        self._is_in_haste = False

    def add_map(self, url: str, data: dict[str, Any] | None, folder: Path) -> None:
        """The source map of a script that a program in `folder` compiled itself, or that its lines are not the file's. Raises as `parse_source_map`."""
        script = self._file(url)
        if data is None:
            self._unmapped.add(url)
        else:
            self._maps[url] = parse_source_map(data, Path(script) if script.startswith("/") else folder / "script")
            self._unmapped.discard(url)
            known = [frame for frame in self._moved if frame.url == url]
            self._moved.difference_update(known)
            for frame in known:
                name, file, _, line = self._frames.pop(frame)
                self._columns.pop((name, file, line), None)

    def add_made(self, script: int, origin: str) -> None:
        """Where a script was made at run time, as V8 says it: `eval at compile (/app/a.js:12:3)`."""
        found = _ORIGIN.search(origin)
        if found:
            place = self._place(CallFrame("", found[1], int(found[2]) - 1, int(found[3]) - 1))
            self._makers[script] = f"{place.file.rpartition('/')[2]}:{place.line}"

    def hurry(self) -> None:
        """Read no more files: what is not known by now is done without."""
        self._is_in_haste = True

    def learn_at_once(self, call_frames: Iterable[CallFrame]) -> bool:
        """As `learn`, if no file is to be read for it; whether that is so."""
        new = [frame for frame in call_frames if frame not in self._frames]
        if not self._is_in_haste and (self._unread or any(self._needs_reading(frame) for frame in new)):
            return False
        for frame in new:
            self._frames[frame] = self._named(frame)
        return True

    async def learn(self, call_frames: Sequence[CallFrame]) -> None:
        if not self.learn_at_once(call_frames):
            new = [frame for frame in call_frames if frame not in self._frames]
            await asyncio.to_thread(self._read, new)
            for frame in new:
                self._frames[frame] = self._named(frame)

    def frame(self, call_frame: CallFrame, line: int = 0) -> Frame:
        """The frame, with `line` of its script being executed (from 1; 0 if unknown)."""
        frame = self._frames[call_frame]
        if not line or frame.file in _WITHOUT_FILE:
            return frame
        if call_frame in self._moved:
            return frame._replace(line=frame.first_line)
        source_map = self._maps.get(call_frame.url)
        if source_map:
            return frame._replace(line=self._source_line(source_map, call_frame, frame, line - 1))
        return frame._replace(line=frame.first_line if self._is_outside(frame, line) else line)

    def _is_outside(self, frame: Frame, line: int) -> bool:
        """Whether `line` is of what V8 compiled into the function, which it tells as if it were in the function's own file, and not of the function itself.

        Where another function begins in between it may be, until the spans are known.
        """
        file = frame.file
        if line < frame.first_line or line > self._lengths.get(file, line):
            return True
        span = self._span(frame)
        if span is not None:
            return line > span.end_line
        is_unknown = file in self._lengths and file not in self._doubtful
        if not is_unknown or not any(frame.first_line < begin <= line for begin in self._begins[file]):
            return False
        self._doubtful.add(file)
        self._unread.add(file)
        return True

    def _source_line(self, source_map: SourceMap, call_frame: CallFrame, frame: Frame, line: int) -> int:
        """The source's line, from 1, of generated `line` of the function, from 0: never one outside of it.

        Code that the generator added is of the script's own line. V8 tells no columns. Where generated code of several lines is on one, as tsx and minifiers write it, the function's first
        line stands for them.
        """
        if frame.file not in source_map.sources:
            return line + 1
        if not frame.first_line:
            return 0
        is_first = line == call_frame.line
        span = self._span(frame)
        last = span.end_line if span else math.inf
        found = [
            source_line + 1
            for file, source_line in source_map.lines(line, call_frame.column if is_first else 0)
            if file == frame.file and frame.first_line <= source_line + 1 <= last
        ]
        if not found or (is_first and span is None and len(found) > 1) or max(found) - min(found) > _MAX_LINES_APART:
            return frame.first_line
        return found[0]

    def _file(self, url: str) -> str:
        file = self._files.get(url)
        if file is None:
            file = file_of(url)
            file = self._files[url] = file_in_project(file, Path(self._working_folder)) or file
        return file

    def _is_elsewhere(self, url: str) -> bool:
        """Whether the script is what a tool made of its file, by its URL alone, so that its lines are not the file's."""
        return url.startswith(_DATA) or (not url.startswith(("/", "file:")) and self._file(url).startswith("/"))

    def _span(self, frame: Frame) -> FunctionSpan | None:
        """Where the source has the function."""
        spans = self._spans.get(frame.file, ())
        return next((span for span in spans if span.line == frame.first_line), None)

    def _needs_reading(self, call_frame: CallFrame) -> bool:
        url = call_frame.url
        if not self._file(url).startswith(("/", f"{_DATA}/")) and url not in self._maps:
            return False
        return url not in self._maps or self._place(call_frame).file not in self._spans

    def _read(self, call_frames: list[CallFrame]) -> None:
        while self._unread and not self._is_in_haste:
            file = self._unread.pop()
            self._spans[file] = self._read_spans(Path(file), is_mapped=True)
        for call_frame in call_frames:
            if self._is_in_haste:
                return
            if not self._needs_reading(call_frame):
                continue
            url = call_frame.url
            script = self._file(url)
            if url not in self._maps:
                readable = (
                    script.startswith("/")
                    and script.endswith(_MAY_NAME_A_MAP)
                    and "/node_modules/" not in script
                    and not self._is_elsewhere(url)
                )
                self._maps[url] = find_source_map(Path(script)) if readable else None
            file = self._place(call_frame).file
            if file not in self._spans:
                is_mapped = file != script or bool(self._maps[url]) or self._is_elsewhere(url)
                self._spans[file] = self._read_spans(Path(file), is_mapped=is_mapped)

    def _read_spans(self, file: Path, *, is_mapped: bool) -> tuple[FunctionSpan, ...]:
        """The functions of the file, of the user's own files that need it: for methods' classes, and where lines are looked up."""
        language = LANGUAGE_BY_ENDING.get(file.suffix)
        if (
            language is None
            or self._analysed_files >= MAX_ANALYSED_FILES
            or not is_own_code(Function("", str(file)), self._working_folder)
        ):
            return ()
        try:
            source = file.read_bytes() if file.stat().st_size <= MAX_ANALYSED_BYTES else b""
        except OSError:
            return ()
        if source and not is_mapped:
            self._lengths[str(file)] = source.count(b"\n") + 1
        if not is_mapped and file.suffix not in _TRANSFORMED and not _CLASS.search(source):
            return ()
        from ...sources.static_analysis import analyse  # noqa: PLC0415 - most programs' first second needs none of it

        self._analysed_files += 1
        analysis = analyse(source, file, language)
        return analysis.functions if analysis else ()

    def _place(self, call_frame: CallFrame) -> Place:
        """Where `call_frame`'s function was written, and its name there if that is another. Lines from 1 (0 if unknown), columns from 0."""
        script = self._file(call_frame.url)
        source_map = self._maps.get(call_frame.url)
        if source_map:
            mapped = source_map.position(max(0, call_frame.line), max(0, call_frame.column), call_frame.function)
            if mapped:
                return mapped._replace(line=mapped.line + 1)
            if script in source_map.sources:
                # The tool's own code, in a script that bears its source's name: there is no such line.
                return Place(script, 0, call_frame.column, "")
        return Place(script.removeprefix(_DATA) or _DATA, call_frame.line + 1, call_frame.column, "")

    def _named(self, call_frame: CallFrame) -> Frame:
        name = call_frame.function
        if not call_frame.url:
            return self._without_url(call_frame)
        file, line, column, mapped_name = self._place(call_frame)
        short = file.rpartition("/")[2] if file.startswith("/") else file
        if not name and call_frame.line <= 0 and call_frame.column <= 0:
            return Frame(f"(module) {short}", file, 0, 1)
        bare = (mapped_name or name).removeprefix("get ").removeprefix("set ")
        if self._file(call_frame.url) in {file, _DATA + file} and not self._maps.get(call_frame.url):
            line = self._unmoved(call_frame, file, bare, line)
        name = mapped_name or name or (f"(anonymous) {short}:{line}" if line else f"(anonymous) {short}")
        around = [
            span for span in self._spans.get(file, ()) if _v8_name(span) == bare and span.line <= line <= span.end_line
        ]
        if around:
            name = max(around, key=lambda span: span.line).name
        # Several functions of one name on one line: the first one keeps it.
        if self._columns.setdefault((name, file, line), column) != column:
            name = f"{name}:{column + 1}" if name.startswith("(") else f"{name} {short}:{line}:{column + 1}"
        if not self._maps.get(call_frame.url):
            self._begins[file].add(line)
        return Frame(name, file, 0, line)

    def _unmoved(self, call_frame: CallFrame, file: str, bare: str, line: int) -> int:
        """Where the file has the function, if it has just one of that name, and elsewhere than the script; 0 if that is not to be known."""
        named = [span.line for span in self._spans.get(file, ()) if span.name.rpartition(".")[2] == bare]
        is_elsewhere = call_frame.url in self._unmapped or self._is_elsewhere(call_frame.url)
        if not (is_elsewhere and file.startswith("/")) and (len(named) != 1 or named[0] == line):
            return line
        self._moved.add(call_frame)
        return named[0] if len(named) == 1 else 0

    def _without_url(self, call_frame: CallFrame) -> Frame:
        name = call_frame.function
        if not call_frame.script or call_frame.line < 0:
            # V8's own entries, `(garbage collector)`, are of no file.
            return Frame(name or "(anonymous)", "" if name.startswith("(") else NATIVE)
        maker = self._makers.get(call_frame.script)
        if maker:
            label = f"{'(anonymous)' if name in _UNNAMED else name} made at {maker}"
            places = self._labels.setdefault(label, [])
            place = (call_frame.script, call_frame.line, call_frame.column)
            if place not in places:
                places.append(place)
            number = places.index(place)
            return Frame(f"{label} #{number + 1}" if number else label, MADE, 0, 0)
        number = self._made.setdefault(call_frame.script, len(self._made) + 1)
        return Frame(name if name not in _UNNAMED else f"(anonymous) {number}", MADE, 0, 0)


def _v8_name(span: FunctionSpan) -> str:
    """The name that V8 gives a method, which lacks the class; empty for what is no method."""
    owner, dot, name = span.name.rpartition(".")
    if not dot or span.name.startswith("("):
        return ""
    return owner.rpartition(".")[2] if name == "constructor" else name


def file_of(url: str) -> str:
    """The path of a script that is a file, without the query that loaders add to load it anew; else V8's name for it (`node:fs`, `[eval]`)."""
    if url.startswith("file:"):
        return without_query(unquote(urlsplit(url).path))
    if url.startswith(_DATA):
        found = _OF_FILE.match(url)
        return _DATA + unquote(found[1]) if found else _DATA
    # A module that a bundler made up begins with NUL, for which V8 has a space.
    return without_query(url) if url.startswith("/") else url.strip(" \0")
