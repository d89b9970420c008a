"""Small files of every form that can be opened, as their tools write them: the tests open them, the fuzzer damages them."""

from __future__ import annotations

import cProfile
import json
import marshal
import pstats
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multi_lang_profiler.engine.formats import files
from multi_lang_profiler.proto import pprof_pb2
from tests.support import recordings
from tests.support.mojo_stream import Sample, Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DATA = Path(__file__).parents[1] / "data" / "foreign"
CALL = {"scriptId": "1", "url": "file:///app/a%20b.js", "lineNumber": 6, "columnNumber": 0}


def pprof(
    rows: list[tuple[str, list[int]]], kinds: list[tuple[str, str]], period_ns: int = 10_000_000, default: str = ""
) -> bytes:
    """`rows`: functions without callers, with a value of each kind."""
    profile = pprof_pb2.Profile()
    strings = [""]

    def text(value: str) -> int:
        if value not in strings:
            strings.append(value)
        return strings.index(value)

    for kind, unit in kinds:
        profile.sample_type.add(type=text(kind), unit=text(unit))
    profile.period_type.type, profile.period_type.unit = text("cpu"), text("nanoseconds")
    profile.period, profile.default_sample_type = period_ns, text(default)
    for number, (name, values) in enumerate(rows, start=1):
        profile.function.add(id=number, name=text(name), filename=text("a.py"))
        profile.location.add(id=number).line.add(function_id=number, line=1)
        profile.sample.add(location_id=[number], value=values)
    profile.string_table.extend(strings)
    return profile.SerializeToString()


def cpuprofile() -> dict[str, Any]:
    def node(number: int, name: str, *children: int) -> dict[str, Any]:
        return {"id": number, "callFrame": {**CALL, "functionName": name}, "children": list(children)}

    nodes = [node(1, "(root)", 2, 4), node(2, "main", 3), node(3, "work"), node(4, "(idle)")]
    samples = {"samples": [2, 3, 3, 4], "timeDeltas": [50_000, 100_000, 100_000, 100_000]}
    return {"nodes": nodes, "startTime": 0, "endTime": 400_000, **samples}


def heap_profile() -> dict[str, Any]:
    def node(name: str, size: int, *children: dict[str, Any]) -> dict[str, Any]:
        return {"callFrame": {**CALL, "functionName": name}, "selfSize": size, "id": 1, "children": list(children)}

    return {"head": node("(root)", 0, node("main", 1_000, node("leak", 3_000))), "samples": []}


def chunked_trace() -> list[dict[str, Any]]:
    """Of Chromium's DevTools: a profile in pieces, whose nodes name their parents, beside events that say less."""
    whole = cpuprofile()
    parents = {2: 1, 3: 2, 4: 1}
    nodes = [
        {key: value for key, value in node.items() if key != "children"}
        | ({"parent": parents[node["id"]]} if node["id"] in parents else {})
        for node in whole["nodes"]
    ]
    at = {"pid": 7, "id": "0x1", "cat": "v8", "ph": "P", "ts": 1}

    def chunk(nodes: list[dict[str, Any]], samples: list[int]) -> dict[str, Any]:
        data = {"cpuProfile": {"nodes": nodes, "samples": samples}, "timeDeltas": [100_000] * len(samples)}
        return {**at, "tid": 9, "name": "ProfileChunk", "args": {"data": data}}

    return [
        {"ph": "M", "pid": 7, "tid": 8, "name": "thread_name", "args": {"name": "CrRendererMain"}, "ts": 0},
        {**at, "tid": 8, "name": "Profile", "args": {"data": {"startTime": 0}}},
        {"ph": "X", "pid": 7, "tid": 8, "name": "RunTask", "ts": 0, "dur": 400_000},
        chunk(nodes[:3], [2, 3]),
        chunk(nodes[3:], [3, 4]),
    ]


def lasting_trace() -> dict[str, Any]:
    """VizTracer's whole events beside py-spy's beginnings and ends."""
    viz = {"pid": 1, "tid": 1, "ph": "X"}
    spy = {"pid": 1, "tid": 2}

    def at(phase: str, ts: int, name: str, line: int) -> dict[str, Any]:
        return {**spy, "ph": phase, "ts": ts, "name": name, "args": {"filename": "a.py" if line else "", "line": line}}

    return {
        "traceEvents": [
            {**viz, "ph": "M", "name": "thread_name", "args": {"name": "MainThread"}},
            {**viz, "ts": 100.5, "dur": 300_000, "name": "work (/app/a.py:9)"},
            {**viz, "ts": 100.5, "dur": 400_000, "name": "main (/app/a.py:3)"},
            at("B", 0, "thread (12): Loader", 0),
            at("B", 0, "main", 3),
            at("B", 100_000, "work", 9),
            at("E", 200_000, "work", 9),
            at("E", 200_000, "main", 3),
            at("E", 200_000, "thread (12): Loader", 0),
        ]
    }


def sampled_trace() -> dict[str, Any]:
    return {
        "traceEvents": [],
        "stackFrames": {"1": {"name": "main", "category": "app"}, "2": {"name": "work", "parent": "1"}},
        "samples": [{"cpu": 0, "tid": 1, "ts": 0.5, "name": "cycles", "sf": 2, "weight": 3}, {"tid": 1, "sf": "1"}],
    }


def firefox(version: int) -> dict[str, Any]:
    """Processed profiles as they have been stored: tables of each thread (28), of all (60), prefixes as offsets (66)."""
    strings = ["main", "work", "a.js", "wait"]
    stacks = {"frame": [0, 1, 2], "prefix": [None, 0, 0], "length": 3}
    if version >= 66:
        stacks = {"frame": [0, 1, 2], "prefixOffset": [0, 1, 2], "length": 3}
    places = {"source": [0, 0, None]} if version >= 58 else {"fileName": [2, 2, None]}
    tables: dict[str, Any] = {
        "stackTable": stacks,
        "frameTable": {"func": [0, 1, 2], "category": [1, 1, 0], "line": [3, 9, None], "length": 3},
        "funcTable": {"name": [0, 1, 3], **places, "lineNumber": [2, 7, None], "length": 3},
    }
    thread: dict[str, Any] = {
        "name": "GeckoMain",
        "pid": "12" if version >= 40 else 12,
        "tid": 13,
        "samples": {
            "stack": [0, 1, 1, 2, None],
            "time": [0, 10, 20, 30, 40],
            **({"weight": [1, 1, 2, 1, 1], "weightType": "samples"} if version >= 40 else {"weight": None}),
            "length": 5,
        },
    }
    document: dict[str, Any] = {
        "meta": {"interval": 10, "categories": [{"name": "Idle"}, {"name": "JavaScript"}], "version": 30},
        "libs": [],
        "threads": [thread],
    }
    if version >= 60:
        document["shared"] = {**tables, "stringArray": strings, "sources": {"filename": [2], "length": 1}}
    else:
        thread |= {**tables, "stringArray": strings}
    if version < 40:
        thread["samples"].pop("weight")
    return document


def gecko() -> dict[str, Any]:
    """As Firefox itself writes it: rows with a schema, and other processes within."""
    thread = {
        "name": "GeckoMain",
        "pid": 12,
        "tid": 13,
        "samples": {"schema": {"stack": 0, "time": 1}, "data": [[0, 0], [1, 10], [1, 20]]},
        "stackTable": {"schema": {"prefix": 0, "frame": 1}, "data": [[None, 0], [0, 1]]},
        "frameTable": {"schema": {"location": 0, "category": 5}, "data": [[0], [1, None, None, None, None, 0]]},
        "stringTable": ["main (a.js:2:5)", "work (https://x.org/b.js:7:1)"],
    }
    meta = {"interval": 10, "categories": [{"name": "JavaScript"}]}
    other = {"meta": meta, "threads": [{**thread, "pid": 14}], "processes": []}
    return {"meta": meta, "threads": [thread], "processes": [other]}


def samply() -> dict[str, Any]:
    """As samply 0.13 saves it: names of functions stay with samply, a thread that never ran has empty tables, a process runs a second program."""

    def table(length: int, **columns: Any) -> dict[str, Any]:
        return {"length": length, **columns}

    def thread(name: str, tid: str, strings: list[str], stacks: list[int]) -> dict[str, Any]:
        n = 3 if strings else 0
        return {
            "name": name,
            "pid": tid,
            "tid": tid,
            "stringArray": strings,
            "processType": "default",
            "samples": table(
                len(stacks), weightType="samples", stack=stacks, weight=[1] * len(stacks), time=[0.25] * len(stacks)
            ),
            "stackTable": table(n, prefix=[None, 0, 1][:n], frame=[0, 1, 2][:n]),
            "frameTable": table(n, func=[0, 1, 2][:n], category=[0] * n, line=[None] * n),
            "funcTable": table(
                n, name=[0, 2, 3][:n], resource=[0, 0, 1][:n], fileName=[None] * n, lineNumber=[None] * n
            ),
            "resourceTable": table(2, lib=[0, 1], name=[1, 4], host=[None] * 2, type=[1, 1])
            if n
            else table(0, lib=[], name=[], host=[], type=[]),
        }

    ran = thread(
        "python3", "28413.1", ["0xfd7ef", "libc.so.6", "0x1a34e", "do_syscall_64", "[kernel.kallsyms]"], [1, 1, 2]
    )
    meta = {
        "interval": 0.25,
        "preprocessedProfileVersion": 49,
        "version": 24,
        "symbolicated": False,
        "categories": [{"name": "Other", "color": "grey", "subcategories": ["Other"]}],
    }
    return {"meta": meta, "libs": [], "threads": [thread("perf-exec", "28413", [], []), ran]}


def mojo() -> bytes:
    stream = Stream()
    frames = (("main", "/app/a.py", 3), ("work", "/app/a.py", 9))
    stream.write(Sample(1, 0x1F, frames, 300_000, metadata=("mode", "wall")))
    stream.write(Sample(1, 0x1F, (frames[0], ("work", "/app/a.py", 10)), 200_000))
    stream.write(Sample(1, 0x20, (frames[0],), 500_000))
    return bytes(stream.data)


def statistics() -> bytes:
    """cProfile's, of what calls itself and each other."""

    def leaf(n: int) -> int:
        return sum(range(n))

    def even(n: int) -> int:
        return leaf(300) if n == 0 else odd(n - 1)

    def odd(n: int) -> int:
        return leaf(500) if n == 0 else even(n - 1)

    profile = cProfile.Profile()
    profile.runcall(lambda: [even(9) + leaf(2_000) for _ in range(200)])
    stats: Any = pstats.Stats(profile)
    return marshal.dumps(stats.stats)


def flamebearer() -> dict[str, Any]:
    """What Pyroscope 1.6 answered of a real run, less its timeline."""
    levels = [[0, 419, 0, 0], [0, 140, 0, 8, 0, 279, 0, 1], [0, 140, 0, 4, 0, 279, 0, 4]]
    levels += [[0, 116, 116, 7, 0, 24, 18, 5, 0, 45, 28, 5, 0, 234, 233, 7], [134, 6, 6, 6, 28, 17, 17, 6]]
    names = ["total", "Thread._bootstrap", "-", "-", "work", "sums", "genexpr", "inner", "<module>"]
    metadata = {"format": "single", "spyName": "", "sampleRate": 100, "units": "samples", "name": "cpu"}
    return {"version": 1, "flamebearer": {"names": names, "levels": levels, "numTicks": 419}, "metadata": metadata}


AUSTIN = (
    "# austin: 3.7.0\n# interval: 10000\n# mode: wall\n\n"
    "P1;T0:1f;/a.py:main:3;/a.py:work:9 300000\nP1;T0:1f;/a.py:main:4;/a.py:work:10 200000\n"
    "P1;T0:20;/a.py:main:3;/a.py:other:12 500000\nP1;T0:20 9000\n# duration: 1000000\n"
)
RBSPY = (
    "<main> - /tmp/work.rb:13;outer - /tmp/work.rb:9;inner - /tmp/work.rb:5 18\n<main> - /tmp/work.rb:13;outer - /tmp/work.rb:9;inner - /tmp/work.rb:6 12\n"
    "<main> - /tmp/work.rb:13;outer - /tmp/work.rb:10;(unknown) [c function] - (unknown) 153\n"
)
AUSTIN_FULL = "# austin: 3.7.0\n# interval: 10000\n# mode: full\n\nP1;T0:1f;a.py:work:9 30000,0,0\nP1;T0:1f;a.py:sleep:2 70000,1,-12\n"
PY_SPY = (
    "thread (1162): MainThread;<module> (th.py:10);work (th.py:8);inner (th.py:4) 74\n"
    "thread (1162): MainThread;<module> (th.py:10);work (th.py:8);inner (th.py:3) 6\n"
    "thread (1162): MainThread 2\n"
    'process 1162:"python th.py";thread (1205): load 3000;work (th.py:8);inner (th.py:4) 20\n'
)
ASYNC_PROFILER = (
    "[main tid=21];Hot.main_[0];Hot.sorts_[1];java/util/Arrays.sort_[j] 30\n"
    "[main tid=21];Hot.main_[0];Hot.sorts_[1];java/util/Arrays.sort_[i] 10\n"
    "[C2 CompilerThread0 tid=22];clone3;start_thread;Compile::Compile 60\n"
)


def _json(document: object) -> bytes:
    return json.dumps(document).encode()


SAMPLES: Mapping[str, Callable[[], bytes]] = {
    "speedscope": lambda: files.ENDINGS[".speedscope.json"](recordings.recording("small")),
    "json": lambda: files.ENDINGS[".json"](recordings.recording("small")),
    "page": lambda: files.ENDINGS[".html"](recordings.recording("small")),
    "own pprof": lambda: files.ENDINGS[".pprof"](recordings.recording("small")),
    "folded": lambda: files.ENDINGS[".folded"](recordings.recording("small")),
    "own firefox": lambda: files.ENDINGS[".firefox.json"](recordings.recording("small")),
    "pprof": lambda: pprof([(f"f{at}", [at * 1_000]) for at in range(9)], [("cpu", "nanoseconds")]),
    "austin": AUSTIN.encode,
    "austin full": AUSTIN_FULL.encode,
    "mojo": mojo,
    "py-spy": PY_SPY.encode,
    "async-profiler": ASYNC_PROFILER.encode,
    "perf script": (DATA / "perf.txt").read_bytes,
    "cprofile": statistics,
    "cpuprofile": lambda: _json(cpuprofile()),
    "heapprofile": lambda: _json(heap_profile()),
    "chunked trace": lambda: _json(chunked_trace()),
    "lasting trace": lambda: _json(lasting_trace()),
    "sampled trace": lambda: _json(sampled_trace()),
    "firefox 28": lambda: _json(firefox(28)),
    "firefox 60": lambda: _json(firefox(60)),
    "firefox 66": lambda: _json(firefox(66)),
    "flamebearer": lambda: _json(flamebearer()),
    "gecko": lambda: _json(gecko()),
    "samply": lambda: _json(samply()),
    "rbspy": RBSPY.encode,
}
"""By what they are; a JDK's reader stands before .jfr, which is not here."""
