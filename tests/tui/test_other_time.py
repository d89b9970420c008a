"""CPU time and wall time on the screen: one key switches what every view counts, and what cannot be told is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multi_lang_profiler.tui.widgets.key_bar import KeyBar
from tests.analysis.test_weights import SECONDS, Run
from tests.support.screen import Screen, show, text_of

if TYPE_CHECKING:
    from multi_lang_profiler.engine.analysis.snapshot import Snapshot

VIEWS = {"1": "Hot functions", "3": "Call tree", "4": "Flame graph", "5": "Timeline", "w": "Sandwich"}


def a_run(mode: str = "cpu") -> Snapshot:
    run = Run(mode)
    run.pass_seconds(SECONDS)
    return run.snapshot()


def header(screen: Screen) -> str:
    return text_of(screen.app._header)


def body(screen: Screen) -> str:
    view = screen.app._in_front
    assert view is not None
    return "\n".join(text_of(child) for child in view.children)


async def test_one_key_switches_every_view() -> None:
    """What waits is in none and then in all of them, and the header says which time it is; an export is of what is shown; again, and all is as before."""
    screen = Screen(a_run())
    async with screen.app.run_test(size=(120, 40)) as pilot:
        for key, name in VIEWS.items():
            await pilot.press(key)
            await pilot.pause()
            assert "cpu time" in header(screen), name
            assert "sleeps" not in body(screen), name
            await pilot.press("W")
            await pilot.pause()
            assert "wall time" in header(screen), name
            assert "sleeps" in body(screen) or key == "w", name
            await pilot.press("W")
            await pilot.pause()
            assert "sleeps" not in body(screen), name
        await pilot.press("1", "W", "e", "enter")
        assert screen.controls.asked[-1].endswith("as wall time")
        # As a picture comes, and with a range of time.
        await show(pilot, screen, a_run()._replace(taken_s=screen.app.snapshot.taken_s + 1))  # type: ignore[union-attr]
        assert "wall time" in header(screen)
        await pilot.press("z", "down", "down", "enter")
        await pilot.pause()
        assert "wall time · range" in header(screen)
        assert "waits" in body(screen)


async def test_the_header_says_it_where_there_is_little_room() -> None:
    """What counts must be seen, on a small terminal and with a range in force."""
    for size in ((80, 24), (60, 12)):
        screen = Screen(a_run())
        async with screen.app.run_test(size=size) as pilot:
            await pilot.press("W")
            await pilot.pause()
            assert "wall time" in header(screen)
            await pilot.press("z", "down", "enter")
            await pilot.pause()
            assert "wall time" in header(screen)


async def test_wall_runs_have_the_key_too() -> None:
    """Of a run that counts wall time it shows CPU time; the footer has the key where both are known."""
    screen = Screen(a_run("wall"))
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert "sleeps" in body(screen)
        assert "CPU/wall" in {key.description for key in screen.app.query_one(KeyBar).shown()}
        await pilot.press("W")
        await pilot.pause()
        assert "cpu time" in header(screen)
        assert "sleeps" not in body(screen)
        assert "works" in body(screen)


async def test_what_is_not_known_is_said() -> None:
    """Of a runtime that tells one time only the key says so, and nothing changes."""
    snapshot = a_run()
    screen = Screen(snapshot._replace(waiting=None, program=snapshot.program._replace(language="Go")))
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("W")
        await pilot.pause()
        assert "cpu time" in header(screen)
        assert any("Go's profiles have CPU time alone" in each.message for each in screen.app._notifications)
        assert "CPU/wall" not in {key.description for key in screen.app.query_one(KeyBar).shown()}
