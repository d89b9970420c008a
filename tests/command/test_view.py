"""Opening saved runs: every form, two of them against each other, and files that are none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from multi_lang_profiler.engine.formats import speedscope
from multi_lang_profiler.engine.formats.files import read
from multi_lang_profiler.engine.formats.saved_snapshot import saved_snapshot
from multi_lang_profiler.engine.profile.course import Moment
from multi_lang_profiler.engine.profile.profile import Sampling
from multi_lang_profiler.engine.profile.recording import Recording
from tests.analysis.test_ranges import Run
from tests.support.command import Folder
from tests.support.snapshots import STARTED_AT
from tests.support.terminal import Terminal

TWO = """
import sys, time

def busy(cpu_s):
    until = time.process_time() + cpu_s
    while time.process_time() < until:
        sum(range(1000))

def other(cpu_s):
    until = time.process_time() + cpu_s
    while time.process_time() < until:
        sum(range(1000))

time.sleep(0.5)  # on a busy machine the sampler is late
busy(float(sys.argv[1]))
other(float(sys.argv[2]))
"""
FORMS = ("run.json", "run.speedscope.json", "run.pb.gz", "run.folded", "run.html")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Iterator[Folder]:
    """Holds a run in every form, and `later.pb.gz`, in which the work has moved to the other function."""
    with Folder(tmp_path_factory.mktemp("view")) as folder:
        folder.write("app.py", TWO)
        exports = [word for form in FORMS for word in ("--export", form)]
        assert folder.run("app.py", "--quiet", *exports, "--", "0.8", "0.2").status == 0
        assert folder.run("app.py", "--quiet", "--export", "later.pb.gz", "--", "0.2", "0.8").status == 0
        yield folder


@pytest.mark.parametrize("form", FORMS)
def test_summary_without_a_terminal(folder, form):
    """Without a terminal, each form gives the same samples and the same hottest function, on stdout."""
    finished = folder.run("view", form)
    said = finished.stdout.decode()
    assert (finished.status, finished.stderr) == (0, "")
    samples = re.search(r"; (\d+) samples \(100 Hz asked\)", said)
    assert samples
    assert 80 <= int(samples[1]) <= 110, said
    hottest = said.splitlines()[2].split()
    assert hottest[2:] == ["busy", "app.py:4"], said
    assert 65 <= float(hottest[0].rstrip("%")) <= 90


def test_a_range_of_a_saved_run(folder):
    """`--range` counts just that part of a run saved with its time, `--fail-if` as well; what has no time says so in one line."""
    snapshot = Run().snapshot()
    sampling = Sampling("cpu", 100.0, covered_s=60.0, lost_samples=0)
    marks = (Moment("half", 30.0),)
    saved = Recording(
        snapshot.table,
        snapshot.counts,
        "Python",
        "a.py",
        STARTED_AT,
        60.0,
        sampling,
        slices=snapshot.slices,
        marks=marks,
    )
    (folder.path / "half.speedscope.json").write_bytes(speedscope.dumps(saved))
    assert read(folder.path / "half.speedscope.json").slices == snapshot.slices
    early = folder.run(
        "view", "half.speedscope.json", "--range", "0-0:20", "--fail-if", "early>90%", "--fail-if", "late>5%"
    )
    said = early.stdout.decode()
    assert (early.status, early.stderr) == (3, ""), said
    assert "Of the run's 60 s just 0:00–0:20 counts" in said
    assert "; 2000 samples" in said.replace(",", "")
    assert "--fail-if late>5%: passed" in said
    assert "--fail-if early>90%: failed, early took 100%" in said
    whole = folder.run("view", "half.speedscope.json", "--fail-if", "early>90%", "--fail-if", "late>90%")
    assert whole.status == 0, whole.stdout.decode()
    assert "late  " in folder.run("view", "half.speedscope.json", "--range", "10s").stdout.decode()
    folder.run("view", "half.speedscope.json", "--range", "0:25-0:35", "--export", "part.folded")
    assert (folder.path / "part.folded").read_text().count(" 500\n") == 2
    [mark] = saved_snapshot(Path("half"), read(folder.path / "half.speedscope.json")).marks
    assert (mark.name, mark.counts.total) == ("half", 3_000)
    for form in ("run.pb.gz", "run.json"):
        timeless = folder.run("view", form, "--range", "0-1")
        assert timeless.status == 2
        assert "does not say when its samples were taken" in timeless.stderr
        assert len(timeless.stderr.splitlines()) == 1
    assert "behind the end" in folder.run("view", "half.speedscope.json", "--range", "70-80").stderr
    assert "1:03-1:17" in folder.run("view", "half.speedscope.json", "--range", "soon").stderr


def test_two_runs_without_a_terminal(folder):
    """Without a terminal, two files give a table of what changed on stdout: functions of both, new ones and those that are gone."""
    finished = folder.run("view", "run.json", "later.pb.gz")
    assert (finished.status, finished.stderr) == (0, "")
    heading, columns, *rows = finished.stdout.decode().splitlines()
    assert re.fullmatch(r"run\.json: \d+ samples; later\.pb\.gz: \d+ samples", heading)
    assert columns.split() == ["before", "after", "change", "total", "function"]
    by_name = {row.split()[4]: row.split() for row in rows if "app.py" in row}
    assert by_name["busy"][5:] == ["app.py:4"]
    before, after, change = (float(word.rstrip("%")) for word in by_name["busy"][:3])
    assert before > 60
    assert after < 40
    assert change == pytest.approx(after - before, abs=0.11)
    assert float(by_name["other"][2]) > 20

    folder.write("old.folded", "main;kept 50\nmain;dropped 50\n")
    folder.write("new.folded", "main;kept 50\nmain;added 50\n")
    said = folder.run("view", "old.folded", "new.folded").stdout.decode().splitlines()
    assert said[0] == "old.folded: 100 samples; new.folded: 100 samples"
    assert set(said[2:4]) == {
        "     -   50.0%   +50.0   +50.0  added  (new)",
        " 50.0%       -   -50.0   -50.0  dropped  (gone)",
    }
    assert said[4:] == ["2 functions differ no more than by chance"]


def test_on_the_screen(folder):
    """On a terminal a saved run is shown as such, its functions first, its source on demand; q leaves with status 0."""
    with Terminal(folder, "view", "run.json", size=(100, 24)) as terminal:
        terminal.until(lambda shown: b"saved run" in shown and b"app.py:4" in shown)
        terminal.press("q")
        assert terminal.wait() == 0


def test_two_runs_open_as_a_diff(folder):
    """Two files, of whatever forms, open on their difference."""
    with Terminal(folder, "view", "run.json", "later.pb.gz", size=(120, 24)) as terminal:
        terminal.until(lambda shown: b"run.json" in shown and b"before%" in shown and b"busy" in shown)
        terminal.press("q")
        assert terminal.wait() == 0


@pytest.mark.parametrize("form", FORMS)
def test_functions_of_two_runs_are_the_same(folder, form):
    """Whether a form has absolute or relative paths: a function of both runs is one, and no sample is lost on the way."""
    before, after = folder.path / form, folder.path / "later.pb.gz"
    snapshot = saved_snapshot(after, read(after), (before, read(before)))
    table, previous = snapshot.table, snapshot.previous_run
    assert previous
    assert previous.counts.total == read(before).counts.total
    for counts in (snapshot.counts, previous.counts):
        running = {table.leaves[stack] for _, stack in counts.by_stack}
        assert [function for function, (name, _) in enumerate(table.functions) if name == "busy"] == [
            function for function in running if table.functions[function].name == "busy"
        ]


def test_runs_are_kept_by_themselves(folder):
    """Without a file `view` lists the runs that were, the newest first; `last` and a number open one, `last previous` compares two."""
    kept = folder.run("view")
    assert (kept.status, kept.stderr) == (0, "")
    rows = kept.stdout.decode().splitlines()
    assert [row.split()[0] for row in rows] == ["1", "2"]
    assert [row.split()[-1] for row in rows] == ["other", "busy"]
    assert all("app.py (Python)" in row and " samples " in row for row in rows)

    last = folder.run("view", "last").stdout.decode()
    assert last.splitlines()[1:] == folder.run("view", "later.pb.gz").stdout.decode().splitlines()[1:]
    assert folder.run("view", "1").stdout.decode() == last
    compared = folder.run("view", "last", "previous").stdout.decode().splitlines()
    assert compared == folder.run("view", "previous", "last").stdout.decode().splitlines()
    assert compared[1:] == folder.run("view", "run.pb.gz", "later.pb.gz").stdout.decode().splitlines()[1:]

    assert folder.run("app.py", "--quiet", "--no-history", "--", "0.1", "0.1").status == 0
    assert folder.run("view").stdout == kept.stdout


def test_a_kept_run_is_picked_on_the_screen(folder):
    """On a terminal the list is to be picked from: two that are marked open as a diff, none with q."""
    with Terminal(folder, "view", size=(120, 24)) as terminal:
        terminal.until(lambda shown: b"Runs that are kept" in shown and b"app.py (Python)" in shown)
        terminal.press(" ")
        terminal.until(lambda shown: "✓".encode() in shown)
        terminal.press("\x1b[B \r")
        terminal.until(lambda shown: b"before%" in shown and b"busy" in shown)
        terminal.press("q")
        assert terminal.wait() == 0
    with Terminal(folder, "view", size=(80, 24)) as terminal:
        terminal.until(lambda shown: b"app.py (Python)" in shown)
        terminal.press("q")
        assert terminal.wait() == 0


def test_a_form_becomes_another(folder):
    """`--export` writes what was opened in any other form, and shows nothing."""
    finished = folder.run("view", "run.folded", "--export", "again.pb.gz", "--export", "again.folded")
    assert (finished.status, finished.stdout.decode().splitlines()) == (
        0,
        ["Saved the run to again.pb.gz", "Saved the run to again.folded"],
    )
    assert (folder.path / "again.folded").read_bytes() == (folder.path / "run.folded").read_bytes()
    assert read(folder.path / "again.pb.gz").counts.total == read(folder.path / "run.folded").counts.total


def test_what_is_no_run(folder):
    """A file that is missing, is no profile, or is missing on the command line: one line, status 2."""
    for words, says in (
        (("nowhere.json",), "'nowhere.json' cannot be opened: no such file or directory"),
        (("app.py",), "'app.py' cannot be opened as a profile: line"),
        (("run.json", "app.py"), "'app.py' cannot be opened as a profile: line"),
        ((".",), "'.' cannot be opened: is a directory"),
        (("7",), "there is no run '7': 2 are kept. A file of that name is ./7"),
        (("run.json", "--export", "run.svg"), "'run.svg' cannot be written"),
    ):
        finished = folder.run("view", *words)
        assert (finished.status, len(finished.lines), finished.stdout) == (2, 1, b"")
        assert says in finished.stderr
