"""The user's editor, opened at a line: `$VISUAL` or `$EDITOR`, each editor in its own form."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.inheritance import SECRET_VARIABLES
from .text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from .places import Place

_COLON = frozenset({"hx", "helix", "subl", "sublime_text", "zed", "zeditor", "lapce", "geany"})
"""`FILE:LINE`."""
_GOTO = frozenset({"code", "code-insiders", "codium", "vscodium", "code-oss", "cursor", "windsurf", "positron"})
"""`-g FILE:LINE`."""
_JETBRAINS = frozenset({
    "idea", "pycharm", "charm", "goland", "webstorm", "phpstorm", "clion", "rubymine", "rider", "rustrover", "datagrip", "studio", "fleet",
})  # fmt: skip
"""`--line LINE FILE` (https://www.jetbrains.com/help/idea/opening-files-from-command-line.html)."""
_DASH_L = frozenset({"kate", "kwrite", "mate"})
"""`-l LINE FILE`."""
_PLUS = frozenset({
    "vi", "vim", "nvim", "view", "vis", "elvis", "nvi", "vile", "nano", "pico", "rnano", "emacs", "emacsclient", "mg", "jmacs", "zile", "jed",
    "joe", "jstar", "jpico", "ne", "kak", "micro", "mcedit", "ee", "gvim", "gedit", "pluma", "xed", "mousepad", "gnome-text-editor",
})  # fmt: skip
"""`+LINE FILE`."""
_WITH_A_WINDOW = (_COLON - {"hx", "helix"}) | _GOTO | _JETBRAINS | _DASH_L | {
    "gvim", "gedit", "pluma", "xed", "mousepad", "gnome-text-editor",
}  # fmt: skip
"""They need no terminal: the screen stays."""
_USUAL = ("nano", "vim", "vi")
"""Where the user has named none, the first that is there."""


class NoEditor(Exception):
    """Its text says why, and what to do."""


def editor_words(environment: Mapping[str, str]) -> list[str]:
    """The user's editor and its options. Raises `NoEditor`."""
    for variable in ("VISUAL", "EDITOR"):
        try:
            words = shlex.split(environment.get(variable, ""))
        except ValueError as error:
            raise NoEditor(f"{variable} cannot be read: {error}") from None
        if words:
            return words
    usual = next(filter(shutil.which, _USUAL), None)
    if usual is None:
        raise NoEditor("No editor was found; name yours in VISUAL or EDITOR")
    return [usual]


def editor_command(words: list[str], path: Path, line: int) -> list[str]:
    """What opens `path` at `line` (0: at its top) in the editor of these words; one that nobody knows opens the file."""
    name, file = _name(words[0]), str(path)
    if not line:
        return [*words, file]
    if name in _COLON:
        return [*words, f"{file}:{line}"]
    if name in _GOTO:
        return [*words, "-g", f"{file}:{line}"]
    if name in _JETBRAINS:
        return [*words, "--line", str(line), file]
    if name in _DASH_L:
        return [*words, "-l", str(line), file]
    return [*words, f"+{line}", file] if name in _PLUS else [*words, file]


def edit(
    place: Place | None,
    folder: Path,
    suspended: Callable[[], AbstractContextManager[None]],
    told: Callable[..., None],
) -> None:
    """Open `place` in the user's editor; one without a window has the terminal until it ends, `suspended()` meanwhile. Raises `NoEditor`.

    `told`: as `App.notify`; of a window that may come up elsewhere, or late.
    """
    if place is None:
        raise NoEditor("There is no place under the cursor to open")
    path = place.path(folder)
    if path is None:
        raise NoEditor(
            f"{place.file or 'What the runtime has made itself'} is no file here, so there is nothing to open"
        )
    words = editor_words(os.environ)
    command = editor_command(words, path, place.line)
    environment = {name: value for name, value in os.environ.items() if name not in SECRET_VARIABLES}
    try:
        if _name(words[0]) in _WITH_A_WINDOW:
            _start(command, folder, environment)
            told(f"{words[0]} opens {clean(str(place))}", markup=False, timeout=3)
        else:
            with suspended():
                _run_in_front(command, folder, environment)
    except OSError as error:
        raise NoEditor(
            f"{words[0]} could not be started: {error.strerror}; name your editor in VISUAL or EDITOR"
        ) from None


def _start(command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True
    )
    # Not waited for: it may be open for hours. Its status is collected with the next process that we start.
    process.returncode = 0


def _run_in_front(command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    """Run it as a shell does: what is typed, Ctrl+C too, is for it alone and not for us."""
    with contextlib.suppress(OSError):
        # We give the terminal away and take it back, which would stop us else.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        process = subprocess.Popen(command, cwd=folder, env=environment, process_group=0, preexec_fn=_come_to_front)  # noqa: PLW1509 - only calls the kernel
        while True:
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                process.returncode = os.waitstatus_to_exitcode(status)
                return
            # Nobody is there who could bring it back.
            os.kill(process.pid, signal.SIGCONT)
    finally:
        with contextlib.suppress(OSError):
            os.tcsetpgrp(0, os.getpgrp())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTTOU})


def _come_to_front() -> None:
    with contextlib.suppress(OSError):
        os.tcsetpgrp(0, os.getpid())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTTOU, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP})


def _name(word: str) -> str:
    """`pycharm64.sh`, `/usr/bin/vim.basic`: what it is called for."""
    return re.sub(r"(64)?(\.(sh|exe|cmd|bat|basic|tiny|nox|gtk3|gtk))*$", "", Path(word).name.lower())
