"""What stands on the terminal is what Textual would draw there, whoever has drawn it."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from multi_lang_profiler.tui.app import ProfilerApp
from tests.support.screen import Screen
from tests.support.snapshots import hostile_snapshot, reporter_off, shop_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from multi_lang_profiler.engine.analysis.snapshot import Snapshot

_TOKEN = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|([^\x1b])", re.DOTALL)


class Cells:
    """A terminal's cells, each with its colours; knows what Textual and we send: places, colours, text, new lines."""

    def __init__(self) -> None:
        self.shown: dict[tuple[int, int], tuple[str, str]] = {}

    def feed(self, sent: str) -> None:
        row = column = 0
        colours = ""
        for parameters, final, character in _TOKEN.findall(sent):
            if final == "H":
                row, column = (int(number) - 1 for number in parameters.split(";"))
            elif final == "m":
                colours = parameters if parameters != "0" else ""
            elif character == "\n":
                row, column = row + 1, 0
            elif character:
                width = cell_len(character)
                for behind in range(width):
                    self.shown[row, column + behind] = ("" if behind else character, colours)
                column += width


def drawn_anew(screen: Screen) -> Cells:
    cells, console = Cells(), screen.app.console
    for row, strip in enumerate(screen.app.screen._compositor.render_strips()):
        cells.feed(f"\x1b[{row + 1};1H{strip.render(console)}")
    return cells


def grown(snapshot: Snapshot, dice: random.Random) -> Snapshot:
    """A second later: some stacks have more samples."""
    counts, own, total = snapshot.counts.copy(), {**snapshot.self_samples}, {**snapshot.total_samples}
    for thread, stack in dice.sample(list(counts.by_stack), min(3, len(counts.by_stack))):
        weight = dice.randrange(1, 200)
        counts.add(thread, stack, weight)
        leaf = snapshot.table.leaves[stack]
        own[leaf] = own.get(leaf, 0) + weight
        total[leaf] = total.get(leaf, 0) + weight
    return snapshot._replace(counts=counts, self_samples=own, total_samples=total, taken_s=snapshot.taken_s + 1)


@pytest.mark.parametrize(
    ("made", "size"), [(shop_snapshot, (200, 50)), (hostile_snapshot, (80, 24)), (shop_snapshot, (60, 15))]
)
async def test_frames_leave_what_textual_would_draw(
    made: Callable[[], Snapshot], size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through growing samples, other views, a cursor that moves, notifications, dialogs and a resize: each cell and its colours; most frames in one piece."""
    monkeypatch.setattr(ProfilerApp, "is_headless", False)
    snapshot, dice, cells, sent = made()._replace(reporter=reporter_off()), random.Random(1), Cells(), list[str]()
    screen = Screen(snapshot)
    app = screen.app
    async with app.run_test(size=size, notifications=True) as pilot:
        assert app._driver is not None
        monkeypatch.setattr(app._driver, "write", sent.append)
        app.refresh()
        await pilot.pause()

        async def frame() -> int:
            """How many pieces were sent."""
            nonlocal snapshot
            screen.controls.current = snapshot = grown(snapshot, dice)
            screen.clock.at_s += 1
            app._next_show_s = 0.0
            app._poll_on()
            await pilot.pause()
            pieces = len(sent)
            cells.feed("".join(sent))
            sent.clear()
            assert cells.shown == drawn_anew(screen).shown
            return pieces

        await frame()
        assert [await frame() for _ in range(4)] == [1] * 4, "each went straight to the terminal, in one piece"
        for keys in (
            ["down", "down"],
            ["4"],
            ["3"],
            ["5"],
            ["0"],
            ["6"],
            ["8"],
            ["9"],
            ["w"],
            ["1", "end"],
            ["p"],
            ["p"],
        ):
            await pilot.press(*keys)
            await frame()
        app.notify("Something lies over the table", timeout=60)
        await pilot.pause()
        for _ in range(2):
            await frame()
        await pilot.press("q")
        for _ in range(2):
            await frame()
        await pilot.press("escape", "2", "1")
        for _ in range(2):
            await frame()
