"""Exports that are drawn along time: threads and processes where they ran, nothing between, and the counts as they are."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from multi_lang_profiler.engine.formats import files
from multi_lang_profiler.engine.formats.by_time import spans
from multi_lang_profiler.engine.formats.speedscope import dumps_counts
from multi_lang_profiler.engine.profile.course import Moment
from multi_lang_profiler.engine.profile.slices import slice_of
from multi_lang_profiler.engine.profile.stacks import Frame, StackCounts, StackTable
from tests.support import profiles, recordings
from tests.support.viewers import seen_by_speedscope

if TYPE_CHECKING:
    from pathlib import Path

    from multi_lang_profiler.engine.profile.recording import Recording

NOW = datetime(2026, 11, 30, tzinfo=UTC)
FLASK = recordings.recording("flask_server")


def run(folder: str = "/app") -> Recording:
    """Two processes at 100 Hz: one works in the first second and in the third, the other half of the second."""
    table, counts = StackTable(), StackCounts()

    def stack(*names: str, file: str = f"{folder}/a.py") -> int:
        return table.stack([table.frame(Frame(name, file, 2, 1)) for name in names])

    main, worker = table.thread(10, 10, "MainThread"), table.thread(20, 21, "worker")
    one, other = stack("main", "one"), stack("main", "other")
    library = stack("load", file="/usr/lib/python3/dist-packages/x/y.py")
    by_second = ({(main, one): 60, (main, other): 40}, {(worker, library): 50}, {(main, one): 100})
    slices = []
    for at, by_stack in enumerate(by_second):
        slices.append(slice_of(float(at), 1.0, 1.0, by_stack))
        for (thread, each), n in by_stack.items():
            counts.add(thread, each, n)
    return replace(
        FLASK,
        table=table,
        counts=counts,
        sampling=FLASK.sampling._replace(rate_hz=100.0, ledger=None),
        timeline=(),
        working_folder=folder,
        slices=tuple(slices),
        marks=(Moment("loaded", 2.0),),
        duration_s=3.0,
    )


def test_samples_stand_in_their_second() -> None:
    """A span of equal samples begins where its slice does, or where the thread's span before ends; what no slice has comes last."""
    found = spans(run())
    assert [[(span.at_s, span.samples) for span in of_thread] for of_thread in found.values()] == [
        [(0.0, 60), (0.6, 40), (2.0, 100)],
        [(1.0, 50)],
    ]
    without = spans(replace(run(), slices=run().slices[:2]))
    assert [span.samples for span in without[0]] == [60, 40, 100]


def test_speedscope_shows_when(tmp_path: Path) -> None:
    """Its importer finds each thread's time, with the pauses; what is counted is read back as it was, and from a file of counts alone."""
    file = tmp_path / "run.speedscope.json"
    files.write(run(), file)
    document = json.loads(file.read_bytes())
    assert [(profile["samples"], profile["weights"]) for profile in document["profiles"]] == [
        ([[0, 1], [0, 2], [], [0, 1]], [0.6, 0.4, 1.0, 1.0]),
        ([[], [3]], [1.0, 0.5]),
    ]
    seen = seen_by_speedscope(file)["profiles"]
    assert [(profile["name"], round(profile["total"], 9)) for profile in seen] == [
        ("MainThread (process 10, thread 10)", 3.0),
        ("worker (process 20, thread 21)", 1.5),
    ]
    assert {frame["name"]: round(frame["self"], 9) for frame in seen[0]["frames"]} == {
        "main": 0,
        "one": 1.6,
        "other": 0.4,
    }
    for content in (file.read_bytes(), dumps_counts(run())):
        again = files.loads(content, NOW)
        assert profiles.samples_by_stack(again) == profiles.samples_by_stack(run())
        assert [dict(each.items()) for each in again.slices] != []
        assert [sum(each.samples) for each in again.slices] == [100, 50, 100]


def check_tables(document: dict[str, Any]) -> None:
    """Every column of a table is as long as it says, and refers to what there is."""
    shared = document["shared"]
    tables = [table for table in shared.values() if isinstance(table, dict)]
    tables += [thread[name] for thread in document["threads"] for name in ("samples", "markers")]
    for table in tables:
        assert {len(column) for column in table.values() if isinstance(column, list)} <= {table["length"]}
    stacks, frames, functions = shared["stackTable"], shared["frameTable"], shared["funcTable"]
    assert all(prefix is None or prefix < at for at, prefix in enumerate(stacks["prefix"]))
    assert set(stacks["frame"]) <= set(range(frames["length"]))
    assert set(frames["func"]) <= set(range(functions["length"]))
    assert set(frames["category"]) <= set(range(len(document["meta"]["categories"])))
    assert set(functions["name"]) <= set(range(len(shared["stringArray"])))
    for thread in document["threads"]:
        assert {stack for stack in thread["samples"]["stack"] if stack is not None} <= set(range(stacks["length"]))
        assert thread["samples"]["time"] == sorted(thread["samples"]["time"])


def test_firefox_profiler(tmp_path: Path) -> None:
    """Threads of both processes on one axis, whose code it is, marks, CPU use; packed or not, and opened again."""
    file = tmp_path / "run.firefox.json"
    files.write(run(), file)
    files.write(run(), tmp_path / "run.firefox.json.gz")
    document = json.loads(file.read_bytes())
    check_tables(document)
    check_tables(json.loads(files.ENDINGS[".firefox.json"](FLASK)))
    main, worker = document["threads"]
    assert [(thread["pid"], thread["tid"], thread["name"], thread["isMainThread"]) for thread in (main, worker)] == [
        ("10", 10, "MainThread", True),
        ("20", 21, "worker", True),
    ]
    samples = main["samples"]
    assert list(zip(samples["time"], samples["weight"], samples["threadCPUDelta"], strict=True)) == [
        (600.0, 60, 600_000),
        (1_000.0, 40, 400_000),
        (2_000.0, 0, 0),
        (3_000.0, 100, 1_000_000),
    ]
    assert samples["stack"][2] is None
    names = document["shared"]["stringArray"]
    of = {
        names[document["shared"]["funcTable"]["name"][function]]: document["meta"]["categories"][category]["name"]
        for function, category in zip(
            document["shared"]["frameTable"]["func"], document["shared"]["frameTable"]["category"], strict=True
        )
    }
    assert of == {"main": "Own code", "one": "Own code", "other": "Own code", "load": "Libraries"}
    assert [
        (names[name], at) for name, at in zip(main["markers"]["name"], main["markers"]["startTime"], strict=True)
    ] == [("loaded", 2_000.0)]
    for content in (file.read_bytes(), (tmp_path / "run.firefox.json.gz").read_bytes()):
        again = files.loads(content, NOW)
        own = Counter({name: n for (name, _), n in profiles.self_samples(again).items()})
        assert own == {"one": 160, "other": 40, "load": 50}
        assert {thread[:3] for thread in again.table.threads} == {(10, 10, "MainThread"), (20, 21, "worker")}
