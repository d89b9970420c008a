"""Files that other tools wrote: time is counted in nanoseconds, shares are the file's own, and what cannot be opened is named."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from multi_lang_profiler.engine.formats import files, foreign, pprof_reader
from multi_lang_profiler.engine.formats.pprof_reader import MAX_SAMPLE_BYTES, MAX_TABLES_BYTES
from multi_lang_profiler.engine.profile.profile import NANOSECONDS_HZ
from multi_lang_profiler.engine.profile.stacks import count_functions
from multi_lang_profiler.engine.varint import message
from multi_lang_profiler.proto import pprof_pb2
from tests.formats.foreign_samples import AUSTIN, SAMPLES, cpuprofile, pprof
from tests.formats.fuzz import fuzzed
from tests.support.command import Folder

if TYPE_CHECKING:
    from pathlib import Path

    from multi_lang_profiler.engine.profile.recording import Recording

NOW = datetime(2026, 11, 29, tzinfo=UTC)
PPROF = pprof([("a", [1])], [("cpu", "nanoseconds")])
FRAMES = [{"name": name, "file": "a.js", "line": 1} for name in ("main", "a", "b")]


def shares(recording: Recording) -> dict[str, float]:
    """Function -> its own share of all, in per cent."""
    counts = recording.counts
    own = count_functions(recording.table, counts.by_stack.items()).self_samples
    return {recording.table.functions[at].name: round(100 * n / counts.total, 1) for at, n in own.items() if n}


def seconds(recording: Recording) -> float:
    return recording.counts.total / recording.sampling.rate_hz


def speedscope(profile: dict[str, Any], frames: list[dict[str, Any]] = FRAMES) -> Recording:
    document = {"shared": {"frames": frames}, "profiles": [{"name": "t", **profile}]}
    return files.loads(json.dumps(document).encode(), NOW)


def sampled(unit: str, samples: list[list[int]], weights: list[float]) -> Recording:
    return speedscope({"type": "sampled", "unit": unit, "samples": samples, "weights": weights})


def test_weights_are_weights() -> None:
    """60 to 25 is 70.6 to 29.4 per cent: the finest weight is not taken for one sample."""
    assert shares(sampled("none", [[0, 1], [0, 2]], [60, 25])) == {"a": 70.6, "b": 29.4}
    assert shares(sampled("seconds", [[0, 1], [0, 2]], [0.6, 0.25])) == {"a": 70.6, "b": 29.4}


def test_many_small_samples_are_what_they_add_up_to() -> None:
    """25,000 samples of 40 microseconds are a second, not nothing."""
    read = sampled("microseconds", [[0, 1 + at % 2] for at in range(25_000)], [40] * 25_000)
    assert (seconds(read), shares(read)) == (1.0, {"a": 50.0, "b": 50.0})


def test_idle_time_is_in_no_share() -> None:
    """An empty stack says that nothing ran."""
    read = sampled("seconds", [[0, 1], [], [0, 2]], [0.5, 1.0, 0.5])
    assert (seconds(read), shares(read)) == (1.0, {"a": 50.0, "b": 50.0})


def test_null_is_a_field_that_is_not_there() -> None:
    """pyinstrument writes null for the file of its own entries, and speedscope takes it."""
    events = [("O", 0, 0), ("O", 0.5, 1), ("C", 2, 1), ("C", 2, 0)]
    read = speedscope(
        {
            "type": "evented",
            "unit": "seconds",
            "startValue": 0,
            "events": [{"type": kind, "at": at, "frame": frame} for kind, at, frame in events],
        },
        [{"name": "main", "file": "a.py", "line": 1}, {"name": "[self]", "file": None, "line": None}],
    )
    assert (seconds(read), shares(read)) == (2.0, {"[self]": 75.0, "main": 25.0})


def test_null_is_a_profile_without_a_name() -> None:
    """Nor need it say when it begins."""
    profile = {"name": None, "type": "sampled", "unit": "seconds", "startValue": None, "samples": [[0]], "weights": [1]}
    assert shares(speedscope(profile)) == {"main": 100.0}


def test_pprof_rows_below_half_a_period_stay() -> None:
    """Mutex, block and heap-like profiles have rows far below their period, and rows that are no multiples of it."""
    read = files.loads(pprof([(f"f{at}", [3_000_000]) for at in range(100)], [("delay", "nanoseconds")]), NOW)
    assert (seconds(read), len(shares(read)), set(shares(read).values())) == (0.3, 100, {1.0})


def test_pprof_of_a_period_of_a_nanosecond() -> None:
    """Two seconds are two seconds, and no count of samples is known."""
    read = files.loads(pprof([("a", [1_500_000_000]), ("b", [500_000_000])], [("cpu", "nanoseconds")], 1), NOW)
    assert (seconds(read), read.sampling.rate_hz, shares(read)) == (2.0, NANOSECONDS_HZ, {"a": 75.0, "b": 25.0})


def test_pprof_says_itself_which_value_is_meant() -> None:
    """`default_sample_type` counts; without it the last value that is a time."""
    rows = [("calc", [1, 100_000_000, 100_000_000]), ("io", [1, 1_000_000_000, 0])]
    kinds = [("samples", "count"), ("wall", "nanoseconds"), ("cpu", "nanoseconds")]
    assert shares(files.loads(pprof(rows, kinds, default="wall"), NOW)) == {"io": 90.9, "calc": 9.1}
    assert shares(files.loads(pprof(rows, kinds), NOW)) == {"calc": 100.0}


def test_pprof_whose_fields_come_in_another_order() -> None:
    """Go writes the time or the period first; protobuf's fields have no order."""
    whole = pprof([("main.knead", [10_000_000])], [("cpu", "nanoseconds")])
    late = pprof_pb2.Profile(time_nanos=1_700_000_000_000_000_000).SerializeToString() + whole
    assert late[0] >> 3 == 9
    assert shares(files.loads(gzip.compress(late), NOW)) == {"main.knead": 100.0}


def test_whole_samples_stay_samples() -> None:
    """Where every row is a multiple of the period, samples are what is shown."""
    read = files.loads(pprof([("a", [30_000_000]), ("b", [10_000_000])], [("cpu", "nanoseconds")]), NOW)
    assert (read.counts.total, read.sampling.rate_hz) == (4, 100.0)


def test_v8_profiles() -> None:
    """What `node --cpu-prof` and Chromium write; idle time is left out, lines count from 1."""
    read = files.loads(json.dumps(cpuprofile()).encode(), NOW)
    assert (round(seconds(read), 6), shares(read)) == (0.3, {"main": 33.3, "work": 66.7})
    (work,) = (at for at, function in enumerate(read.table.functions) if function.name == "work")
    assert (read.table.functions[work].file, read.table.line_of(work)) == ("/app/a b.js", 7)


def test_lines_may_end_as_on_windows() -> None:
    """Austin's and folded ones are the same with a carriage return before each end."""
    for text in (AUSTIN, "main;a 60\nmain;b 40\n"):
        assert shares(files.loads(text.replace("\n", "\r\n").encode(), NOW)) == shares(files.loads(text.encode(), NOW))


def test_austin_counts_microseconds() -> None:
    """Its comments say so; threads and processes are numbered, and a function is one whatever line it is in."""
    read = files.loads(AUSTIN.encode(), NOW)
    assert (seconds(read), read.sampling.mode, shares(read)) == (1.0, "wall", {"work": 50.0, "other": 50.0})
    assert {thread[:2] for thread in read.table.threads} == {(1, 0x1F), (1, 0x20)}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"MOJ\x03", "holds no samples"),
        (b"PERFILE2", "perf script"),
        (b"memray", "memray flamegraph"),
        (gzip.compress(b'rbspy02\n{"sample_rate":99}\n'), "rbspy report -f collapsed"),
        (b"% self  % total  name\n 59.30    59.30  outer - work.rb:10\n", "holds no stacks.*rbspy report"),
        (b'<?xml version="1.0" standalone="no"?><!DOCTYPE svg', "it is a drawing"),
        (
            b'{"shared": {"frames": [{"name": "f"}]}, "profiles": [{"name": "", "type": "sampled", "unit": "seconds", "samples": [[0]], "weights": [1, 1]}]}',
            "1 samples and 2 weights.*rbspy report",
        ),
        (b"\x80\x04\x95pickle", "would run code"),
        (b"go 1.22 trace\x00\x00", "go tool trace -pprof"),
        (b"goroutine profile: total 6\n", "without .debug=1"),
        (b'{"root_frame": {}, "sample_count": 3}', "pyinstrument -r speedscope"),
        (b"\xfb\xe3\x00\x00\x00\x00import os", "cProfile do not fit together: it holds more than plain data"),
        (b'{"traceEvents": []}', "trace of Chromium's"),
        (b"[{}]", "trace of Chromium's"),
        (b"[" + b"{}," * 20_000_000 + b"{}]", "more values than there is room for"),
        (b"\x01" * 1_000, "in none of the forms"),
        (PPROF + message(b"\x12", bytes(MAX_SAMPLE_BYTES + 1)), "one of these is too large"),
        (PPROF + message(b"\x22", bytes(MAX_TABLES_BYTES)), "one of these is too large"),
        (b"a;b 99999999999999999999999\n", "line 1 counts more"),
        (
            json.dumps(
                {
                    "shared": {"frames": FRAMES},
                    "profiles": [
                        {"name": "", "type": "sampled", "unit": "seconds", "samples": [[0]], "weights": [1e15]}
                    ],
                }
            ).encode(),
            "nobody has measured",
        ),
        (gzip.compress(b"a;b 1\n" * 1000)[:-9], "gzipped, but damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_opened_is_named(content: bytes, says: str) -> None:
    """One line says what the file is, and how to get there."""
    with pytest.raises(ValueError, match=says) as error:
        files.loads(content, NOW)
    assert "\n" not in str(error.value)


def test_what_unpacks_to_too_much_takes_no_memory() -> None:
    """It is measured before it is kept."""
    bomb = gzip.compress(bytes(files.MAX_FILE_BYTES + 1), 1)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="unpacks to more than"):
            files.loads(bomb, NOW)
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()


def test_text_of_too_many_or_too_long_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few bytes of a packed file can be any number of lines, or of frames in one."""
    monkeypatch.setattr(foreign, "MAX_LINES", 1_000)
    for text in (b"a;b 1\n", b"# austin: 3.7.0\n"):
        with pytest.raises(ValueError, match="more than 1,000 lines"):
            files.loads(text * 2_000, NOW)
    with pytest.raises(ValueError, match="line 1 is longer than"):
        files.loads(b"a;" * foreign.MAX_LINE + b"b 1\n", NOW)


def test_v8_profiles_without_times() -> None:
    """Samples and times are optional in V8's protocol: then each sample, or each hit of a node, has an equal part of the whole."""
    document = cpuprofile()
    del document["timeDeltas"]
    counted = shares(files.loads(json.dumps(document).encode(), NOW))
    nodes = document["nodes"]
    for node in nodes:
        node["hitCount"] = document["samples"].count(node["id"])
    del document["samples"]
    assert shares(files.loads(json.dumps(document).encode(), NOW)) == counted
    assert len(counted) > 1


def test_waiting_is_nobodys_in_a_profile_that_has_no_samples_of_it() -> None:
    """As Bun writes them: no "(idle)", and half a second of waiting in the time between two samples."""
    document = cpuprofile()
    document["nodes"] = [node for node in document["nodes"] if node["callFrame"]["functionName"] != "(idle)"]
    document |= {
        "samples": [2, 2, 3, 3, 3, 2],
        "timeDeltas": [1_000, 1_000, 500_000, 1_000, 1_000, 1_000],
        "endTime": 900_000,
    }
    found = shares(files.loads(json.dumps(document).encode(), NOW))
    assert found == {"main": pytest.approx(60, abs=10), "work": pytest.approx(40, abs=10)}, found


def test_a_pprof_of_too_many_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function may be two bytes long, so that their number is bounded, too."""
    monkeypatch.setattr(pprof_reader, "MAX_FIELDS", 1_000)
    with pytest.raises(ValueError, match="more than 1,000 samples, functions and names"):
        files.loads(PPROF + b"\x2a\x00" * 1_000, NOW)


@pytest.mark.parametrize("form", SAMPLES)
def test_no_damage_gives_a_traceback(form: str) -> None:
    """Damaged files of every form are read or refused with a line. `python -m tests.formats.fuzz` does the same for longer."""
    read, faults = fuzzed(form, range(60))
    assert (faults, 0 < read < 60) == ([], True)


def test_view_tells_times_where_no_samples_are_known(tmp_path: Path) -> None:
    """`view` of such a file speaks of seconds, not of a thousand million samples."""
    with Folder(tmp_path) as folder:
        file = tmp_path / "own.pb"
        file.write_bytes(pprof([("a", [1_500_000_001]), ("b", [500_000_000])], [("cpu", "nanoseconds")], 1))
        shown = folder.run("view", "--no-tui", str(file))
    assert shown.status == 0
    assert b"2 s in it (it tells times, and counts no samples)" in shown.stdout
    assert b"samples (" not in shown.stdout
