"""The line that types on the program's terminal: when it is there, whose the keys are, and what is sent."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from textual import events
from textual.widgets import Input

from multi_lang_profiler.engine.analysis.snapshot import InputState
from multi_lang_profiler.tui.widgets.key_bar import KeyBar
from multi_lang_profiler.tui.widgets.program_input import ProgramInput
from tests.support.command import COMMAND, Folder
from tests.support.screen import Screen, front, show
from tests.support.snapshots import shop_snapshot
from tests.support.tmux import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from multi_lang_profiler.engine.analysis.snapshot import Snapshot

RUNS = InputState(by_line=True, echoes=True, waiting=False)
ASKS = InputState(by_line=True, echoes=True, waiting=True, prompt="your name? ")
PASSWORD = InputState(by_line=True, echoes=False, waiting=True, prompt="Password: ")
BY_KEY = InputState(by_line=False, echoes=False, waiting=True, prompt="> ")


def snapshot(state: InputState | None) -> Snapshot:
    shop = shop_snapshot()
    return shop._replace(program=shop.program._replace(input=state))


def typed(screen: Screen) -> list[str]:
    return [asked.removeprefix("type ") for asked in screen.controls.asked if asked.startswith("type ")]


def footer(screen: Screen) -> str:
    return str(screen.app.query_one(KeyBar).render())


async def test_a_program_that_asks_is_answered():
    """Who has touched no key yet can type at once; a line goes as it is, Ctrl+D and Ctrl+C go to the program, Escape gives the keys back."""
    screen = Screen(snapshot(ASKS))
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        line = screen.app.query_one(ProgramInput)
        assert line.has_focus_within
        assert "Send" in footer(screen)
        await pilot.press(*"1q é", "enter", "ctrl+d", "x", "ctrl+c")
        assert typed(screen) == [repr("1q é\r".encode()), repr(b"\x04"), repr(b"\x03")]
        await pilot.press("escape")
        assert not line.has_focus_within
        assert line.display
        await pilot.press("8")
        assert front(screen) == "view-8"
        await show(pilot, screen, snapshot(RUNS))
        assert not line.display


async def test_keys_are_not_taken_away():
    """Who works with the screen is told that the program waits, and goes on; one key goes there."""
    screen = Screen(snapshot(RUNS))
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await show(pilot, screen, snapshot(ASKS))
        line = screen.app.query_one(ProgramInput)
        assert line.display
        assert not line.has_focus_within
        assert "your name? " in str(line.query_one("#input-label").render())
        assert "I answers" in line.query_one(Input).placeholder
        await pilot.press("I", "a", "enter")
        assert typed(screen) == [repr(b"a\r")]
        await show(pilot, screen, snapshot(None))
        assert not line.display
        assert not line.has_focus_within
        await pilot.press("I")
        assert not line.display


async def test_a_password_is_not_seen():
    screen = Screen(snapshot(PASSWORD))
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"s3cret")
        assert "s3cret" not in screen.app.export_screenshot()
        await pilot.press("enter")
        assert typed(screen) == [repr(b"s3cret\r")]


async def test_every_key_goes_to_one_that_reads_by_key():
    """A line editor of the program's own, a menu: it gets arrows, tabs and control keys as a terminal sends them."""
    screen = Screen(snapshot(BY_KEY))
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a", "up", "ctrl+p", "tab", "backspace", "enter", "ctrl+c")
        assert typed(screen) == list(map(repr, [b"a", b"\x1b[A", b"\x10", b"\t", b"\x7f", b"\r", b"\x03"]))


@pytest.mark.parametrize(("state", "sent"), [(ASKS, [repr(b"a\rb\r")]), (BY_KEY, [repr(b"a\rb\rc")])])
async def test_lines_are_pasted(state, sent):
    screen = Screen(snapshot(state))
    async with screen.app.run_test(size=(80, 24)) as pilot:
        screen.app.query_one(ProgramInput).query_one(Input).post_message(events.Paste("a\nb\r\nc"))
        await pilot.pause()
        assert typed(screen) == sent
        assert screen.app.query_one(ProgramInput).query_one(Input).value == ("c" if state.by_line else "")


def test_a_session(tmp_path: Path) -> None:
    """In a real terminal: questions answered, a password unseen, Ctrl+C to the program alone, its output and its status."""
    folder = Folder(tmp_path)
    folder.write(
        "ask.py",
        "import getpass, os, sys, time\n"
        "name = input('your name? ')\n"
        "print('hello', name, os.get_terminal_size())\n"
        "print(len(getpass.getpass('the word: ')), 'letters')\n"
        "try:\n    while True: time.sleep(0.1)\n"
        "except KeyboardInterrupt: sys.exit(4)\n",
    )
    command = [str(COMMAND), "python", "--python", sys.executable, "ask.py"]
    # COLUMNS and LINES as some shells export them: of the terminal as it was once.
    environment = folder.environment(COLUMNS="80", LINES="24")
    with Terminal(command, size=(100, 30), folder=folder.path, environment=environment) as shown:
        shown.wait_for("your name?", "End of input")
        shown.press("Ada", "Enter")
        shown.wait_for("the word:")
        shown.press("s3cret", "Enter")
        shown.wait_until(lambda text: "the word:" not in text and "s3cret" not in text, "the password was not taken")
        shown.press("C-c")
        shown.wait_for("exited 4 after")
        shown.press("8")
        shown.wait_for("your name? Ada", "hello Ada os.terminal_size(columns=97, lines=25)", "6 letters")
        shown.press("q")
        assert shown.status() == 4
