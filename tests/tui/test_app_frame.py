"""What holds for the screen as a whole: bindings, help, palette, themes, settings, and its own faults."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from textual.binding import Binding

from multi_lang_profiler.tui.all_views import VIEWS
from multi_lang_profiler.tui.app import ProfilerApp
from multi_lang_profiler.tui.bindings import bindings_of
from multi_lang_profiler.tui.run_screen import run_screen
from multi_lang_profiler.tui.widgets.function_table import FunctionTable
from multi_lang_profiler.tui.widgets.help_screen import HelpScreen
from multi_lang_profiler.tui.widgets.key_bar import KeyBar
from multi_lang_profiler.tui.widgets.line_pane import LinePane
from multi_lang_profiler.tui.widgets.quit_dialog import QuitDialog
from multi_lang_profiler.tui.widgets.table import Table
from multi_lang_profiler.tui.widgets.thread_picker import ThreadPicker
from tests.support.fake_controls import FakeControls
from tests.support.screen import Screen, front, title
from tests.support.snapshots import (
    STARTED_S,
    shop_snapshot,
)

if TYPE_CHECKING:
    pass


def test_every_binding_has_id_description_and_tooltip() -> None:
    """Each of our bindings can be remapped (id) and explained (tooltip), and no id stands for two things."""
    screen = Screen()
    seen: dict[str, str] = {}
    classes = {cls for kind in VIEWS.values() for cls in kind.load().__mro__}
    for cls in (type(screen.app), *classes, Table, LinePane, QuitDialog, HelpScreen, ThreadPicker):
        for binding in cls.__dict__.get("BINDINGS", ()):
            if cls.__module__.startswith("textual."):
                continue
            assert isinstance(binding, Binding)
            assert binding.id, binding
            assert binding.tooltip, binding
            assert binding.description, binding
            assert seen.setdefault(binding.id, binding.action) == binding.action


def test_the_first_picture_waits_for_no_other_view() -> None:
    """Neither the other views nor dialogs, palette, editors and what colours source are loaded before they are wanted."""
    code = (
        "import sys, types; from multi_lang_profiler.tui import run_screen\n"
        "run_screen.ProfilerApp(types.SimpleNamespace(snapshot=lambda: None)); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    ours = {name.removeprefix("multi_lang_profiler.tui.") for name in loaded if name.startswith("multi_lang_profiler.")}
    assert "widgets.functions" in ours
    others = {f"widgets.{kind.module}" for kind in VIEWS.values()} - {"widgets.functions"}
    assert not ours & {*others, "dialogs", "commands", "editor", "highlight", "range_asked"}
    assert not {"rich.syntax", "pygments", "markdown_it", "pyte", "tree_sitter"} & {*loaded}


async def test_help_names_every_key_of_the_view() -> None:
    """`?` explains the view in front with its own words and lists each key that works in it."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        for key in ("1", "3", "7", "8", "9"):
            await pilot.press(key)
            view = screen.app._views[key]
            works: dict[str, bool] = {}
            for node in (view, view.focus_target(), screen.app):
                for binding in bindings_of(node):
                    meaning = binding.tooltip or binding.description
                    works[meaning] = works.get(meaning, False) or bool(
                        node.check_action(binding.action.split("(")[0], ())
                    )
            await pilot.press("question_mark")
            await pilot.pause()
            assert isinstance(screen.app.screen, HelpScreen)
            text = " ".join(" ".join(str(static.render()) for static in screen.app.screen.query("Static")).split())
            assert view.HELP.split("\n")[0][:40] in text
            assert {meaning: meaning in text for meaning in works} == works
            await pilot.press("escape")


@pytest.mark.parametrize("width", [60, 80])
async def test_the_way_out_is_always_named(width: int) -> None:
    """However many keys a view has, the foot of the screen names help and quit, and nothing is cut."""
    screen = Screen()
    async with screen.app.run_test(size=(width, 24)) as pilot:
        for key in VIEWS:
            await pilot.press(key)
            await pilot.pause()
            shown = screen.app.query_one(KeyBar).shown()
            assert [footer_key.description for footer_key in shown[-2:]] == ["Help", "Quit"], key
            assert sum(footer_key.width for footer_key in shown) <= width, key


async def test_a_click_on_a_key_presses_it() -> None:
    """Each key at the foot is a button: a click on Help opens the help."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        bar = screen.app.query_one(KeyBar)
        before = 0
        for footer_key in bar.shown():
            if footer_key.description == "Help":
                break
            before += footer_key.width
        await pilot.click(KeyBar, offset=(before + 1, 0))
        await pilot.pause()
        assert isinstance(screen.app.screen, HelpScreen)


async def test_palette_has_everything() -> None:
    """Every binding of the app and of every view is a command in the palette; one of another view opens that view."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        await screen.app.bring_all_views()
        commands = {command.title: command for command in screen.app.get_system_commands(screen.app.screen)}
        for key, kind in VIEWS.items():
            assert kind.title in commands
            for binding in bindings_of(screen.app._views[key]):
                assert f"{kind.title}: {binding.description}" in commands
        await pilot.press("9")
        await commands["Hot functions: Own code"].callback()
        await pilot.pause()
        assert front(screen) == "view-1"
        assert "own code only" in title(screen)


async def test_themes_reach_every_line() -> None:
    """Another theme recolours what is drawn by line, too."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        table = screen.app.query_one(FunctionTable)
        before = table.render_lines(table.size.region)[3]
        screen.app.theme = "profiler-light"
        await pilot.pause()
        await pilot.pause()
        after = table.render_lines(table.size.region)[3]
        assert after.text == before.text
        assert [segment.style for segment in after] != [segment.style for segment in before]


async def test_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR all that is sent to the terminal is grey, and the variable stays for the profiled program."""
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)):
        import os

        assert os.environ["NO_COLOR"] == "1"
        table = screen.app.query_one(FunctionTable)
        for line in table.render_lines(table.size.region):
            for segment in line:
                for color in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    triplet = color.get_truecolor() if color else (0, 0, 0)
                    assert len(set(triplet)) == 1


def test_settings_file_is_where_the_platform_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of wishes lies in $XDG_CONFIG_HOME, or in ~/.config."""
    from multi_lang_profiler.tui.screen_settings import settings_file

    monkeypatch.setenv("XDG_CONFIG_HOME", "/cfg")
    assert settings_file() == Path("/cfg/multi_lang_profiler/screen.toml")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", "/home/ada")
    assert settings_file() == Path("/home/ada/.config/multi_lang_profiler/screen.toml")


def test_made_up_run_is_consistent() -> None:
    """The snapshots these tests stand on hold what an engine promises: samples sum up, times agree."""
    snapshot = shop_snapshot()
    assert sum(snapshot.self_samples.values()) == snapshot.counts.total == sum(snapshot.counts.by_stack.values())
    assert snapshot.taken_s - STARTED_S == 187.0


@pytest.mark.parametrize("raises", [True, False], ids=["raised", "printed"])
def test_a_fault_of_the_screen_stays_its_own(raises: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """When the screen breaks down the caller gets one line, the traceback goes to a file, and the program is not stopped."""

    def break_down(app: ProfilerApp) -> None:
        if raises:
            raise ValueError("broken")
        app.error_console.print("Traceback: ValueError: broken")

    monkeypatch.setattr(ProfilerApp, "run", break_down)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    controls = FakeControls(shop_snapshot())
    line = run_screen(controls)
    (file,) = tmp_path.iterdir()
    assert str(file) in line
    assert "\n" not in line
    assert "broken" in file.read_text()
    assert controls.asked == []
