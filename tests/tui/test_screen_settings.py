"""The user's file of wishes: keys and theme."""

from __future__ import annotations

from pathlib import Path

import pytest

from multi_lang_profiler.tui.screen_settings import ScreenSettings, read_screen_settings
from tests.support.screen import Screen


def test_no_file(tmp_path: Path) -> None:
    """Without a file nothing is wished and nothing is wrong."""
    assert read_screen_settings(tmp_path / "screen.toml") == ScreenSettings()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("theme = 3", "theme is a name"),
        ("keys = 'x'", "[keys] is a table"),
        ("[keys]\n'app.quit' = 4", "keys of app.quit are a text"),
        ("colour = 'red'", "nothing is known of `colour`"),
        ("= broken", "cannot be read, so it is ignored"),
    ],
)
def test_problems_are_named(tmp_path: Path, text: str, problem: str) -> None:
    """What cannot be used is said in one line that names the file; nothing is raised."""
    file = tmp_path / "screen.toml"
    file.write_text(text)
    (said,) = read_screen_settings(file).problems
    assert problem in said
    assert str(file) in said


async def test_keys_and_theme(tmp_path: Path) -> None:
    """Keys and theme of the file are in force: the new key works, the old one does not, the help names the new one."""
    file = tmp_path / "screen.toml"
    file.write_text('theme = "nord"\n[keys]\n"functions.pause" = "f9"\n"no.such.key" = "y"\n')
    screen = Screen(settings=file)
    async with screen.app.run_test(size=(80, 24), notifications=True) as pilot:
        assert screen.app.theme == "nord"
        await pilot.press("p")
        assert not screen.app.query_one("FunctionsView").has_class("-paused")
        await pilot.press("f9")
        assert screen.app.query_one("FunctionsView").has_class("-paused")
        assert any("no.such.key" in note.message for note in screen.app._notifications)
