"""What the app's keys ask of the engine, and the ways to leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.tui.widgets.function_table import FunctionTable
from multi_lang_profiler.tui.widgets.quit_dialog import QuitDialog, RestartDialog
from tests.support.screen import Screen, show, text_of
from tests.support.snapshots import (
    ended,
    reporter_off,
    shop_snapshot,
)

if TYPE_CHECKING:
    pass

SIZES = [(80, 24), (120, 40), (200, 50), (20, 5), (1, 1)]


def names(screen: Screen) -> list[str]:
    """The functions in the table, from the top."""
    table = screen.app.query_one(FunctionTable)
    return [table.row(key).name for key in table._keys]


def header(screen: Screen) -> str:
    return text_of(screen.app.query_one("#header"))


async def test_commands_reach_the_engine() -> None:
    """Mark, named mark, send now, restart and export are asked of the engine, each by its key."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("m", "M", *"rush", "enter", "S", "R", "R", "e", "enter")
        assert screen.controls.asked == [
            "mark",
            "mark rush",
            "send now",
            "restart",
            "export /home/ada/shop/profile.speedscope.json",
        ]


async def test_copy_place() -> None:
    """`y` puts path and line of the function under the cursor on the clipboard."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("y")
        assert screen.app.clipboard == "/home/ada/shop/shop/search.py:88"


async def test_send_now_only_while_reporting() -> None:
    """Without a reporter there is nothing to send: the key is dead and not offered, and the strip is not there."""
    screen = Screen(shop_snapshot()._replace(reporter=reporter_off()))
    async with screen.app.run_test(size=(120, 30)) as pilot:
        await pilot.press("S")
        assert screen.controls.asked == []
        assert not screen.app.query_one("#reporter-strip").display
        await pilot.press("7")
        await pilot.pause()
        assert "Reporting is off" in text_of(screen.app.query_one("#empty"))


async def test_quit_asks_while_the_program_runs() -> None:
    """`q` asks first; Escape goes on; confirmed, the program is told to end and the screen waits for the last report."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
        assert isinstance(screen.app.screen, QuitDialog)
        await pilot.press("escape")
        assert screen.controls.asked == []
        await pilot.press("q", "y")
        assert screen.controls.asked == ["stop"]
        assert "stopping" in header(screen)
        over = ended(shop_snapshot(), exit_status=143)
        await show(pilot, screen, over._replace(reporter=shop_snapshot().reporter))
        assert screen.app.is_running
        await show(pilot, screen, over)
    assert screen.app._exit


async def test_restart_asks_while_the_program_runs() -> None:
    """`R` asks first; Escape and what means leaving go on; confirmed, or once the program has ended, it is started again."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        for goes_on in ("escape", "n", "ctrl+c"):
            await pilot.press("R")
            assert isinstance(screen.app.screen, RestartDialog)
            await pilot.press(goes_on)
            assert not isinstance(screen.app.screen, RestartDialog)
            assert screen.controls.asked == []
        await pilot.press("R", "enter")
        assert screen.controls.asked == ["restart"]
        await show(pilot, screen, ended(shop_snapshot(), exit_status=1))
        await pilot.press("R")
        assert screen.controls.asked == ["restart"] * 2


@pytest.mark.parametrize("keys", [["q", "q"], ["ctrl+c", "ctrl+c"], ["q", "enter"], ["ctrl+c", "y"]])
async def test_ways_to_stop(keys: list[str]) -> None:
    """Ctrl+C asks like `q`; either key twice, Enter or `y` confirm; the next one leaves without waiting."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        assert screen.controls.asked == ["stop"]
        await pilot.press("q")
    assert screen.app._exit


async def test_ended_program_stays_on_the_screen() -> None:
    """When the program ends the numbers stay, the header tells the exit status, and `q` leaves at once."""
    screen = Screen(ended(shop_snapshot(), exit_status=137))
    async with screen.app.run_test(size=(80, 24)) as pilot:
        assert "exited 137 (SIGKILL) after 3m 07s" in header(screen)
        assert names(screen)[0] == "levenshtein"
        screen.clock.at_s += 500
        screen.app.poll()
        assert "exited 137 (SIGKILL) after 3m 07s" in header(screen)
        await pilot.press("q")
    assert screen.app._exit


async def test_told_to_leave_by_a_signal() -> None:
    """When a signal told the agent to end, the screen goes as soon as the run is over, without being asked."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        screen.controls.leaving = True
        screen.app.poll()
        assert screen.app.is_running
        await show(pilot, screen, ended(shop_snapshot(), exit_status=143))
    assert screen.app._exit


async def test_another_ending_may_be_typed() -> None:
    """What is typed takes the place of the name before the ending that is offered; an ending among it is meant."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        for typed in ("run.html", "a.b"):
            await pilot.press("e", *typed, "enter")
            await pilot.pause()
        assert screen.controls.asked == [
            "export /home/ada/shop/run.html",
            "export /home/ada/shop/a.b.speedscope.json",
        ]
