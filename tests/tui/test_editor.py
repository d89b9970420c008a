"""From any place to the user's editor and back; and to the clipboard."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from multi_lang_profiler.tui.editor import NoEditor, editor_command, editor_words
from multi_lang_profiler.tui.places import Place
from tests.support.command import COMMAND, Folder
from tests.support.screen import Screen
from tests.support.tmux import Terminal


@pytest.mark.parametrize(
    ("editor", "command"),
    [
        ("vi", "vi +7 a b.py"),
        ("/usr/bin/vim.basic -u NONE", "/usr/bin/vim.basic -u NONE +7 a b.py"),
        ("emacs -nw", "emacs -nw +7 a b.py"),
        ("nano", "nano +7 a b.py"),
        ("hx", "hx a b.py:7"),
        ("code --wait", "code --wait -g a b.py:7"),
        ("subl -w", "subl -w a b.py:7"),
        ("/opt/pycharm/bin/pycharm64.sh", "/opt/pycharm/bin/pycharm64.sh --line 7 a b.py"),
        ("idea", "idea --line 7 a b.py"),
        ("kate", "kate -l 7 a b.py"),
        ("my-editor", "my-editor a b.py"),
    ],
)
def test_each_editor_in_its_own_form(editor, command):
    words = editor_words({"EDITOR": editor})
    assert " ".join(editor_command(words, Path("a b.py"), 7)) == command
    assert editor_command(words, Path("a b.py"), 0) == [*words, "a b.py"]


def test_which_editor():
    """VISUAL before EDITOR; a line where it cannot be read."""
    assert editor_words({"VISUAL": "hx", "EDITOR": "ed"}) == ["hx"]
    with pytest.raises(NoEditor, match="EDITOR cannot be read"):
        editor_words({"EDITOR": "vi 'x"})


async def test_the_place_under_the_cursor_is_copied():
    """`y` copies the place, again the name, again the stack that was seen most; another place begins anew."""
    screen = Screen()
    async with screen.app.run_test(size=(120, 40)) as pilot:
        copied = []
        for key in ("y", "y", "y", "y"):
            await pilot.press(key)
            copied.append(screen.app.clipboard)
        assert len(screen.app._notifications) == 1, "what was told before makes room"
        assert copied[0] == copied[3] == "/home/ada/shop/shop/search.py:88"
        assert copied[1] == "levenshtein"
        assert copied[2].splitlines()[-1] == "levenshtein (/home/ada/shop/shop/search.py:102)"
        assert copied[2].splitlines()[0].startswith("Thread._bootstrap (")
        await pilot.press("down", "y")
        assert screen.app.clipboard not in copied


async def test_what_cannot_be_edited():
    """A line says why: the file is not there."""
    screen = Screen()
    async with screen.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("E")
        await pilot.pause()
        (told,) = screen.app._notifications
        assert "/home/ada/shop/shop/search.py is no file here" in told.message


def test_a_place_of_a_run():
    assert str(Place("a.py", 3)) == "a.py:3"
    assert Place("a.py", 3).path(Path("/no/such")) is None


def test_a_session(tmp_path: Path) -> None:
    """From the table and from a line of the source into the editor, which has the terminal and its Ctrl+C to itself; then the screen is back, and the program runs."""
    folder = Folder(tmp_path)
    folder.write("work.py", "import time\n\ndef hot():\n    while True:\n        sum(range(2000))\n\nhot()\n")
    # It is left with a word of its own: how many lines a `read` takes that Ctrl+C interrupts is for each shell to say.
    script = (
        "#!/bin/sh\ntrap 'echo interrupted >>told' INT\n"
        'echo "$@" >>told\necho "editing $2"\nuntil [ "$line" = done ]; do read line || sleep 0.1; done\n'
    )
    editor = folder.write("vi", script)
    editor.chmod(0o755)
    environment = folder.environment(EDITOR=str(editor))
    command = [str(COMMAND), "python", "--python", sys.executable, "work.py"]
    with Terminal(command, size=(100, 30), folder=folder.path, environment=environment) as shown:
        shown.wait_for("running", "hot")
        shown.press("E")
        shown.wait_for("editing")
        shown.press("C-c")
        shown.wait_until(lambda _: "interrupted" in (folder.path / "told").read_text(), "Ctrl+C was not the editor's")
        shown.press("done", "Enter")
        shown.wait_for("running", "by self time")
        shown.press("Enter")
        shown.wait_for("sum(range(2000))")
        shown.press("Down", "E")
        shown.wait_for("editing")
        shown.press("done", "Enter")
        shown.wait_for("running", "sum(range(2000))")
        told = (folder.path / "told").read_text().splitlines()
        assert told == [f"+3 {folder.path}/work.py", "interrupted", f"+4 {folder.path}/work.py"]
        shown.press("q")
        shown.wait_for("The program is still running")
        shown.press("y")
        assert shown.status() == 128 + 15
