"""Firefox Profiler's processed profile (https://profiler.firefox.com opens it from a file): threads of all processes along one axis of time.

Categories say whose code runs. A thread's CPU use is what was sampled of it. Of a slice of the run it is not known when in it a stack was
seen: see `by_time`. Format: https://github.com/firefox-devtools/profiler/blob/main/docs-developer/CHANGELOG-formats.md, version 60.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from ..profile.full_names import full_names
from ..profile.places import CodeKind, kind_of
from ..profile.profile import BYTES_HZ, counts_time
from ..profile.recording import facts
from ..settings import AGENT_VERSION
from .by_time import spans, unit_s
from .firefox_profile import OURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..profile.recording import Recording
    from .by_time import Span

_VERSION = 60
_CATEGORIES = {CodeKind.OWN: "blue", CodeKind.LIBRARY: "orange", CodeKind.RUNTIME: "grey"}
_NAMES = {CodeKind.OWN: "Own code", CodeKind.LIBRARY: "Libraries", CodeKind.RUNTIME: "Runtime"}
_INSTANT = 0
"""Phase of a marker without a length."""
_NO_GAP_S = 1e-6


def dumps(recording: Recording) -> bytes:
    return json.dumps(document(recording), ensure_ascii=False, separators=(",", ":")).encode()


def dumps_packed(recording: Recording) -> bytes:
    return gzip.compress(dumps(recording), 6, mtime=0)


def document(recording: Recording) -> dict[str, Any]:
    """What `dumps` writes. Times are in milliseconds since the program's start."""
    tables = _Tables(recording)
    by_thread = spans(recording)
    samples = {thread: sum(span.samples for span in found) for thread, found in by_thread.items()}
    # The busiest first, but the threads of a process together.
    of_process: dict[int, int] = {}
    for thread, n in samples.items():
        pid = recording.table.threads[thread].pid
        of_process[pid] = of_process.get(pid, 0) + n
    order = sorted(
        by_thread,
        key=lambda thread: (
            -of_process[recording.table.threads[thread].pid],
            recording.table.threads[thread].pid,
            -samples[thread],
        ),
    )
    threads: list[dict[str, Any]] = []
    for thread in order:
        of_new_process = not threads or threads[-1]["pid"] != str(recording.table.threads[thread].pid)
        threads.append(_thread(recording, tables, thread, by_thread[thread], is_main=of_new_process))
    if threads:
        threads[0]["markers"] = tables.markers(recording)
    return {
        "meta": _meta(recording),
        "libs": [],
        "pages": [],
        "counters": [],
        "shared": tables.shared(),
        "threads": threads,
        OURS: facts(recording),
    }


def _meta(recording: Recording) -> dict[str, Any]:
    return {
        "interval": 1_000 * unit_s(recording) if counts_time(recording.sampling.rate_hz) else 1,
        "startTime": 1_000 * recording.began_at.timestamp(),
        "processType": 0,
        "version": 30,
        "preprocessedProfileVersion": _VERSION,
        "product": recording.source_file or "multi_lang_profiler",
        "importedFrom": f"multi_lang_profiler {AGENT_VERSION}",
        "stackwalk": 1,
        "debug": False,
        "symbolicated": True,
        "categories": [
            {"name": _NAMES[kind], "color": colour, "subcategories": ["Other"]} for kind, colour in _CATEGORIES.items()
        ],
        "markerSchema": [],
        "sampleUnits": {"time": "ms", "eventDelay": "ms", "threadCPUDelta": "µs"},
        "usesOnlyOneStackType": True,
        "sourceCodeIsNotOnSearchfox": True,
        "extensions": {"id": [], "name": [], "baseURL": [], "length": 0},
    }


def _thread(
    recording: Recording, tables: _Tables, thread: int, found: Sequence[Span], *, is_main: bool
) -> dict[str, Any]:
    known, unit = recording.table.threads[thread], unit_s(recording)
    # A sample speaks of the time before it.
    stacks: list[int | None] = []
    times_ms: list[float] = []
    weights: list[int] = []
    cpu_us: list[int] = []
    now_s = 0.0
    for span in found:
        if span.at_s > now_s + _NO_GAP_S:
            stacks.append(None)
            times_ms.append(round(1_000 * span.at_s, 3))
            weights.append(0)
            cpu_us.append(0)
        now_s = span.at_s + span.samples * unit
        stacks.append(tables.stack(span.stack))
        times_ms.append(round(1_000 * now_s, 3))
        weights.append(span.samples)
        cpu_us.append(round(1e6 * span.samples * unit))
    command = recording.table.processes[known.pid].command if known.pid in recording.table.processes else ""
    return {
        "processType": "default",
        "processName": command or recording.source_file or "program",
        "processStartupTime": 0,
        "processShutdownTime": None,
        "registerTime": 0,
        "unregisterTime": None,
        "pausedRanges": [],
        "name": known.title or "thread",
        "isMainThread": is_main,
        "pid": str(known.pid),
        "tid": known.tid,
        "samples": {
            "stack": stacks,
            "time": times_ms,
            "weight": weights,
            "weightType": "bytes" if recording.sampling.rate_hz == BYTES_HZ else "samples",
            "threadCPUDelta": cpu_us,
            "length": len(stacks),
        },
        "markers": tables.no_markers(),
    }


class _Tables:
    """What all threads refer to, by columns."""

    def __init__(self, recording: Recording) -> None:
        self._table = recording.table
        self._names = full_names(recording)
        self._folder = recording.working_folder.rstrip("/")
        self._strings: dict[str, int] = {}
        self._functions: dict[int, int] = {}
        self._frames: dict[int, int] = {}
        self._stacks: dict[tuple[int | None, int], int] = {}
        """Caller's stack and frame -> stack; callers come first."""
        self._of_stack: dict[int, int | None] = {}
        self._kinds = list(_CATEGORIES)

    def stack(self, stack: int) -> int | None:
        if stack not in self._of_stack:
            at: int | None = None
            for frame in self._table.stacks[stack]:
                number = self._frames.setdefault(frame, len(self._frames))
                self._functions.setdefault(self._table.frames[frame].function, len(self._functions))
                at = self._stacks.setdefault((at, number), len(self._stacks))
            self._of_stack[stack] = at
        return self._of_stack[stack]

    def shared(self) -> dict[str, Any]:
        table = self._table
        functions = [table.functions[function] for function in self._functions]
        names = [self._string(self._names.of_java(function)) for function in functions]
        sources: dict[str, int] = {}
        places = [sources.setdefault(file, len(sources)) if file else None for _, file in functions]
        lines = [table.line_of(function) or None for function in self._functions]
        kinds = [self._kinds.index(kind_of(function, self._folder)) for function in functions]
        frames = [table.frames[frame] for frame in self._frames]
        of_frame = [self._functions[frame.function] for frame in frames]

        def empty(n: int) -> list[None]:
            return [None] * n

        n_functions, n_frames = len(functions), len(frames)
        shared = {
            "stackTable": {
                "frame": [frame for _, frame in self._stacks],
                "prefix": [prefix for prefix, _ in self._stacks],
                "length": len(self._stacks),
            },
            "frameTable": {
                "address": [-1] * n_frames,
                "inlineDepth": [0] * n_frames,
                "category": [kinds[function] for function in of_frame],
                "subcategory": [0] * n_frames,
                "func": of_frame,
                "nativeSymbol": empty(n_frames),
                "innerWindowID": empty(n_frames),
                "line": [frame.line or None for frame in frames],
                "column": empty(n_frames),
                "length": n_frames,
            },
            "funcTable": {
                "name": names,
                "isJS": [False] * n_functions,
                "relevantForJS": [False] * n_functions,
                "resource": [-1] * n_functions,
                "source": places,
                "lineNumber": lines,
                "columnNumber": empty(n_functions),
                "length": n_functions,
            },
            "resourceTable": {"lib": [], "name": [], "host": [], "type": [], "length": 0},
            "nativeSymbols": {"libIndex": [], "address": [], "name": [], "functionSize": [], "length": 0},
            "sources": {
                "uuid": empty(len(sources)),
                "filename": [self._string(file) for file in sources],
                "length": len(sources),
            },
        }
        return {**shared, "stringArray": list(self._strings)}

    def markers(self, recording: Recording) -> dict[str, Any]:
        """The run's marks."""
        marks = recording.marks
        return {
            "data": [None] * len(marks),
            "name": [self._string(mark.name) for mark in marks],
            "startTime": [round(1_000 * mark.at_s, 3) for mark in marks],
            "endTime": [None] * len(marks),
            "phase": [_INSTANT] * len(marks),
            "category": [self._kinds.index(CodeKind.OWN)] * len(marks),
            "length": len(marks),
        }

    def no_markers(self) -> dict[str, Any]:
        columns: dict[str, Any] = {name: [] for name in ("data", "name", "startTime", "endTime", "phase", "category")}
        return {**columns, "length": 0}

    def _string(self, text: str) -> int:
        return self._strings.setdefault(text, len(self._strings))
