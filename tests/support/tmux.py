"""A real terminal: tmux on a socket of its own, so that no other session on the machine can be seen or harmed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

DEADLINE_S = 60.0
STATUS_LINE = "ended with status"
STATUS = re.compile(rf"{STATUS_LINE} (\d+)\.")


class Terminal:
    """Runs one command, then shows its status and stays."""

    def __init__(
        self, words: Sequence[str | Path], *, size: tuple[int, int], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._words = [str(word) for word in words]
        self._size = size
        self._folder = folder
        self._environment = dict(environment)
        self._socket = folder / "tmux.socket"

    def __enter__(self) -> Self:
        pid_file = self._folder / "command.pid"
        # In the foreground, as a user's command is; its process id is the shell's own before exec.
        command = f"sh -c 'echo $$ > {shlex.quote(str(pid_file))}; exec \"$@\"' sh {shlex.join(self._words)}"
        shell = f"{command}; echo {STATUS_LINE} $?.; sleep 600"
        width, height = map(str, self._size)
        environment = {**self._environment, "TERM": "xterm-256color"}
        environment.pop("TMUX", None)
        _has_seen_the_screen(environment)
        subprocess.run(
            [
                "tmux",
                "-S",
                self._socket,
                "-f",
                "/dev/null",
                "new-session",
                "-d",
                "-x",
                width,
                "-y",
                height,
                "sh",
                "-c",
                shell,
            ],
            check=True,
            env=environment,
            cwd=self._folder,
        )
        deadline = time.monotonic() + DEADLINE_S
        while not (pid_file.exists() and pid_file.read_text().strip()):
            assert time.monotonic() < deadline, "the terminal did not start the command"
            time.sleep(0.02)
        self.pid = int(pid_file.read_text())
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the terminal: what runs in it gets SIGHUP."""
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], check=False, capture_output=True)

    def press(self, *keys: str) -> None:
        """Send keys by tmux's names (`Enter`, `C-c`, `q`)."""
        self._tmux("send-keys", *keys)

    def resize(self, width: int, height: int) -> None:
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def text(self) -> str:
        return self._tmux("capture-pane", "-p")

    def coloured(self) -> str:
        """The same with its colours, as escape sequences."""
        return self._tmux("capture-pane", "-p", "-e", "-N")

    def wait_for(self, *texts: str) -> str:
        """What the terminal shows once it shows all of `texts`."""
        return self.wait_until(lambda shown: all(text in shown for text in texts), f"{texts} did not appear")

    def status(self) -> int:
        """The command's exit status, once it has ended."""
        shown = self.wait_until(lambda shown: _status_in(shown) is not None, "the command did not end")
        found = _status_in(shown)
        assert found
        return int(found[1])

    def wait_until(self, condition: Callable[[str], object], failure: str) -> str:
        """What the terminal shows once it meets `condition`."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition(shown := self.text()):
            assert time.monotonic() < deadline, f"{failure} in:\n{shown}"
            time.sleep(0.05)
        return shown

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-S", self._socket, *words], check=True, capture_output=True, env=os.environ)
        return done.stdout.decode()


def _has_seen_the_screen(environment: Mapping[str, str]) -> None:
    """Nobody is greeted, in front of what a test looks for."""
    home = environment.get("HOME", "")
    state = environment.get("XDG_STATE_HOME") or (f"{home}/.local/state" if home else "")
    if state:
        seen = Path(state, "multi_lang_profiler/screen-was-seen")
        seen.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        seen.touch()


def _status_in(shown: str) -> re.Match[str] | None:
    # After many resizes tmux gives the shell back its screen with the cursor anywhere: the line may be broken.
    return STATUS.search(shown.replace("\n", ""))


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and it is not just waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.05)
