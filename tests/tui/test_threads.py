"""The view of threads, live: what keys open, and that it asks the kernel only while it is looked at."""

from __future__ import annotations

from multi_lang_profiler.tui.widgets.thread_table import ThreadTable
from tests.support.screen import Screen, front, text_of


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
