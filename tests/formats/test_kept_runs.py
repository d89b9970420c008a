"""Runs that are kept by themselves: the newest, bounded, private, whole or not at all, and never a reason to wait or to fail."""

from __future__ import annotations

import os
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.formats import kept_runs as room
from multi_lang_profiler.engine.formats.files import read
from multi_lang_profiler.engine.formats.kept_runs import MAX_RUNS, keep, kept_runs
from multi_lang_profiler.engine.formats.saving import keep_in_time
from multi_lang_profiler.engine.profile.course import Moment
from multi_lang_profiler.engine.profile.history import TimelinePoint
from tests.support import profiles, recordings

if TYPE_CHECKING:
    from multi_lang_profiler.engine.events import Event
    from multi_lang_profiler.engine.profile.recording import Recording

SMALL = recordings.recording("small")


def lasting(seconds: float) -> Recording:
    """A run told from others by its length."""
    return replace(SMALL, duration_s=seconds)


def test_a_kept_run_is_the_run(tmp_path: Path) -> None:
    """Opened again it has every sample, its timeline and its marks; the list tells it without reading it."""
    table = SMALL.table
    points = tuple(TimelinePoint(at, 1.0, 0.5, 3, {at % len(table.functions): 3}) for at in range(5))
    keep(replace(SMALL, timeline=points, marks=(Moment("load", 1.5),)), tmp_path)

    [run], lines = kept_runs(tmp_path)
    again = read(run.file)

    assert lines == []
    assert profiles.samples_by_stack(again) == profiles.samples_by_stack(SMALL)
    assert (again.marks, again.began_at) == ((Moment("load", 1.5),), SMALL.began_at)
    named = [
        {again.table.functions[function]: n for function, n in point.self_samples.items()} for point in again.timeline
    ]
    assert named == [{table.functions[at % len(table.functions)]: 3} for at in range(5)]
    [(hottest, samples)] = profiles.self_samples(SMALL).most_common(1)
    assert (run.samples, run.hottest) == (SMALL.counts.total, hottest[0])
    assert run.hottest_percent == pytest.approx(100 * samples / SMALL.counts.total)


def test_it_is_private_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the last 20 stay, of large ones fewer, in folders that nobody else can look into."""
    folder = tmp_path / "state" / "runs"
    for number in range(MAX_RUNS + 3):
        keep(lasting(number), folder)
    runs, _ = kept_runs(folder)
    assert [run.duration_s for run in runs] == list(range(MAX_RUNS + 2, 2, -1))
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())} == {0o700}

    size_bytes = sum(file.stat().st_size for file in runs[0].file.parent.iterdir())
    monkeypatch.setattr(room, "MAX_BYTES", 3 * size_bytes + size_bytes // 2)
    keep(lasting(99), folder)
    assert [run.duration_s for run in kept_runs(folder)[0]] == [99, MAX_RUNS + 2, MAX_RUNS + 1]

    monkeypatch.setattr(room, "MAX_BYTES", 100)
    with pytest.raises(ValueError, match="more than"):
        keep(SMALL, folder)
    assert len(kept_runs(folder)[0]) == 3


def test_runs_that_end_together(tmp_path: Path) -> None:
    """Forty that end at the same time: twenty are there, each whole, and none has failed for another's sake."""
    with ThreadPoolExecutor(8) as together:
        list(together.map(lambda number: keep(lasting(number), tmp_path), range(2 * MAX_RUNS)))

    runs, lines = kept_runs(tmp_path)

    assert (len(runs), lines) == (MAX_RUNS, [])
    assert {read(run.file).counts.total for run in runs} == {SMALL.counts.total}
    assert len(list(tmp_path.iterdir())) == MAX_RUNS


def test_what_is_damaged_is_passed_over(tmp_path: Path) -> None:
    """A half, an empty or a foreign entry is a line in the list, and the others are there."""
    for number in range(4):
        keep(lasting(number), tmp_path)
    whole, cut, empty, foreign = (run.file.parent for run in kept_runs(tmp_path)[0])
    (cut / "about.json").write_bytes((cut / "about.json").read_bytes()[:40])
    (empty / "run.speedscope.json.gz").unlink()
    (foreign / "about.json").write_text('{"samples": "\\u001b]0;x"}')

    runs, lines = kept_runs(tmp_path)

    assert [run.file.parent for run in runs] == [whole]
    assert sorted(str(entry) for entry in (cut, empty, foreign)) == sorted(line.split(" is ")[0] for line in lines)
    assert kept_runs(tmp_path / "not there") == ([], [])


def test_what_a_killed_run_left_goes(tmp_path: Path) -> None:
    """An unfinished one is not in the list, and goes once it is old; a young one may be another run's."""
    old, young = tmp_path / ".new-old", tmp_path / ".new-young"
    for folder in (old, young):
        folder.mkdir()
    os.utime(old, (time.time() - 2 * room._STALE_S,) * 2)
    keep(SMALL, tmp_path)
    assert len(kept_runs(tmp_path)[0]) == 1
    assert (old.exists(), young.exists()) == (False, True)


async def test_what_cannot_be_kept_is_a_calm_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be made, and a disk that hangs: one line each, no warning, and nobody waits."""
    said: list[Event] = []
    (tmp_path / "file").write_text("")

    async def run() -> Recording:
        return SMALL

    await keep_in_time(run(), tmp_path / "file" / "runs", 30.0, said.append)
    released = threading.Event()
    monkeypatch.setattr(room, "keep", lambda *_: released.wait(60))
    began_s = time.monotonic()
    await keep_in_time(run(), tmp_path / "runs", 0.2, said.append)
    waited_s = time.monotonic() - began_s
    released.set()

    assert waited_s < 30
    assert [event.is_warning for event in said] == [False, False]
    assert [event.line for event in said] == [
        "This run is not kept: not a directory",
        "This run is not kept: that takes more than 0 s",
    ]


def test_an_older_begin_is_no_younger_run(tmp_path: Path) -> None:
    """Last is who ended last: a server that began yesterday and ended just now."""
    keep(lasting(1), tmp_path)
    keep(replace(lasting(86_400), began_at=SMALL.began_at - timedelta(days=1)), tmp_path)
    assert [run.duration_s for run in kept_runs(tmp_path)[0]] == [86_400, 1]
