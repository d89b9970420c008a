"""The real command, on a real program, in a real terminal."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from multi_lang_profiler.tui import terminal as screen_terminal
from tests.support.backend import Backend
from tests.support.command import COMMAND, Folder
from tests.support.node import node
from tests.support.processes import processes_where
from tests.support.tmux import Terminal, is_alive, wait_until_gone

PROGRAM = """\
import sys, time

def hot_spot(until):
    # So much CPU time: on a slow machine the sampler comes later, too.
    while time.process_time() < until:
        sum(i * i for i in range(2_000))

print("\\x1b[31mhello\\x1b[0m from the program", flush=True)
print("and a complaint", file=sys.stderr, flush=True)
hot_spot(float(sys.argv[1]))
sys.exit(int(sys.argv[2]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    folder.write("work.py", PROGRAM)
    return folder


def terminal(
    folder: Folder, *words: str, seconds: int = 120, status: int = 0, size: tuple[int, int] = (80, 24)
) -> Terminal:
    command = [str(COMMAND), "python", "work.py", *words, "--", str(seconds), str(status)]
    return Terminal(command, size=size, folder=folder.path, environment=folder.environment())


def test_stopped_and_back_it_is_whole(folder: Folder) -> None:
    """After SIGTSTP and the shell's `fg` the whole screen is drawn again, not only what has changed meanwhile."""
    with Terminal(["bash", "--norc"], size=(80, 24), folder=folder.path, environment=folder.environment()) as shown:
        shown.press(f"{COMMAND} python work.py -- 120 0", "Enter")
        shown.wait_for("hot_spot", "5 Time", "Quit")
        (agent,) = processes_where(
            lambda process: (
                (process / "cwd").readlink() == folder.path.resolve()
                and b"\0python\0work.py\0" in (process / "cmdline").read_bytes()
            )
        )
        os.kill(agent, signal.SIGTSTP)
        shown.wait_for("Stopped")
        shown.press("fg", "Enter")
        shown.wait_for("hot_spot", "5 Time", "Quit")
        shown.press("q")
        shown.wait_for("Stop it and quit")
        shown.press("Enter")
        shown.wait_for("exit status 143")


def test_suspended_the_program_is_too(folder: Folder) -> None:
    """Ctrl+Z gives the shell back and stops the program, as without us; `fg` goes on with both, and the end of the agent lets the program go on.

    The screen is in UTF-8, whatever Python is told to write.
    """
    folder.write(
        "count.py", "import time\nfor n in range(1200):\n    open('n', 'w').write(str(n))\n    time.sleep(0.1)\n"
    )
    with Terminal(["bash", "--norc"], size=(80, 24), folder=folder.path, environment=folder.environment()) as shown:
        shown.press(f"PYTHONIOENCODING=latin-1 {COMMAND} python count.py", "Enter")
        shown.wait_for("● count.py", "running", "5 Time", "Quit")
        (program,) = in_folder(folder, b"count.py", without=b"multi_lang_profiler")
        for way in ("fg", "kill -9 %1"):
            shown.press("C-z")
            shown.wait_for("Stopped")
            assert state_of(program) == "T"
            shown.press("clear", "Enter", way, "Enter")
            if way == "fg":
                shown.wait_for("5 Time", "Quit")
            before = (folder.path / "n").read_text()
            shown.wait_until(partial(has_gone_on, folder, before), "it stands")
            assert state_of(program) != "T"
        os.kill(program, signal.SIGKILL)


def has_gone_on(folder: Folder, before: str, _: str) -> bool:
    return (folder.path / "n").read_text() not in ("", before)


def state_of(pid: int) -> str:
    """As the kernel says in a letter (proc(5)): T for stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def in_folder(folder: Folder, word: bytes, *, without: bytes) -> list[int]:
    """Processes in `folder` with that word of a command, and without the other."""
    return processes_where(
        lambda process: (
            (process / "cwd").readlink() == folder.path.resolve()
            and word in (words := (process / "cmdline").read_bytes()).split(b"\0")
            and without not in words
        )
    )


def test_a_session(folder: Folder) -> None:
    """A user sees the hot function by name, filters, looks at the output, enlarges the terminal, and quits; all is reported, and what was being exported is written."""
    with Backend() as backend, terminal(folder, "--report-endpoint", backend.url, "--report-interval", "600") as shown:
        shown.wait_for("running", "hot_spot", "work.py:", "Next report in")
        shown.press("/", "h", "o", "t", "_", "Enter")
        shown.wait_for("filter hot_")
        shown.press("8")
        output = shown.wait_for("hello from the program", "and a complaint")
        assert "[31m" not in output
        shown.resize(200, 50)
        shown.press("1")
        shown.wait_for("Starting periodic reporting", "hello from the program", "accepted")
        shown.press("S")
        shown.wait_for("Successfully reported 1 profiles")
        # An export that nobody reads yet, and its reader comes when all else is done.
        os.mkfifo(folder.path / "pipe.speedscope.json")
        shown.press("e")
        shown.wait_for("Export to")
        shown.press("p", "i", "p", "e", "Enter")
        shown.wait_until(lambda text: "Export to" not in text, "the prompt stays")
        shown.press("q")
        shown.wait_for("The program is still running")
        shown.press("y")
        shown.wait_until(lambda _: len(backend.accepted) == 2, "no last report")
        read = subprocess.run(
            ["cat", "pipe.speedscope.json"], cwd=folder.path, timeout=30, capture_output=True, check=True
        )
        assert b"hot_spot" in read.stdout, "who leaves while an export is written gets it"
        assert shown.status() == 128 + signal.SIGTERM
        assert len(backend.accepted) == 2
        assert len(set(backend.accepted)) == 2


def test_a_command(folder: Folder) -> None:
    """Of a command the screen shows what runs under it, functions of every language side by side, and counts those of a chosen process; `q` ends all of it."""
    folder.write("spin.cjs", "function spin() {\n  let x = 0;\n  while (true) x += 1;\n}\nspin();\n")
    folder.write("both.sh", "#!/bin/sh\npython3 work.py 120 0 &\nnode spin.cjs &\necho $! >node.pid\nwait\n").chmod(
        0o755
    )
    environment = folder.environment(PATH=f"{node(24).parent}{os.pathsep}{os.environ['PATH']}")
    command = [str(COMMAND), "--", "./both.sh"]
    with Terminal(command, size=(120, 40), folder=folder.path, environment=environment) as shown:
        shown.wait_for("./both.sh", "hot_spot", "spin.cjs")
        shown.wait_until(
            lambda text: all(language in text.splitlines()[0] for language in ("Python", "Node.js")),
            "the header does not name both",
        )
        shown.press("T")
        shown.wait_for("Whose samples to count", "python3 work.py", "node spin.cjs")
        shown.press("End", "space")
        assert re.search(r"✓.*node spin\.cjs", shown.wait_for("✓"))
        shown.press("Enter")
        shown.wait_until(lambda text: "hot_spot" not in text and "spin.cjs" in text, "Python is still counted")
        pid = int((folder.path / "node.pid").read_text())
        assert is_alive(pid)
        shown.press("0")
        # Both programs, whosever samples the other views count; and the threads that the kernel alone knows.
        shown.wait_for("where it is", "python3 work.py", "node spin.cjs", "work.py:", "spin.cjs:", "native")
        shown.press("q")
        shown.wait_for("The program is still running")
        shown.press("y")
        assert shown.status() == 128 + signal.SIGTERM
        wait_until_gone(pid)


def test_ended_program_stays(folder: Folder) -> None:
    """When the program ends the screen stays with its numbers and exit status; leaving hands the status on."""
    with terminal(folder, seconds=2, status=3) as shown:
        shown.wait_for("exited 3 after", "hot_spot")
        shown.press("q")
        assert shown.status() == 3


BROKEN = """\
import sys
from multi_lang_profiler.engine import pictures
from multi_lang_profiler.engine.command import cli
from multi_lang_profiler.engine.program import run

def fail(*_):
    raise KeyError("ours")

setattr(*{"preparing": (run, "make_sampler"), "showing": (pictures.Pictures, "take")}[sys.argv.pop(1)], fail)
cli.main()
"""


@pytest.mark.parametrize("when", ["preparing", "showing"])
def test_a_broken_engine_is_owned_up_to(folder: Folder, when: str) -> None:
    """When our own engine breaks down, one line says so instead of a traceback, and the exit status is our fault's."""
    folder.write("broken.py", BROKEN)
    command = [sys.executable, "broken.py", when, "python", "work.py", "--", "0.2", "0"]
    with Terminal(command, size=(80, 24), folder=folder.path, environment=folder.environment()) as shown:
        told = shown.wait_for("Internal error, please report it: KeyError: 'ours'")
        assert "Traceback" not in told
        if when == "preparing":
            shown.wait_for("failed to start")
            shown.press("q")
        assert shown.status() == 70
        assert shown.text().count("Internal error") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_the_screen(folder: Folder, number: signal.Signals) -> None:
    """A signal goes to the program, and when that has ended the screen goes, with the status a shell gives it."""
    with terminal(folder) as shown:
        shown.wait_for("hot_spot")
        os.kill(shown.pid, number)
        assert shown.status() == 128 + number


def test_closed_terminal(folder: Folder) -> None:
    """When the terminal is closed the last window is reported and nobody is left behind, spinning or hanging."""
    with Backend() as backend, terminal(folder, "--report-endpoint", backend.url, "--report-interval", "600") as shown:
        shown.wait_for("hot_spot")
        shown.close()
        wait_until_gone(shown.pid)
        assert len(backend.accepted) == 1


def test_tiny_terminal_and_resize_storm(folder: Folder) -> None:
    """In 20 by 5 cells, and while the size changes faster than the screen can draw, the run goes on."""
    with terminal(folder, size=(20, 5)) as shown:
        shown.wait_for("runni", "self")
        for step in range(20):
            shown.resize(20 + step * 37 % 180, 2 + step * 13 % 48)
        shown.resize(80, 24)
        shown.wait_for("hot_spot", "Filter")
        shown.press("C-c")
        shown.wait_for("Stop it and quit")
        shown.press("C-c")
        assert shown.status() == 128 + signal.SIGTERM


@pytest.mark.parametrize("has_parser", [True, False])
def test_keys_arrive_whatever_textual_keeps_private(folder: Folder, has_parser: bool) -> None:
    """Keys are read by the parser that the bound version of Textual has, and by its own thread where another has none of that name."""
    assert vars(screen_terminal)["XTermParser"] is not None
    folder.write(
        "keys.py",
        "from textual.app import App\n"
        "from textual.widgets import Static\n"
        "from multi_lang_profiler.tui import terminal\n"
        f"terminal.XTermParser = terminal.XTermParser if {has_parser} else None\n"
        "class Keys(App):\n"
        "    def compose(self):\n"
        "        yield Static('ready')\n"
        "    def on_key(self, event):\n"
        "        self.exit(message=f'it was {event.key}')\n"
        "Keys(driver_class=terminal.TerminalDriver).run()\n",
    )
    with Terminal(
        [sys.executable, "keys.py"], size=(80, 24), folder=folder.path, environment=folder.environment()
    ) as shown:
        shown.wait_for("ready")
        shown.press("Up")
        shown.wait_for("it was up")
