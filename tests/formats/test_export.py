"""Exports: files that the tools they are meant for open, and that give the run back."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import shutil
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.analysis.weights import Weigher
from multi_lang_profiler.engine.formats import files as export
from multi_lang_profiler.engine.formats.files import loads
from multi_lang_profiler.engine.formats.saved_snapshot import saved_snapshot
from multi_lang_profiler.engine.profile.course import Moment
from multi_lang_profiler.engine.profile.stacks import Frame, Function, StackCounts, StackTable, weighed
from tests.analysis.test_weights import SECONDS, Run
from tests.support import profiles, recordings
from tests.support.viewers import go_tool_pprof
from tests.support.wheels import ROOT

if TYPE_CHECKING:
    from multi_lang_profiler.engine.profile.recording import Recording

FLASK = recordings.recording("flask_server")
NOW = datetime(2026, 11, 24, tzinfo=UTC)
ALL_ENDINGS = pytest.mark.parametrize("ending", export.ENDINGS)
EXACT_ENDINGS = pytest.mark.parametrize("ending", [".speedscope.json", ".pb.gz", ".html"])


@EXACT_ENDINGS
@given(recording=profiles.recordings())
def test_a_file_gives_the_same_run_back(ending: str, recording: Recording) -> None:
    """speedscope and pprof files keep threads, stacks, lines, samples and all that is known of the run."""
    read = loads(export.ENDINGS[ending](recording), NOW)

    assert profiles.samples_by_stack(read) == profiles.samples_by_stack(recording)
    assert places(read.table) <= places(recording.table)
    assert replace(read, table=recording.table, counts=recording.counts) == recording


def places(table: StackTable) -> set[tuple[Function, int]]:
    """Every function with the line it begins at: two of one name in one file are told apart by it."""
    return {(function, table.line_of(index)) for index, function in enumerate(table.functions)}


def test_folded_paths_may_have_parentheses() -> None:
    """A folder called `a (copy)` is part of the path, not of the function's name."""
    (frame,) = loads(b"walk (/home/a (copy)/x.py:3) 7\n", NOW).table.functions
    assert frame == ("walk", "/home/a (copy)/x.py")


@given(
    recording=profiles.recordings(
        names=st.text(max_size=30) | st.sampled_from(["f (a.py:3)", "f ()", "0 (", "#", "\ud800", "a;b 7"])
    )
)
def test_folded_stacks_give_the_same_stacks_back(recording: Recording) -> None:
    """Folded stacks lose threads and lines, but no sample: written again, what was read is the same file."""
    folded = export.ENDINGS[".folded"](recording)
    if recording.counts.total:
        read = loads(folded, NOW)
        assert read.counts.total == recording.counts.total
        assert export.ENDINGS[".folded"](read) == folded
    for line in folded.decode().split("\n")[:-1]:
        assert re.fullmatch(r"[^;\x00-\x1f]+(;[^;\x00-\x1f]+)* \d+", line)


@pytest.mark.parametrize("name", recordings.NAMES)
def test_the_json_envelope_gives_the_functions_back(name: str, tmp_path: Path) -> None:
    """A saved envelope has the self samples of every function it names, and as many samples as the run."""
    recording = recordings.recording(name)
    file = tmp_path / "run.json"
    export.write(recording, file)

    read = export.read(file)

    assert read.counts.total == recording.counts.total
    wanted = {stats.name: stats.self_samples for stats in recording.profile().functions if stats.self_samples}
    assert {name: samples for (name, _), samples in profiles.self_samples(read).items()} == wanted
    assert (read.language, read.began_at, read.sampling) == (recording.language, recording.began_at, recording.sampling)


def test_a_report_of_several_windows_is_one_run(tmp_path: Path) -> None:
    """The windows of an envelope add up: a body that was posted can be opened."""
    file = tmp_path / "run.json"
    export.write(FLASK, file)
    envelope = json.loads(file.read_bytes())
    envelope["profiles"] *= 3
    file.write_text(json.dumps(envelope, indent=2))

    read = export.read(file)

    assert read.counts.total == 3 * FLASK.counts.total
    assert read.duration_s == pytest.approx(3 * FLASK.duration_s)


@ALL_ENDINGS
def test_the_ending_tells_the_form_but_reading_does_not_need_it(ending: str, tmp_path: Path) -> None:
    """Every form is recognised by what is in the file, gzipped or not, whatever the file is called."""
    written = tmp_path / f"run{ending.upper()}"
    export.write(FLASK, written)
    renamed = tmp_path / "a profile"
    content = written.read_bytes()
    zipped = ending in (".pb.gz", ".pprof", ".firefox.json.gz")
    for variant in (content, gzip.decompress(content) if zipped else gzip.compress(content)):
        renamed.write_bytes(variant)
        assert export.read(renamed).counts.total == FLASK.counts.total


@pytest.mark.parametrize("name", ["run", "run.svg", "run.gz", "folded", ".json", "run.json.bak"])
def test_an_ending_that_says_nothing_is_refused(name: str, tmp_path: Path) -> None:
    """The line names the file and every ending there is, and nothing is written."""
    for attempt in (export.check_ending, lambda file: export.write(FLASK, file)):
        with pytest.raises(ValueError, match=re.escape(repr(name))) as error:
            attempt(tmp_path / name)
        assert all(ending in str(error.value) for ending in export.ENDINGS)
    assert list(tmp_path.iterdir()) == []


def test_json_can_be_written_under_any_name(tmp_path: Path) -> None:
    """The envelope goes where `--json` says, whatever the file is called."""
    export.write_json(FLASK, tmp_path / "profile")
    assert json.loads((tmp_path / "profile").read_bytes())["profiles"][0]["language"] == "Python"


@ALL_ENDINGS
def test_an_empty_run_can_be_saved(ending: str, tmp_path: Path) -> None:
    """A program that never used the CPU has a file, too."""
    file = tmp_path / f"run{ending}"
    export.write(replace(FLASK, table=StackTable(), counts=StackCounts()), file)
    if ending in (".folded", ".collapsed", ".txt"):
        assert file.read_bytes() == b""
    else:
        assert export.read(file).counts.total == 0


# Whole or not at all ---------------------------------------------------------------------------------------------------


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """When the disk takes no more, the file of before is still there, whole, and nothing else is left."""
    file = tmp_path / "run.speedscope.json"
    file.write_text("before")
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from multi_lang_profiler.engine.formats import files as export; from tests.support import recordings\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "try: export.write(recordings.recording('flask_server'), Path(sys.argv[1]))\n"
        "except OSError as error: sys.exit(error.strerror)"
    )
    run = subprocess.run([sys.executable, "-c", program, file], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (run.returncode, run.stderr) == (1, "File too large\n")
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    """A file written over keeps its mode, a link still leads to it, and a new file gets the mode files usually get."""
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("")
    real.chmod(0o640)
    link.symlink_to(real)
    export.write(FLASK, link)
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert json.loads(real.read_bytes())

    export.write(FLASK, tmp_path / "new.json")
    (tmp_path / "plain").touch()
    assert (tmp_path / "new.json").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_pipe_gets_the_bytes(tmp_path: Path) -> None:
    """What is no file, a named pipe for one, is written to, not replaced."""
    pipe = tmp_path / "run.folded"
    os.mkfifo(pipe)
    copy = tmp_path / "copy"
    with copy.open("wb") as stream, subprocess.Popen(["cat", pipe], stdout=stream):
        export.write(FLASK, pipe)
    assert pipe.is_fifo()
    assert export.read(copy).counts.total == FLASK.counts.total


def test_a_missing_folder_is_an_ordinary_error(tmp_path: Path) -> None:
    """Where the file cannot be, the system says why."""
    with pytest.raises(FileNotFoundError):
        export.write(FLASK, tmp_path / "no" / "run.json")
    with pytest.raises(IsADirectoryError):
        export.read(tmp_path)


# Files that are none ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "it holds no samples"),
        (b"just some words\n", "line 1 is not a folded stack"),
        (b"\xff\xfe\x00", "it is in none of the forms"),
        (b"\x1f\x8b\x08\x00", "gzipped, but damaged"),
        (b"{", "JSON"),
        (b'{"a": 1}', "it is JSON, but in none of the forms"),
        (b'{"profiles": [], "reported_at": "2026-11-24T00:00:00Z", "agent_version": ""}', "it holds no profiles"),
        (b'{"shared": {"frames": []}, "profiles": []}', "it holds no samples"),
        (
            b'{"shared": {"frames": []}, "profiles": [{"type": "sampled", "unit": "apples"}]}',
            "not time: sampled profiles in apples",
        ),
        (
            b'{"shared":{"frames":[]},"profiles":[{"name":"","type":"sampled","unit":"none","samples":[[1]],"weights":[1]}]}',
            "do not fit together",
        ),
        (b"\x0a\x04\x08\x01\x10\x02\x32\x00\x32\x05space\x32\x05bytes", "it holds no samples"),
        (b"\x0a\x04\x08\x01\x10\x02\x12", "pprof data is damaged"),
        (b"\x0a\x04\x08\x09\x10\x02", "pprof data is damaged"),
    ],
)
def test_what_is_no_profile_is_refused_with_the_reason(content: bytes, says: str, tmp_path: Path) -> None:
    """A file that cannot be opened gives one line that names it and says what is wrong."""
    file = tmp_path / "run"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=says) as error:
        export.read(file)
    assert str(error.value).startswith(f"{str(file)!r} cannot be opened as a profile: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("ending", [ending for ending in export.ENDINGS if ending != ".html"])
def test_damaged_files_are_refused(ending: str, tmp_path: Path) -> None:
    """Cut and flipped files are read or refused: nothing but the documented error ever escapes."""
    file = tmp_path / f"run{ending}"
    export.write(recordings.recording("small"), file)
    content = file.read_bytes()
    if ending in (".pb.gz", ".pprof"):
        content = gzip.decompress(content)
    rng = random.Random(2)
    refused = 0
    for _ in range(200):
        damaged = bytearray(content)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(damaged))
            if rng.random() < 0.3:
                del damaged[at : at + rng.randrange(1, 200)]
            else:
                damaged[at] = rng.randrange(256)
        file.write_bytes(damaged)
        try:
            export.read(file)
        except ValueError:
            refused += 1
    assert refused > 10


@pytest.mark.parametrize("mode", ["cpu", "wall"])
@EXACT_ENDINGS
def test_a_file_gives_both_times_back(ending: str, mode: str) -> None:
    """What the screen switches in a run it switches in the file of it; where the file says when samples were taken, for ranges and marks, too."""
    run = Run(mode)
    run.pass_seconds(SECONDS)
    course = {"slices": run.history.slices, "timeline": run.history.timeline, "marks": (Moment("half", 20.0),)}
    recording = replace(
        FLASK,
        table=run.recorder.table,
        counts=run.recorder.run,
        waited=run.recorder.waited,
        sampling=FLASK.sampling._replace(mode=mode, rate_hz=100.0),
        names=None,
        **course,  # type: ignore[arg-type]
    )
    read = loads(export.ENDINGS[ending](recording), NOW)
    snapshot = saved_snapshot(Path("file"), read)
    for wanted in ("cpu", "wall"):
        shown, expected = Weigher().of(snapshot, wanted), Weigher().of(run.snapshot(), wanted)
        assert shown.counts.total == expected.counts.total
        assert profiles.samples_by_stack(replace(read, counts=shown.counts)) == profiles.samples_by_stack(
            replace(recording, counts=expected.counts)
        )
        if ending == ".speedscope.json":
            assert [sum(n for _, n in each.items()) for each in shown.slices] == [
                sum(n for _, n in each.items()) for each in expected.slices
            ]
            # Of a file the edges of marks are those of its slices; what was waited is told half a second late here.
            assert [mark.counts.total for mark in shown.marks] == [
                pytest.approx(mark.counts.total, abs=0 if wanted == "cpu" else 90) for mark in expected.marks
            ]
        assert [point.samples for point in shown.timeline] == [point.samples for point in expected.timeline]


@pytest.mark.parametrize("mode", ["cpu", "wall"])
def test_pprof_has_both_times_where_both_are_known(mode: str, tmp_path: Path) -> None:
    """CPU time and wall time as two values, in one order whatever the run counts; go tool pprof shows either, and the file gives both back."""
    table, cpu, waited = StackTable(), StackCounts(), StackCounts()
    thread = table.thread(7, 8, "main")
    works, sleeps = (table.stack([table.frame(Frame(name, "/app/a.py", 3, 1))]) for name in ("works", "sleeps"))
    cpu.add(thread, works, 30)
    waited.add(thread, works, 20)
    waited.add(thread, sleeps, 50)
    counts = cpu if mode == "cpu" else weighed(cpu, waited, 1)
    sampling = FLASK.sampling._replace(mode=mode, rate_hz=100.0)
    recording = replace(FLASK, table=table, counts=counts, waited=waited, sampling=sampling, slices=(), names=None)
    file = tmp_path / "both.pb.gz"
    export.write(recording, file)
    tops = {name: go_tool_pprof("-top", f"-sample_index={name}", file) for name in ("cpu", "wall")}
    assert re.search(r"300ms\s+100%.*works", tops["cpu"])
    assert re.search(r"500ms\s+50(\.00)?%.*works", tops["wall"])
    assert re.search(r"500ms\s+50(\.00)?%.*sleeps", tops["wall"])
    assert f"Type: {mode}" in go_tool_pprof("-top", file)
    read = export.read(file)
    assert profiles.samples_by_stack(read) == profiles.samples_by_stack(recording)
    assert read.waited is not None
    assert profiles.samples_by_stack(replace(read, counts=read.waited)) == profiles.samples_by_stack(
        replace(recording, counts=waited)
    )
    shown = Weigher().of(saved_snapshot(file, read), "wall" if mode == "cpu" else "cpu")
    assert shown.counts.total == (100 if mode == "cpu" else 30)


@pytest.mark.parametrize("form", ["folded", "speedscope.json", "firefox.json", "pb.gz", "json"])
def test_java_namesakes_are_two_in_every_form(tmp_path: Path, form: str) -> None:
    """`a.Worker.run` and `b.Worker.run` have their packages in front; read again they are `Worker.run`, twice."""
    table, counts = StackTable(), StackCounts()
    paths = ("a/Worker.java", "b/Worker.java")
    for path, samples in zip(paths, (30, 70), strict=True):
        counts.add(table.thread(1, 1), table.stack([table.frame(Frame("Worker.run", path, 2, 1))]), samples)
    file = tmp_path / f"run.{form}"
    export.write(replace(FLASK, table=table, counts=counts, slices=()), file)
    written = file.read_bytes() if file.suffix != ".gz" else gzip.decompress(file.read_bytes())
    assert b"a.Worker.run" in written
    assert b"b.Worker.run" in written
    again = export.read(file).table.functions
    assert sorted((name, path.removeprefix("/srv/app/")) for name, path in again) == [
        ("Worker.run", path) for path in paths
    ]


@pytest.mark.parametrize(("form", "ending"), [("speedscope", ".json"), ("raw", ".txt")])
def test_files_of_py_spy_can_be_opened(form: str, ending: str, tmp_path: Path) -> None:
    """What another profiler wrote is opened, too: its samples, its functions."""
    program, file = tmp_path / "busy.py", tmp_path / f"theirs{ending}"
    program.write_text("def busy():\n    return sum(i * i for i in range(400_000))\nfor _ in range(25):\n    busy()\n")
    py_spy = shutil.which("py-spy", path=str(Path(sys.executable).parent))
    assert py_spy
    command: list[str | Path] = [py_spy, "record", "-f", form, "-r", "200", "-o", file, "--", sys.executable, program]
    # On a busy machine it may get too few looks for anybody to tell its rate.
    for _ in range(3):
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert run.returncode == 0, run.stderr
        read = export.read(file)
        if read.counts.total > 20 and read.sampling.rate_hz == 200:
            break

    hottest = profiles.self_samples(read).most_common(2)
    assert {"busy", "<genexpr>"} & {name for (name, _), _ in hottest}
    assert read.counts.total > 20
    assert read.duration_s > 0
    if form == "speedscope":
        assert read.sampling.rate_hz == 200
        assert any(path.endswith("busy.py") for (_, path), _ in hottest)


def test_evented_speedscope_files_can_be_opened(tmp_path: Path) -> None:
    """Profiles that tell when functions begin and end count the time between."""
    events = [("O", 0, 0), ("O", 1, 10), ("C", 1, 40), ("O", 1, 45), ("C", 1, 50), ("C", 0, 60)]
    document = {
        "shared": {"frames": [{"name": "main"}, {"name": "work", "file": "a.py", "line": 3}]},
        "profiles": [
            {
                "type": "evented",
                "name": "main thread",
                "unit": "milliseconds",
                "startValue": 0,
                "endValue": 60,
                "events": [{"type": kind, "frame": frame, "at": at} for kind, frame, at in events],
            }
        ],
    }
    file = tmp_path / "run.json"
    file.write_text(json.dumps(document))

    read = export.read(file)

    seconds = {name: samples / read.sampling.rate_hz for (name, _), samples in profiles.self_samples(read).items()}
    assert seconds == pytest.approx({"main": 0.025, "work": 0.035}, abs=0.02)
    assert read.table.threads[0].name == "main thread"


def test_times_have_a_microsecond(tmp_path: Path) -> None:
    """When a run began is kept to the microsecond where the form allows it."""
    recording = replace(FLASK, began_at=FLASK.began_at + timedelta(microseconds=123_457))
    for ending in (".pb.gz", ".speedscope.json"):
        export.write(recording, tmp_path / f"run{ending}")
        assert export.read(tmp_path / f"run{ending}").began_at == recording.began_at
