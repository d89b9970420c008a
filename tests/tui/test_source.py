"""The source view: which file it opens, which line, what each line took, and every key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.sources.sources import NO_TEXT
from multi_lang_profiler.tui.highlight import Kind, coloured_lines, plain_lines
from multi_lang_profiler.tui.widgets.source_table import SourceTable
from tests.support.screen import Screen, show, text_of
from tests.support.snapshots import FOLDER, SERVER_TEXT, STDLIB, hostile_snapshot, shop_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

    from multi_lang_profiler.engine.analysis.snapshot import Snapshot

    SnapCompare = Callable[..., bool]

SERVER, SEARCH = f"{FOLDER}/server.py", f"{FOLDER}/shop/search.py"
SEARCH_TEXT = "\n".join(f"line_{number} = {number}" for number in range(1, 131))


def table(screen: Screen) -> SourceTable:
    return screen.app.query_one(SourceTable)


def title(screen: Screen) -> str:
    return text_of(screen.app.query_one("#view-2").children[0])


def line_of(screen: Screen, number: int) -> str:
    return next(line for line in text_of(table(screen)).splitlines() if f" {number} " in line)


def with_search(snapshot: Snapshot | None = None) -> Snapshot:
    snapshot = snapshot or shop_snapshot()
    return snapshot._replace(sources={**snapshot.sources, SEARCH: SEARCH_TEXT})


async def open_levenshtein(pilot: Pilot[None], screen: Screen) -> None:
    """Enter on the hottest function, whose text then comes."""
    await pilot.press("home", "enter")
    await show(pilot, screen, with_search(screen.controls.current))


async def test_own_file_first() -> None:
    """Without a selection it opens the program's own file at its hottest function, with each line's shares."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 110)) as pilot:
        await pilot.press("2")
        await pilot.pause()
        assert screen.controls.asked == [f"open source {SERVER}"]
        assert title(screen).strip().startswith("server.py   ")
        assert line_of(screen, 63).split()[:3] == ["53.2", "63", "found"]
        assert line_of(screen, 41).split()[:4] == ["0.1", "▏", "2.5", "41"]
        assert table(screen).cursor_key == 1


async def test_opens_the_function_chosen() -> None:
    """Enter on a function asks the engine for its text, says so, and puts the cursor where the function begins."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 40)) as pilot:
        await pilot.press("home", "enter")
        assert f"open source {SEARCH}" in screen.controls.asked
        assert "opening" in title(screen)
        await show(pilot, screen, with_search())
        assert table(screen).cursor_key == 88
        assert "shop/search.py   130 lines" in title(screen)
        assert line_of(screen, 102).split()[:3] == ["27.0", "█▋", "27.0"]
        assert "44.4% of all self time" in title(screen)


async def test_without_its_text() -> None:
    """Of a file that is not here it is said why, and the lines that took time stand there by their numbers."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("home", "enter")
        why = "part of the Java runtime; no source file of it is here"
        await show(pilot, screen, shop_snapshot()._replace(sources={SEARCH: f"{NO_TEXT}{why}"}))
        assert text_of(screen.app.query_one("#source-why")).strip() == why
        assert "line" not in title(screen)
        assert ["27.0", "█▋", "27.0", "102"] in [line.split() for line in text_of(table(screen)).splitlines()]
        assert table(screen).virtual_size.height < 10
        await pilot.press("h")
        assert table(screen).cursor_key == 102


async def test_follows_the_shared_selection() -> None:
    """What is chosen in another view is shown when the source comes to the front, at any later time too."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "1", "down", "2")
        assert screen.controls.asked[-1] == f"open source {STDLIB}/hashlib.py"
        await pilot.press("1", "up", "2")
        await show(pilot, screen, with_search())
        assert table(screen).cursor_key == 88
        await pilot.press("down", "down", "1", "2")
        assert table(screen).cursor_key == 90


async def test_a_place_that_was_asked_for_wins() -> None:
    """A line asked for by path stays in view although another function is selected."""
    screen = Screen(with_search())
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        screen.app.open_source(SEARCH, 47)
        await pilot.pause()
        assert table(screen).cursor_key == 47


async def test_hot_lines() -> None:
    """`h` goes to the hottest line, `n` and `N` from hot to cold and back."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await open_levenshtein(pilot, screen)
        walked = []
        for key in ("h", "n", "n", "N", "n", "n", "n", "n"):
            await pilot.press(key)
            walked.append(table(screen).cursor_key)
        assert walked == [102, 47, 19, 47, 19, 19, 19, 19]


async def test_search() -> None:
    """`/` goes to the next line that holds the text, around the end; capitals matter where it has some."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "slash", *"e_page", "enter")
        assert table(screen).cursor_key == 67
        await pilot.press("slash", "enter")
        assert table(screen).cursor_key == 67
        await pilot.press("slash", "ctrl+u", *"def ", "enter")
        assert table(screen).cursor_key == 74
        await pilot.press("slash", "ctrl+u", *"EUR", "enter")
        assert table(screen).cursor_key == 74
        await pilot.press("slash", "ctrl+u", "escape")
        assert table(screen).cursor_key == 74


async def test_moves_and_shifts() -> None:
    """Up, down, page keys, home and end move the cursor; left and right the code; enter does nothing."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await show(pilot, screen, with_search())
        await pilot.press("end")
        assert table(screen).cursor_key == len(SERVER_TEXT.split("\n"))
        await pilot.press("pageup", "home", "down", "down", "up", "enter")
        assert table(screen).cursor_key == 2
        await pilot.press("home")
        assert '"""The web shop' in line_of(screen, 1)
        await pilot.press("right", "right")
        assert '"""The web' not in line_of(screen, 1)
        await pilot.press("left", "left", "left")
        assert '"""The web shop' in line_of(screen, 1)


async def test_threads() -> None:
    """With threads chosen, shares are of their samples."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 110)) as pilot:
        await pilot.press("2")
        main = next(at for at, thread in enumerate(shop_snapshot().table.threads) if thread.name == "MainThread")
        screen.app._threads_chosen(frozenset({main}))
        await pilot.pause()
        assert line_of(screen, 41).split()[:3] == ["2.3", "▎", "100"]
        assert line_of(screen, 63).split()[0] == "63"


async def test_a_new_run_may_have_a_new_text() -> None:
    """When the program is started again (--watch), the text is asked for again and shown as it is then."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        shop = shop_snapshot()
        again = shop._replace(program=shop.program._replace(runs=2), sources={})
        await show(pilot, screen, again)
        assert screen.controls.asked == [f"open source {SERVER}"] * 2
        await show(pilot, screen, again._replace(sources={SERVER: "print('edited')\n"}))
        assert "edited" in line_of(screen, 1)


async def test_colours_come_later() -> None:
    """A file is shown at once and coloured when that is done, without a change of its text."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await screen.app.workers.wait_for_complete()
        await pilot.pause()
        kinds = {kind for line in table(screen)._texts for kind, _ in line}
        assert {Kind.KEYWORD, Kind.STRING, Kind.COMMENT, Kind.NAME} <= kinds
        assert ["".join(text for _, text in line) for line in table(screen)._texts] == SERVER_TEXT.split("\n")


@pytest.mark.parametrize("path", ["a.py", "a.ts", "a.js", "A.java", "a.go", "a.nobody-knows"])
@pytest.mark.parametrize("text", ["", "\n\n", "x\t= 'a\\\n", "/* a\n\x1b[31m b */\n\n", "#é漢\r\n\ty\n", '"""\n'])
def test_colours_change_no_text(path: str, text: str) -> None:
    """Coloured or not, a file has the same lines of harmless text."""

    def texts(lines: list[list[tuple[Kind, str]]]) -> list[str]:
        return ["".join(part for _, part in line).replace("␍", "") for line in lines]

    assert texts(coloured_lines(text, path)) == texts(plain_lines(text))
    assert all(line.isprintable() for line in texts(coloured_lines(text, path)))


@pytest.mark.parametrize("size", [(80, 24), (20, 5), (1, 1), (200, 50)])
async def test_hostile_text(size: tuple[int, int]) -> None:
    """Neither names nor texts are read as markup or escape codes, at any size."""
    hostile = hostile_snapshot()
    text = "\n".join(function.name.replace("\n", " ") for function in hostile.table.functions)
    snapshot = hostile._replace(sources={function.file: text for function in hostile.table.functions})
    screen = Screen(snapshot)
    async with screen.app.run_test(size=size) as pilot:
        for _ in range(2):
            await pilot.press("1", "down", "2", "right", "n")
            for line in table(screen).render_lines(table(screen).size.region):
                assert line.cell_length == table(screen).size.width
                assert line.text.isprintable()


def test_picture(snap_compare: SnapCompare) -> None:
    """The heat of a file looks as it was accepted."""
    assert snap_compare(Screen().app, press=["2", "slash", *"def search", "enter"], terminal_size=(100, 30))
