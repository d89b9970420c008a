"""The sandwich: callers, callees and hottest lines of the function that was looked at, from every view, by one key."""

from __future__ import annotations

import pytest

from multi_lang_profiler.tui.widgets.line_table import LineTable
from multi_lang_profiler.tui.widgets.sandwich import SandwichView
from multi_lang_profiler.tui.widgets.tree_table import TreeTable
from tests.support.screen import Screen, front, show, text_of
from tests.support.snapshots import FOLDER, SERVER_TEXT, shop_snapshot


def panes(screen: Screen) -> tuple[str, str, str]:
    """Callers, callees and lines."""
    view = screen.app.query_one(SandwichView)
    callers, callees = view.query(TreeTable)
    return text_of(callers), text_of(callees), text_of(view.query_one(LineTable))


def middle(screen: Screen) -> str:
    return text_of(screen.app.query_one(SandwichView).children[0]).split()[0]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_one_function_in_the_middle(size: tuple[int, int]) -> None:
    """Who called it by which ways, what it called, its lines with their text; shares are of its own samples."""
    screen = Screen()
    async with screen.app.run_test(size=size) as pilot:
        table = shop_snapshot().table
        search = next(at for at, known in enumerate(table.functions) if known.name == "search")
        screen.app._views["1"].function_selected(search)
        await pilot.press("w")
        await pilot.pause()
        assert front(screen) == "view-w"
        await show(pilot, screen, shop_snapshot()._replace(sources={f"{FOLDER}/server.py": SERVER_TEXT}))
        callers, callees, lines = panes(screen)
        assert middle(screen) == "search"
        assert "full_dispat" in callers
        assert "score_products" not in callers
        assert "score_products" in callees
        assert "Flask" not in callees
        assert "100" in callers.splitlines()[1]
        assert " 63 " in lines


@pytest.mark.parametrize("view", ["1", "3", "4", "5"])
async def test_from_every_view_by_one_key(view: str) -> None:
    """w takes the function under the cursor, moved or not; Backspace leads back to where one was."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await pilot.press(view, *["down"] * (view == "4"))
        await pilot.pause()
        here = screen.app._views[view].function_here()
        await pilot.press("w")
        await pilot.pause()
        assert screen.app.query_one(SandwichView)._function == here is not None
        await pilot.press("backspace")
        await pilot.pause()
        assert front(screen) == f"view-{view}"


async def test_from_a_line_of_the_source() -> None:
    """The function that runs in the line under the cursor."""
    screen = Screen(shop_snapshot()._replace(sources={f"{FOLDER}/server.py": SERVER_TEXT}))
    async with screen.app.run_test(size=(120, 40)) as pilot:
        screen.app.open_source(f"{FOLDER}/server.py", 63)
        await pilot.pause()
        await pilot.press("w")
        await pilot.pause()
        assert middle(screen) == "search"


async def test_walking_from_function_to_function() -> None:
    """Enter on a callee puts it in the middle, Backspace comes back; Tab goes to the callers and the lines; Enter on a line opens it."""
    screen = Screen(shop_snapshot()._replace(sources={f"{FOLDER}/server.py": SERVER_TEXT}))
    async with screen.app.run_test(size=(120, 40)) as pilot:
        screen.app.open_source(f"{FOLDER}/server.py", 63)
        await pilot.pause()
        await pilot.press("w")
        await pilot.press("down", "enter")
        await pilot.pause()
        assert middle(screen) == "score_products"
        await pilot.press("backspace")
        await pilot.pause()
        assert middle(screen) == "search"
        await pilot.press("tab", "enter")
        await pilot.pause()
        assert front(screen) == "view-2"
