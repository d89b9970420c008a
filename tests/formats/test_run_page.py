"""`--export run.html`: one page that a browser opens, whoever named the functions; and that gives the run back."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from multi_lang_profiler.engine.formats import files as export
from multi_lang_profiler.engine.formats import page
from multi_lang_profiler.engine.profile.course import Moment
from multi_lang_profiler.engine.profile.history import TimelinePoint
from multi_lang_profiler.engine.profile.recording import Recording
from multi_lang_profiler.engine.profile.stacks import Frame, StackCounts, StackTable
from tests.formats import test_by_time as by_time
from tests.formats.foreign_samples import SAMPLES
from tests.support import profiles, recordings
from tests.support.browser import Browser

NOW = datetime(2026, 11, 24, tzinfo=UTC)
FLASK = recordings.recording("flask_server")
HOSTILE = [
    "</script><script>window.pwned = 1</script>",
    "<img src=x onerror='window.pwned = 1'>",
    "<!-- <script>",
    "a\u2028b\u2029c",
    "nul\0nul",
    "\x1b]0;title\x07",
    "turned \u202egnp.exe",
    "{data} &amp; \\u003c ${window.pwned = 1} `",
    "\"quoted\" 'twice' \\",
    "ünïcödé 名前 🐍",
]
PARTS = Path(page.__file__).parent / "page_parts"


def hostile(folder: Path) -> Recording:
    """A run whose every name, file, thread, label, mark and source tries to get out."""
    table, counts = StackTable(), StackCounts()
    for number, name in enumerate(HOSTILE):
        thread = table.thread(1, 10 + number, name, ((name, name),))
        frames = [
            table.frame(Frame("main", f"{folder}/app.py", 1, 1)),
            table.frame(Frame(name, f"{folder}/{name[:20]}.py", 2, 1)),
        ]
        counts.add(thread, table.stack(frames), 10 + number)
    points = tuple(TimelinePoint(float(at), 1.0, 0.5, 1, {at: 1}) for at in range(len(HOSTILE)))
    (folder / "app.py").write_text("\n".join(["def main():", *HOSTILE]))
    return replace(
        FLASK,
        table=table,
        counts=counts,
        source_file=HOSTILE[0],
        working_folder=str(folder),
        labels=((HOSTILE[0], HOSTILE[1]),),
        timeline=points,
        marks=tuple(Moment(name, float(at)) for at, name in enumerate(HOSTILE)),
    )


def shown(name: str) -> str:
    """What no reader would see stands there as its number."""
    return re.sub("[\0\x07\x1b\u2028\u2029\u202e]", lambda found: f"\\u{{{ord(found[0]):x}}}", name)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


def cells(browser: Browser, table: str, column: int) -> list[str]:
    rows = f"[...document.querySelectorAll('#{table} tbody tr')]"
    found: list[str] = browser.run(f"{rows}.map(row => row.cells[{column}].textContent)")
    return found


def test_no_name_gets_out(browser: Browser, tmp_path: Path) -> None:
    """Names that end scripts, begin tags, turn text round or hold NUL are text; nothing runs, nothing is fetched, nothing is said."""
    file = tmp_path / "run.html"
    recording = hostile(tmp_path)
    export.write(recording, file, (tmp_path / "</script>before.json", FLASK))

    browser.open(file)

    assert browser.run("window.pwned") is None
    assert browser.said == []
    assert set(cells(browser, "functions-table", 3)) == {"main", *map(shown, HOSTILE)}
    assert browser.run("document.querySelectorAll('script, img, iframe').length") == 3
    assert browser.run("document.title") == HOSTILE[0]
    source = browser.run("[...document.querySelectorAll('#source-table td.text')].map(cell => cell.textContent)")
    assert source == ["def main():", *map(shown, HOSTILE)]
    marks = browser.run("[...document.querySelectorAll('#marks li')].map(mark => mark.textContent)")
    assert [mark.split(", ")[0].removeprefix("▏ ") for mark in marks] == list(map(shown, HOSTILE))
    assert profiles.samples_by_stack(export.read(file)) == profiles.samples_by_stack(recording)


def test_it_shows_the_run(browser: Browser, tmp_path: Path) -> None:
    """Functions with their shares as the summary has them; search, zoom and keys in the flame graph; a stretch of the timeline."""
    file = tmp_path / "run.html"
    points = tuple(TimelinePoint(float(at), 1.0, 1.0, 100, {at % 2: 100}) for at in range(10))
    export.write(replace(FLASK, timeline=points, marks=(Moment("load", 4.0),)), file)
    browser.open(file)

    hottest = profiles.self_samples(FLASK).most_common(5)
    assert cells(browser, "functions-table", 3)[:5] == [name for (name, _), _ in hottest]
    wanted = [f"{100 * samples / FLASK.counts.total:.1f}%" for _, samples in hottest]
    assert cells(browser, "functions-table", 0)[:5] == wanted

    frames = "document.querySelectorAll('g.frame:not(.fade)').length"
    whole = browser.run(frames)
    browser.run("document.getElementById('flame-search').focus()")
    browser.press(*"[Server.py:9")
    assert browser.run("document.getElementById('flame-found').textContent") == "0 found, 0.0% of the time"
    browser.run("document.getElementById('flame-search').value = ''")
    browser.press(*"SERVER.PY:9")
    assert browser.run("document.getElementById('flame-found').textContent").endswith("of the time")
    assert browser.run("document.querySelectorAll('g.hit').length") > 1

    browser.run("document.getElementById('flame-chart').focus()")
    browser.press("ArrowDown", "ArrowRight", "ArrowDown")
    assert browser.run("document.getElementById('flame-told').textContent").startswith("serve, ")
    browser.press("Enter")
    assert 1 < browser.run(frames) < whole
    browser.press("Escape")
    assert browser.run(frames) == whole
    browser.click("g.frame[name='Thread.run']")
    assert 1 < browser.run(frames) < whole
    browser.click("#flame-reset")
    assert browser.run(frames) == whole

    browser.run("[...'24'].forEach((at, n) => document.getElementById(['range-from', 'range-to'][n]).value = at)")
    browser.run("document.getElementById('range-to').onchange()")
    assert cells(browser, "range-table", 0) == ["50.0%", "50.0%"]
    browser.run("document.getElementById('thread').value = '0'; document.getElementById('thread').onchange()")
    assert browser.run("document.querySelectorAll('g.frame').length") < whole
    assert browser.said == []


def test_a_range_counts_everywhere(browser: Browser, tmp_path: Path) -> None:
    """Dragged over or typed, a stretch of time is what functions, flame graph and source count, of the threads chosen; then the whole run again."""
    file = tmp_path / "run.html"
    (tmp_path / "a.py").write_text("def f():\n    pass\n")
    run = by_time.run(str(tmp_path))
    points = tuple(TimelinePoint(float(at), 1.0, 1.0, 100, {0: 100}) for at in range(3))
    export.write(replace(run, timeline=points), file)
    browser.open(file)
    whole = cells(browser, "functions-table", 3)
    frames = "document.querySelectorAll('g.frame').length"
    assert (set(whole), browser.run(frames)) == ({"main", "one", "other", "load"}, 5)
    told = "document.getElementById('range-told').textContent"

    browser.run("[1.2, 1.9].forEach((at, n) => document.getElementById(['range-from', 'range-to'][n]).value = at)")
    browser.run("document.getElementById('range-to').onchange()")
    assert browser.run(told) == "Counted: 1.0 to 2.0 s"
    assert (cells(browser, "functions-table", 3), cells(browser, "functions-table", 0)) == (["load"], ["100.0%"])
    assert browser.run(frames) == 2
    assert set(cells(browser, "source-table", 0)) == {""}

    browser.run(
        "(() => { const box = document.querySelector('#timeline-chart svg').getBoundingClientRect();"
        " const at = (part) => ({clientX: box.left + part * box.width, pointerId: 1});"
        " const picture = document.querySelector('#timeline-chart svg'); picture.setPointerCapture = () => {};"
        " picture.onpointerdown(at(0.05)); picture.onpointermove(at(0.2)); picture.onpointerup(at(0.3)); })()"
    )
    assert browser.run(told) == "Counted: 0.0 to 1.0 s"
    assert dict(zip(cells(browser, "functions-table", 3), cells(browser, "functions-table", 0), strict=True)) == {
        "one": "60.0%",
        "other": "40.0%",
        "main": "0.0%",
    }
    assert "100.0%" in cells(browser, "source-table", 0)
    browser.click("#range-none")
    assert (browser.run(told), browser.run(frames), cells(browser, "functions-table", 3)) == ("", 5, whole)
    assert browser.said == []
    assert [sum(each.samples) for each in export.read(file).slices] == [100, 50, 100]


def test_it_is_for_every_reader(browser: Browser, tmp_path: Path) -> None:
    """Light and dark as the system has it, no wider than a narrow window, every control with a name, frames for screen readers."""
    file = tmp_path / "run.html"
    export.write(FLASK, file)
    back = "getComputedStyle(document.documentElement).backgroundColor"
    browser.open(file, dark=True)
    dark = browser.run(back)
    browser.click("#theme")
    other = browser.run(back)
    browser.open(file, width=360)
    assert (browser.run(back), dark) == (other, "rgb(14, 18, 23)")
    assert browser.run("document.documentElement.scrollWidth") <= 360
    told = browser.accessible()
    controls = {"button", "combobox", "textbox", "searchbox", "checkbox", "spinbutton", "link", "treeitem", "tree"}
    assert [each for each in told if each[0] in controls and not each[1].strip()] == []
    assert any(role == "treeitem" and re.match(r"poll, .*: 3\d\.\d% of the time, ", name) for role, name in told)
    assert browser.run("document.documentElement.lang") == "en"


def test_a_comparison(browser: Browser, tmp_path: Path) -> None:
    """Of two runs the page tells what changed, as the screen does."""
    file, older = tmp_path / "run.html", tmp_path / "older.folded"
    older.write_text("main;kept 500\nmain;dropped 500\n")
    newer = export.loads(b"main;kept 500\nmain;added 500\n", NOW)
    export.write(newer, file, (older, export.read(older)))
    browser.open(file)
    assert sorted(zip(*(cells(browser, "diff-table", column) for column in (4, 0, 1, 2, 6)), strict=True)) == [
        ("added", "–", "50.0%", "+50.0", "new"),
        ("dropped", "50.0%", "–", "-50.0", "gone"),
    ]
    assert "older.folded against this run" in browser.run("document.getElementById('diff-told').textContent")


def test_own_sources_go_along(tmp_path: Path) -> None:
    """The program's own files are in it, no library's and no other's, and bounded; they are there when the page is opened elsewhere."""
    table, counts = StackTable(), StackCounts()
    names = ("app.py", "lib/big.py", "node_modules/x/x.js", "secret.txt", "gone.py")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n")
        frame = table.frame(Frame("f", f"{tmp_path}/{name}", 1, 1))
        counts.add(table.thread(1, 1), table.stack([frame]), 5)
    counts.add(table.thread(1, 1), table.stack([table.frame(Frame("g", "/etc/passwd.py", 1))]), 5)
    (tmp_path / "gone.py").unlink()
    (tmp_path / "lib/big.py").write_text("x" * 400_000)
    recording = replace(FLASK, table=table, counts=counts, working_folder=str(tmp_path))

    content = page.dumps(recording)
    (tmp_path / "app.py").unlink()

    again = export.loads(content, NOW)
    assert dict(again.sources) == {f"{tmp_path}/app.py": "# app.py\n"}
    assert dict(export.loads(page.dumps(again), NOW).sources) == dict(again.sources)


def test_it_is_small_and_brings_all_along() -> None:
    """Less than 400 KB beside the run's data; nothing of another host is named in what runs; the libraries' licences are in it."""
    content = page.dumps(FLASK)
    data = re.search(rb'id="run">(.*?)</script>', content, re.DOTALL)
    assert data
    assert len(content) - len(data[1]) < 400_000
    assert json.loads(data[1])["run"]["multi_lang_profiler"]["language"] == "Python"
    text = content.decode()
    assert "Apache License" in text
    assert "Copyright 2010-2026 Mike Bostock" in text
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", text)
    assert "default-src 'none'" in text


def test_the_library_is_the_one_that_was_built() -> None:
    """`python -m tests.vendored` makes it from npm's packages, whose checksums are in the lock; this is its own."""
    wanted = (Path(__file__).parents[1] / "vendored" / "flamegraph.sha256").read_text().split()[0]
    assert hashlib.sha256((PARTS / "flamegraph.min.js").read_bytes()).hexdigest() == wanted


def test_another_page_is_refused() -> None:
    """A page that is not a run's, and one that was cut: one line."""
    with pytest.raises(ValueError, match="a page, but not one of a run"):
        export.loads(b"<!DOCTYPE html><title>news</title>", NOW)
    with pytest.raises(ValueError, match="a page, but not one of a run"):
        export.loads(page.dumps(FLASK)[:20_000], NOW)


def test_a_heap_is_told_in_bytes(browser: Browser, tmp_path: Path) -> None:
    """What counts no time has no seconds, samples or Hz on its page."""
    file = tmp_path / "heap.html"
    export.write(export.loads(SAMPLES["heapprofile"](), NOW), file)
    browser.open(file)
    facts = browser.run("document.getElementById('facts').textContent")
    assert facts.endswith(" UTC · heap in use")
    assert "Of 4,000 bytes." in browser.run("document.querySelector('#functions-table caption').textContent")
    told = browser.run("[...document.querySelectorAll('g.frame')].map(frame => frame.getAttribute('aria-label'))")
    assert "leak, /app/a b.js:7: 75.0% of all, 3,000 bytes" in told
    assert browser.said == []
