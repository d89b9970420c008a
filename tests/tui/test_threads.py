"""The view of threads, live: what keys open, and that it asks the kernel only while it is looked at."""

from __future__ import annotations

from multi_lang_profiler.engine.analysis.snapshot import ProgramPhase
from multi_lang_profiler.engine.profile.profile import BYTES_HZ
from multi_lang_profiler.tui.widgets.thread_table import ThreadTable
from tests.support.screen import Screen, front, show, text_of
from tests.support.snapshots import shop_snapshot


def shown(screen: Screen) -> list[str]:
    return text_of(screen.app.query_one(ThreadTable)).splitlines()


async def test_threads_and_their_stacks():
    """Enter shows where a thread is, and on a frame its source; `/` looks for names."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert screen.controls.looks == 0
        await pilot.press("0")
        await pilot.pause()
        assert screen.controls.looks
        assert "waitress-" in "".join(shown(screen))
        await pilot.press("slash", *"main", "enter")
        await pilot.pause()
        rows = shown(screen)
        assert "MainThread" in rows[2]
        await pilot.press("down", "enter", "down")
        rows = shown(screen)
        assert "Poll.wait" in rows[3]
        await pilot.press("y")
        assert "waitress/wasyncore.py" in screen.app.clipboard
        await pilot.press("enter")
        await pilot.pause()
        assert front(screen) == "view-2"
        assert screen.controls.asked[-1].endswith("waitress/wasyncore.py")


async def test_the_end_of_a_run_that_is_looked_at() -> None:
    """From then on nothing is said of now."""
    snapshot = shop_snapshot()
    screen = Screen(snapshot)
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("0")
        await pilot.pause()
        assert "CPU%" in shown(screen)[0]
        ended = snapshot.program._replace(phase=ProgramPhase.ENDED, ended_s=snapshot.taken_s, exit_status=0)
        await show(pilot, screen, snapshot._replace(program=ended, taken_s=snapshot.taken_s + 1))
        assert "CPU%" not in shown(screen)[0]
        assert "where it was" in shown(screen)[0]
        assert all("ended" in line for line in shown(screen)[1:4])


async def test_a_file_that_counts_bytes() -> None:
    """No view calls them samples or seconds."""
    snapshot = shop_snapshot()
    program = snapshot.program._replace(phase=ProgramPhase.SAVED, ended_s=None)
    bytes_of = snapshot._replace(program=program, sampling=snapshot.sampling._replace(asked_hz=BYTES_HZ))
    screen = Screen(bytes_of)
    async with screen.app.run_test(size=(120, 40)) as pilot:
        assert "saved profile" in text_of(screen.app.query_one("#header"))
        for key, view in (("0", "amount"), ("3", "k bytes by calls"), ("4", "k bytes by calls"), ("w", "k bytes")):
            await pilot.press(key)
            await pilot.pause()
            front_view = screen.app.query_one(f"#{front(screen)}")
            told = "\n".join(text_of(widget) for widget in front_view.query("TitleLine, ThreadTable") if widget.display)
            assert view in told, told
            assert "k samples" not in told
