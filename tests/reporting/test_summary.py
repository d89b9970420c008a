"""The end of a run accounts for every profile, in text, as JSON and on the screen."""

from __future__ import annotations

import json
import re
from pathlib import Path

from multi_lang_profiler.engine.analysis.snapshot import ReporterPhase, ReporterState
from multi_lang_profiler.tui import themes
from multi_lang_profiler.tui.palette import make_palette
from multi_lang_profiler.tui.reporter_lines import totals
from tests.support.command import Folder, finish

BUSY = "import time\nend = time.time() + 1.3\nwhile time.time() < end:\n    sum(range(1000))\n"


def test_what_neither_backend_nor_disk_took_is_lost(tmp_path: Path) -> None:
    """Without a backend, and with a spool that nobody can make, the numbers still add up to the profiles accepted."""
    with Folder(tmp_path) as folder:
        folder.write("busy.py", BUSY)
        words = ("python", "busy.py", "--no-tui", "--report-endpoint", "http://127.0.0.1:9/", "--report-interval", "1")
        spools = (("/proc/self/spool", True), ("spool", False), ("other", False))
        # They mostly wait for the next attempt.
        agents = [folder.start(*words, "--spool", spool) for spool, _ in spools[:2]]
        agents += [folder.start(*words, "--spool", spool, "--summary", "json") for spool, _ in spools[::2]]
        texts, reports = (list(map(finish, some)) for some in (agents[:2], agents[2:]))
        for (_, lost), text, told_as_json in zip(spools[:2], texts, reports, strict=True):
            found = re.search(
                r"Reports: 0 delivered, 0 discarded, (\d) kept on disk(?:, (\d) lost)?$", text.stderr, re.MULTILINE
            )
            assert found, text.stderr
            kept, gone = int(found[1]), int(found[2] or 0)
            assert kept + gone >= 1
            assert (kept == 0) is lost
            assert f"({gone} lost: " in text.stderr if lost else f"({kept} kept on disk" in text.stderr
            report = json.loads(told_as_json.lines[-1])["reports"]
            told = report["delivered"] + report["discarded"] + report["kept_on_disk"] + report["lost"]
            assert report["accepted"] == told >= 1
            assert (report["lost"] > 0) is lost


def test_the_screen_says_so_too() -> None:
    """View 7 tells what was set aside and what is lost, where something was."""
    state = ReporterState(ReporterPhase.STOPPED, accepted=6, delivered=3, set_aside=2, lost=1, spooled=0)
    rows = {label: segment.text for label, segment in totals(state, make_palette(themes.DARK))}
    assert (rows["set aside"], rows["lost"]) == ("2", "1")
    assert state.kept_on_disk == 2
    quiet = {
        label
        for label, _ in totals(ReporterState(ReporterPhase.WAITING, accepted=3, delivered=3), make_palette(themes.DARK))
    }
    assert not quiet & {"set aside", "lost"}
