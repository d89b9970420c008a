"""What the tools that exports are meant for make of them: speedscope's own importers, `go tool pprof`, flamegraph.pl."""

from __future__ import annotations

import copy
import re
import subprocess
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.formats import files as export
from multi_lang_profiler.engine.profile.full_names import full_names
from multi_lang_profiler.engine.profile.stacks import Frame, Function, StackCounts, StackTable
from tests.support import profiles, recordings
from tests.support.viewers import go_tool_pprof, seen_by_speedscope
from tests.support.wheels import debian_package

if TYPE_CHECKING:
    from pathlib import Path

FLASK = recordings.recording("flask_server")
FULL = full_names(FLASK)


def test_speedscope_shows_the_run(tmp_path: Path) -> None:
    """speedscope's own importer finds every thread, the time of each function, its file and where it begins."""
    file = tmp_path / "run.speedscope.json"
    export.write(FLASK, file)

    seen = seen_by_speedscope(file)

    assert seen["name"] == "server.py"
    assert len(seen["profiles"]) == 5
    assert {profile["unit"] for profile in seen["profiles"]} == {"seconds"}
    totals = [profile["total"] for profile in seen["profiles"]]
    assert totals == sorted(totals, reverse=True)
    assert sum(totals) == pytest.approx(FLASK.counts.total / 250)
    self_s: Counter[tuple[str, str]] = Counter()
    for profile in seen["profiles"]:
        for frame in profile["frames"]:
            self_s[frame["name"], FLASK.shown(frame["file"])] += frame["self"]
    wanted = {function: samples / 250 for function, samples in profiles.self_samples(FLASK).items()}
    assert {function: n for function, n in self_s.items() if n} == pytest.approx(wanted)
    [score] = [frame for frame in seen["profiles"][1]["frames"] if frame["name"] == "score"]
    assert (score["file"], score["line"]) == ("/srv/app/server.py", 9)


@pytest.mark.parametrize("ending", [".folded", ".pb.gz"])
def test_speedscope_opens_the_other_forms_too(ending: str, tmp_path: Path) -> None:
    """Its importers of folded stacks and of pprof agree with us on the total and on the hottest function."""
    file = tmp_path / f"run{ending}"
    export.write(FLASK, file)

    [profile] = seen_by_speedscope(file)["profiles"]

    per_sample = {"none": 1, "nanoseconds": 4_000_000}[profile["unit"]]
    assert profile["total"] == FLASK.counts.total * per_sample
    hottest = max(profile["frames"], key=lambda frame: frame["self"])
    [((name, file_of_it), samples)] = profiles.self_samples(FLASK).most_common(1)
    assert hottest["name"].split(" (")[0] == (FULL.of(Function(name, file_of_it)) if ending == ".pb.gz" else name)
    assert hottest["self"] == samples * per_sample


def test_speedscope_opens_an_empty_run(tmp_path: Path) -> None:
    """A run without samples is an empty profile there, no error."""
    file = tmp_path / "run.speedscope.json"
    export.write(replace(FLASK, table=StackTable(), counts=StackCounts()), file)
    assert [profile["total"] for profile in seen_by_speedscope(file)["profiles"]] == [0]


def test_go_tool_pprof_shows_the_run(tmp_path: Path) -> None:
    """`go tool pprof` says which program, when, how long, the time of each function, its lines and its threads."""
    file = tmp_path / "run.pb.gz"
    export.write(FLASK, file)

    top = go_tool_pprof("-top", "-nodecount=100000", "-nodefraction=0", file)

    assert "File: server.py\n" in top
    assert "Type: cpu\nTime: Nov 24, 2026 at 12:00pm (UTC)\nDuration: 16.10s, Total samples = 16556ms" in top
    rows = re.findall(r"^ +([\d.]+)(?:ms)? +[\d.]+% +[\d.]+% +[\d.]+(?:ms)? +[\d.]+%  (.*)$", top, re.MULTILINE)
    flat = {name: int(ms) for ms, name in rows}
    by_name: Counter[str] = Counter()
    for (name, path), samples in profiles.self_samples(FLASK).items():
        by_name[FULL.of(Function(name, f"/srv/app/{path}" if path.endswith("server.py") else path))] += 4 * samples
    assert {name: ms for name, ms in flat.items() if ms} == by_name

    lines = go_tool_pprof("-top", "-lines", "-nodecount=100000", "-nodefraction=0", file)
    assert top.startswith("File: ")  # no comment heads it
    assert re.search(r" server\.score /srv/app/server\.py:9$", lines, re.MULTILINE)
    assert re.search(r"tid: .*\n +5\.5s \(33\.22%\): 775\n", go_tool_pprof("-tags", file))


def test_namesakes_are_two_for_go_tool_pprof(tmp_path: Path) -> None:
    """Two functions of one name in two files are two rows of its -top, which goes by names alone."""
    table, counts = StackTable(), StackCounts()
    for path, samples in (("/srv/app/a.py", 30), ("/srv/app/pk/beta.py", 70)):
        counts.add(table.thread(1, 1), table.stack([table.frame(Frame("handle", path, 2, 1))]), samples)
    file = tmp_path / "run.pb.gz"
    export.write(replace(FLASK, table=table, counts=counts), file)
    top = go_tool_pprof("-top", file)
    assert re.findall(r"^ +\d+ms +([\d.]+%).*  (\S+)$", top, re.MULTILINE) == [
        ("70.00%", "pk.beta.handle"),
        ("30.00%", "a.handle"),
    ]


def test_labels_are_seen_by_the_tools(tmp_path: Path) -> None:
    """What the program says of its work is a tag in `go tool pprof`, and a profile of its own in speedscope; our own view has both."""
    labelled = replace(FLASK, table=copy.deepcopy(FLASK.table))
    labelled.table.threads = [
        thread._replace(labels=(("req", "fib"),) if index == 1 else ())
        for index, thread in enumerate(FLASK.table.threads)
    ]
    own = sum(samples for (thread, _), samples in FLASK.counts.by_stack.items() if thread == 1)
    pprof, speedscope = tmp_path / "run.pb.gz", tmp_path / "run.speedscope.json"
    export.write(labelled, pprof)
    export.write(labelled, speedscope)

    assert re.search(r"req: Total .*\n +\S+ \( *100%\): fib\n", go_tool_pprof("-tags", pprof))
    [profile] = [profile for profile in seen_by_speedscope(speedscope)["profiles"] if "req=fib" in profile["name"]]
    assert profile["total"] == pytest.approx(own / 250)
    for file in (pprof, speedscope):
        assert ("req", "fib") in {pair for thread in export.read(file).table.threads for pair in thread.labels}


def test_what_go_tool_pprof_writes_can_be_opened(tmp_path: Path) -> None:
    """A profile that went through pprof's own reader and writer has the same samples and lines, under the functions' full names."""
    ours, theirs = tmp_path / "ours.pb.gz", tmp_path / "theirs.pb.gz"
    export.write(FLASK, ours)
    go_tool_pprof("-proto", f"-output={theirs}", ours)

    read = export.read(theirs)

    table = copy.deepcopy(FLASK.table)
    table.functions = [Function(FULL.of(function), function.file) for function in table.functions]
    assert profiles.samples_by_stack(read) == profiles.samples_by_stack(replace(FLASK, table=table))
    assert read.began_at == FLASK.began_at


def test_flamegraph_pl_draws_the_run(tmp_path: Path) -> None:
    """Brendan Gregg's flamegraph.pl draws a box for each function and ignores no line."""
    file = tmp_path / "run.folded"
    export.write(FLASK, file)
    script = debian_package("libdevel-nytprof-perl") / "usr/share/perl5/Devel/NYTProf/flamegraph.pl"

    run = subprocess.run(["perl", script, file], capture_output=True, text=True, check=True, timeout=60)

    assert run.stderr == ""
    assert f"<title>all ({FLASK.counts.total:,} samples, 100%)" in run.stdout
    assert re.search(r"<title>score \(server\.py:9\) \(\d+ samples", run.stdout)
