"""The table stays calm: rows known by key, few cells redrawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.app import App

from multi_lang_profiler.tui import themes
from multi_lang_profiler.tui.frame import Frame
from multi_lang_profiler.tui.palette import make_palette
from multi_lang_profiler.tui.text import fit
from multi_lang_profiler.tui.widgets.table import Column, Table
from tests.support.screen import text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.app import ComposeResult
    from textual.geometry import Region


class Numbers(Table[int]):
    """Shows its keys, and how often each was counted."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: dict[int, int] = {}
        self.drawn = 0
        self.refreshed: list[Region] = []

    def columns(self, width: int) -> Sequence[Column[int]]:
        return [
            Column("key", "key", 8, self._draw_key),
            Column("count", "count", width - 12, self._draw_count, "right"),
        ]

    def row(self, key: int) -> int:
        self.drawn += 1
        return key

    def refresh(self, *regions: Region, **options: bool) -> Numbers:
        self.refreshed.extend(regions)
        return super().refresh(*regions, **options)

    def _draw_key(self, key: int, width: int) -> Iterable[Segment]:
        yield Segment(fit(f"row {key}", width))

    def _draw_count(self, key: int, width: int) -> Iterable[Segment]:
        yield Segment(str(self.counted.get(key, 0)).rjust(width))


class TableApp(App[None]):
    CSS = "Numbers { height: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }"
    palette = make_palette(themes.DARK)

    def __init__(self) -> None:
        super().__init__()
        self.frame = Frame(self)
        self.heard: list[str] = []

    def compose(self) -> ComposeResult:
        yield Numbers()

    def on_table_chosen(self, event: Table.Chosen) -> None:
        self.heard.append(f"chosen {event.key}")

    def on_table_sort_asked(self, event: Table.SortAsked) -> None:
        self.heard.append(f"sort {event.column}")


async def test_only_visible_rows_are_drawn() -> None:
    """Of a hundred thousand rows those on the screen are drawn, and no other is looked at."""
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        table = app.query_one(Numbers)
        table.drawn = 0
        table.show(range(100_000))
        await pilot.pause()
        assert table.drawn < 40
        assert text_of(table).splitlines()[1].split() == ["row", "0", "0"]


async def test_only_changed_cells_are_redrawn() -> None:
    """A number that changes redraws the cells of its line from where they differ; nothing new redraws nothing."""
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        table = app.query_one(Numbers)
        table.show(range(8))
        await pilot.pause()
        table.refreshed.clear()
        table.show(range(8))
        assert table.refreshed == []
        table.counted[3] = 7
        table.show(range(8))
        (region,) = table.refreshed
        assert (region.y, region.height) == (4, 1)
        assert region.x >= 9


async def test_cursor_follows_its_row() -> None:
    """Once moved, the cursor stays on its key while the order changes; before that it stays on the top row."""
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        table = app.query_one(Numbers)
        table.focus()
        table.show([1, 2, 3, 4])
        table.show([4, 1, 2, 3])
        assert table.cursor_key == 4
        await pilot.press("down", "down")
        assert table.cursor_key == 2
        table.show([2, 4, 3, 1])
        assert table.cursor_key == 2
        await pilot.press("home")
        table.show([3, 2, 4, 1])
        assert table.cursor_key == 3


async def test_cursor_keeps_its_line_deep_in_the_table() -> None:
    """Deep in the table the row under the cursor keeps its line on the screen when others overtake it."""
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        table = app.query_one(Numbers)
        table.focus()
        table.show(range(100))
        await pilot.press("pagedown", "pagedown", "pagedown")
        key = table.cursor_key
        line = next(i for i, text in enumerate(text_of(table).splitlines()) if text.split()[1:2] == [str(key)])
        table.show([*range(100, 105), *range(100)])
        await pilot.pause()
        assert table.cursor_key == key
        assert text_of(table).splitlines()[line].split()[1] == str(key)


async def test_row_that_vanishes() -> None:
    """When the cursor's row is filtered out, the cursor stays near; an empty table has none."""
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        table = app.query_one(Numbers)
        table.focus()
        table.show(range(10))
        await pilot.press("down", "down", "down")
        table.show([0, 1])
        assert table.cursor_key == 1
        table.show([])
        assert table.cursor_key is None
        await pilot.press("down", "enter", "end")
        table.show(range(10))
        assert table.cursor_key == 3


async def test_mouse() -> None:
    """A click takes the cursor to a row, a second one opens it, one on a title asks for its order."""
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        table = app.query_one(Numbers)
        table.show(range(5))
        await pilot.click(table, offset=(5, 3))
        assert table.cursor_key == 2
        await pilot.click(table, offset=(5, 4), times=2)
        await pilot.click(table, offset=(20, 0))
        assert app.heard == ["chosen 3", "sort count"]


async def test_new_rows_lay_nothing_out() -> None:
    """In the first minutes each picture has some: the screen is laid out anew only where a scroll bar comes or goes."""
    app = TableApp()
    async with app.run_test(size=(40, 12)) as pilot:
        table = app.query_one(Numbers)
        layouts: list[bool] = []
        app.screen.screen_layout_refresh_signal.subscribe(table, lambda _screen: layouts.append(True))
        for rows, is_laid_out in ((5, True), (8, False), (50, True), (80, False), (30, True)):
            table.show(range(rows))
            await pilot.pause()
            assert (rows, bool(layouts)) == (rows, is_laid_out)
            while layouts:
                # A scroll bar that comes takes more than one.
                layouts.clear()
                await pilot.pause(0.15)
        table.show(range(80))
        await pilot.pause()
        await pilot.press("end")
        await pilot.pause()
        assert "row 79" in text_of(table)
        assert table.vertical_scrollbar.window_virtual_size == 81
