"""Where shares are not to be trusted, all that shows them says so."""

from __future__ import annotations

import json

from multi_lang_profiler.engine.formats.picture_reader import PictureReader
from multi_lang_profiler.engine.formats.picture_stream import PictureWriter
from multi_lang_profiler.tui.widgets.header import RunHeader
from tests.support.command import Folder
from tests.support.screen import Screen, text_of
from tests.support.snapshots import shop_snapshot

CROWD = """
import os, time
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
for _ in range(9):
    if not os.fork():
        break
while time.process_time() < 0.25:
    sum(range(1_000))
"""
"""Ten processes on one core: each waits nine times as long as it runs."""


def test_a_saturated_machine_is_in_the_summary_of_a_quiet_run(tmp_path):
    """`--quiet` leaves the line out; a script finds it under `doubts`."""
    with Folder(tmp_path) as folder:
        folder.write("crowd.py", CROWD)
        finished = folder.run("python", "crowd.py", "--quiet", "--summary", "json")
    assert finished.status == 0, finished.stderr
    assert "saturated" not in "".join(finished.lines[:-1])
    (doubt,) = json.loads(finished.lines[-1])["doubts"]
    assert doubt.startswith("The machine is saturated")


async def test_the_header_says_so_on_joined_screens_too():
    """The picture that crosses to another process has the reason with it."""
    snapshot = shop_snapshot()
    doubted = snapshot._replace(sampling=snapshot.sampling._replace(doubts=("The machine is saturated",)))
    crossed = PictureReader().snapshot(PictureWriter().line(doubted))
    assert crossed.sampling == doubted.sampling
    for shown, is_said in ((snapshot, False), (crossed, True)):
        screen = Screen(shown)
        async with screen.app.run_test(size=(120, 30)) as pilot:
            await pilot.pause()
            assert ("shares uncertain" in text_of(screen.app.query_one(RunHeader))) is is_said
