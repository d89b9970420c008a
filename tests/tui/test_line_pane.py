"""Output and log: followed, bounded, searched, and never interpreted."""

from __future__ import annotations

from multi_lang_profiler.engine.analysis.snapshot import OutputLine
from multi_lang_profiler.tui.widgets.output_pane import OutputPane
from tests.support.screen import Screen, show, text_of
from tests.support.snapshots import hostile_snapshot, shop_snapshot


def lines(first: int, last: int) -> tuple[OutputLine, ...]:
    return tuple(OutputLine(f"line {number}", is_stderr=False) for number in range(first, last))


async def test_follows_until_scrolled_away() -> None:
    """New lines come into sight at the end; after scrolling up the text stays where it is, until End."""
    everything = lines(0, 300)
    screen = Screen(shop_snapshot()._replace(output=everything[:100]))
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("8")
        pane = screen.app.query_one("#output-pane", OutputPane)
        assert text_of(pane).splitlines()[-1].strip() == "line 99"
        await show(pilot, screen, shop_snapshot()._replace(output=everything[:120]))
        assert text_of(pane).splitlines()[-1].strip() == "line 119"
        await pilot.press("pageup")
        before = text_of(pane)
        await show(pilot, screen, shop_snapshot()._replace(output=everything[:150]))
        assert text_of(pane) == before
        await pilot.press("end")
        assert text_of(pane).splitlines()[-1].strip() == "line 149"


async def test_lines_that_came_while_another_view_was_in_front() -> None:
    """What came meanwhile is there when the view comes back, also if that is the first line."""
    screen = Screen(shop_snapshot()._replace(output=()))
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("8", "1")
        await show(pilot, screen, shop_snapshot()._replace(output=lines(0, 2)))
        await pilot.press("8")
        await pilot.pause()
        assert text_of(screen.app.query_one("#output-pane", OutputPane)).split() == ["line", "0", "line", "1"]


async def test_keeps_its_place_when_old_lines_go() -> None:
    """While the oldest lines are pushed out, the text a user has scrolled to does not move."""
    everything = lines(0, 300)
    screen = Screen(shop_snapshot()._replace(output=everything[:200]))
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("8", "pageup", "pageup")
        pane = screen.app.query_one("#output-pane", OutputPane)
        before = text_of(pane)
        await show(pilot, screen, shop_snapshot()._replace(output=everything[50:250], output_dropped=50))
        assert text_of(pane) == before


async def test_unfinished_line() -> None:
    """A line that is still being written is replaced by its longer self, not shown twice."""
    begun, ended = OutputLine("loading", is_stderr=False), OutputLine("loading done", is_stderr=False)
    first = lines(0, 3)
    screen = Screen(shop_snapshot()._replace(output=(*first, begun)))
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("8")
        await show(pilot, screen, shop_snapshot()._replace(output=(*first, ended, *lines(3, 5))))
        shown = text_of(screen.app.query_one("#output-pane", OutputPane)).split("\n")
        assert [line.strip() for line in shown if line.strip()] == [
            "line 0",
            "line 1",
            "line 2",
            "loading done",
            "line 3",
            "line 4",
        ]


async def test_search() -> None:
    """Searching goes to the newest match and says how many there are; n goes on upwards, Escape forgets it."""
    screen = Screen(shop_snapshot()._replace(output=lines(0, 300)))
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("8", "slash", *"line 12", "enter")
        await pilot.pause()
        view = screen.app.query_one("#view-8")
        assert "11 lines" in text_of(view.children[0])
        pane = screen.app.query_one("#output-pane", OutputPane)
        assert "line 129" in text_of(pane)
        await pilot.press("n", "n", "n", "n", "n", "n", "n", "n", "n", "n")
        assert "line 12\n" in text_of(pane).replace(" \n", "\n")
        await pilot.press("escape")
        await pilot.pause()
        assert "11 lines" not in text_of(view.children[0])


async def test_stderr_is_told_apart_without_colour() -> None:
    """Lines of stderr carry a mark at their left, so that they stand out also where there are no colours."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("8")
        shown = text_of(screen.app.query_one("#output-pane", OutputPane)).splitlines()
        assert {line.startswith(" ▌") for line in shown if "WARNING" in line} == {True}
        assert not any(line.startswith(" ▌") for line in shown if "GET" in line)


async def test_hostile_output() -> None:
    """Markup, escape codes, wide and endless lines are text; the pane's lines keep their width."""
    screen = Screen(hostile_snapshot())
    async with screen.app.run_test(size=(80, 24)) as pilot:
        for key in ("8", "9"):
            await pilot.press(key)
            await pilot.pause()
            pane = screen.app.query_one(f"#view-{key}").children[1]
            drawn = pane.render_lines(pane.size.region)
            assert {line.cell_length for line in drawn} == {pane.size.width}
            assert not any("\x1b" in line.text or "\n" in line.text for line in drawn)
