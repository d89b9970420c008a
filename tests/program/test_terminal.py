"""The terminal that a program has on a screen: its keyboard, its size, its signals, and what becomes of it without us."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, TypeVar

import pytest

from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.program import session
from multi_lang_profiler.engine.program.output import Output
from multi_lang_profiler.engine.program.target import Target
from multi_lang_profiler.engine.samplers.sampler import Launch
from tests.support.node import node
from tests.support.tmux import is_alive, wait_until_gone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from multi_lang_profiler.engine.analysis.snapshot import InputState
    from multi_lang_profiler.engine.program.terminal import ProgramTerminals

T = TypeVar("T")


class Started:
    """A program on a screen's terminal."""

    def __init__(self, *words: str, screen: tuple[int, int] = (80, 24)) -> None:
        self.output = Output()
        self.target = Target(SystemClock(), self.output.take, screen)
        self.pid = self.target.start(Launch(words)).pid

    @classmethod
    def python(cls, code: str) -> Started:
        return cls(sys.executable, "-c", code)

    @property
    def terminals(self) -> ProgramTerminals:
        assert self.target.terminals is not None
        return self.target.terminals

    @property
    def lines(self) -> list[str]:
        return [line.text.rstrip() for line in self.output.lines]

    async def asked(self, prompt: str) -> InputState:
        """How it takes the answer, once it has asked and waits."""
        return await self.until(
            lambda: (
                state
                if (state := self.terminals.input_state([self.pid], self.output.unfinished))
                and state.waiting
                and state.prompt == prompt
                else None
            )
        )

    async def until(self, condition: Callable[[], T | None]) -> T:
        async with asyncio.timeout(30):
            while not (found := condition()):
                await asyncio.sleep(0.02)
        return found

    def type_line(self, text: str) -> None:
        if self.terminals.echoes:
            self.output.answer()
        assert self.terminals.type_keys(text.encode() + b"\r")

    async def end(self) -> int:
        async with asyncio.timeout(30):
            status = await self.target.wait()
        self.target.close()
        return status


async def test_questions_are_answered():
    """A program that asks says so, gets its answers, and a password is not seen; it is as on any terminal."""
    program = Started.python(
        "import getpass, os, sys\n"
        "print(input('your name? '), getpass.getpass('one: '), getpass.getpass('two: '))\n"
        "print(all(map(os.isatty, range(3))), os.tcgetpgrp(0) == os.getpid() == os.getpgrp(), os.ctermid() and open('/dev/tty').isatty())\n"
        "print(os.get_terminal_size(), os.getppid())\n"
    )
    state = await program.asked("your name? ")
    assert state.by_line
    assert state.echoes
    program.type_line("Zoë")
    assert (await program.asked("one: ")).hidden
    program.type_line("s3cret")
    assert (await program.asked("two: ")).hidden
    program.type_line("other")
    assert await program.end() == 0
    assert [line for line in program.lines if line.strip()] == [
        "your name? Zoë",
        "one:",
        "two:",
        "Zoë s3cret other",
        "True True True",
        f"os.terminal_size(columns=77, lines=19) {os.getpid()}",
    ]


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("print(input('? '))", ["? abc", "abc"]),
        ("import readline; print(input('? '))", ["? abc", "abc"]),
        ("import sys; print('? ', end='', flush=True); print(sys.stdin.readline().strip())", ["? abc", "abc"]),
    ],
    ids=["input", "readline", "readline of a file"],
)
async def test_a_line_is_edited_where_the_program_does_it(code, printed):
    """The backspace takes back a character: the terminal's, or a line editor's own."""
    program = Started.python(code)
    await program.asked("? ")
    program.type_line("abxö\x7f\x7fc")
    assert await program.end() == 0
    assert program.lines == printed


async def test_the_end_of_the_input():
    """Ctrl+D ends what is read."""
    program = Started.python("import sys; print(sys.stdin.read().split())")
    program.type_line("a b")
    assert program.terminals.type_keys(b"\x04")
    assert await program.end() == 0
    assert program.lines[-1] == "['a', 'b']"


async def test_a_node_program_asks():
    """Node.js's readline, which reads key by key."""
    code = (
        "const i = require('readline').createInterface({input: process.stdin, output: process.stdout});"
        "i.question('n? ', (n) => { console.log(`twice ${2 * n} ${process.stdout.columns}`); i.close(); });"
    )
    program = Started(str(node(24)), "-e", code)
    assert not (await program.asked("n? ")).by_line
    program.type_line("21")
    assert await program.end() == 0
    assert program.lines[-1] == "twice 42 77"


async def test_ctrl_c_and_a_new_size():
    """Ctrl+C interrupts the program and what it has started in front of the terminal; a new size of the screen is told to it."""
    program = Started.python(
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGWINCH, lambda *_: os.write(1, b'%d x %d\\n' % os.get_terminal_size()))\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], stderr=subprocess.DEVNULL)\n"
        "print('ready', flush=True)\n"
        "try: time.sleep(60)\n"
        "except KeyboardInterrupt: print(child.wait())\n"
    )
    await program.until(lambda: "ready" in program.lines)
    program.terminals.resize(100, 30)
    await program.until(lambda: "97 x 25" in program.lines)
    # The child, too, has to be Python by then.
    await asyncio.sleep(0.5)
    assert program.terminals.turns_into_signal(b"\x03")
    assert program.terminals.type_keys(b"\x03")
    assert await program.end() == 0
    assert program.lines[-1].removeprefix("^C") in ("1", str(-signal.SIGINT))


async def test_what_it_leaves_behind_lives_on():
    """A program's end is not the end of what it has started, whether that holds the terminal or not, nor is ours."""
    program = Started.python(
        "import subprocess\n"
        "for stream in (None, subprocess.DEVNULL):\n"
        "    print(subprocess.Popen(['sleep', '60'], stdin=stream, stdout=stream, stderr=stream).pid)\n"
    )
    assert await program.end() == 0
    left = list(map(int, program.lines))
    # What was to be killed would be by now: nothing of ours is in its way any more.
    await asyncio.sleep(0.5)
    for pid in left:
        assert is_alive(pid)
        os.kill(pid, signal.SIGKILL)


AGENT = """
import asyncio, os, sys
from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.program.target import Target
from multi_lang_profiler.engine.samplers.sampler import Launch

async def run():
    seen = asyncio.Event()
    target = Target(SystemClock(), lambda *_: seen.set())
    pid = target.start(Launch((sys.executable, "-c", sys.argv[1]))).pid
    await seen.wait()
    print(pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(run())
"""
PRINTS = """
import os, pathlib, sys
for line in range(20_000):
    print("a line of the program", line)
    print("a complaint", line, file=sys.stderr)
try:
    answer = input()
except EOFError:
    answer = "the end"
pathlib.Path(os.environ["DONE"]).write_text(answer)
"""


def test_the_program_outlives_the_agent(tmp_path: Path) -> None:
    """After a `kill -9` of the agent the program goes on, prints and ends, and where it reads there is nothing more; none of us is left."""
    done = tmp_path / "done"
    agent = subprocess.Popen(
        [sys.executable, "-c", AGENT, PRINTS], stdout=subprocess.PIPE, env={**os.environ, "DONE": str(done)}
    )
    assert agent.stdout is not None
    pid = int(agent.stdout.readline())
    leader = os.getsid(pid)
    agent.kill()
    agent.wait()
    agent.stdout.close()
    wait_until_gone(pid)
    assert done.read_text() == "the end"
    wait_until_gone(leader)


async def test_where_there_can_be_no_such_session(monkeypatch):
    """On a machine without a shell the program has a terminal all the same."""
    monkeypatch.setattr(session, "_SHELL", "/no/shell")
    program = Started.python("print(input('? '))")
    await program.asked("? ")
    program.type_line("yes")
    assert await program.end() == 0
    assert program.lines == ["? yes", "yes"]


async def test_what_nobody_reads():
    """Keys that the program does not take are kept, up to a bound."""
    program = Started.python("import time; time.sleep(60)")
    leader, taken = os.getsid(program.pid), 0
    while taken < 1_000 and program.terminals.type_keys(b"x" * 999 + b"\r"):
        taken += 1
    assert 64 <= taken < 1_000
    program.target.send_signal(signal.SIGKILL)
    assert await program.end() == 128 + signal.SIGKILL
    assert not program.terminals.type_keys(b"late")
    wait_until_gone(leader)
