"""What others have named: it is shown, and obeyed by no terminal."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

from tests.support.command import Folder, finish

from .table import Row

if TYPE_CHECKING:
    from pathlib import Path

row_37 = Row(
    37,
    "the program's names hold escape codes, newlines, megabytes",
    "no terminal ever gets them raw, in no line of any command",
)

ROWS = [row_37]

NAMES = (
    "\x1b[31mRED\x1b]0;pwned\x07",
    "spin\n✅ Successfully reported 99 profiles",
    "\x9b2J\u202e\u2028back\r",
    "x" * 1_000_000,
)
PROGRAM = f"""
import time

def spin():
    end = time.thread_time() + 0.4
    while time.thread_time() < end:
        pass

for name in {NAMES!r}:
    try:
        spin.__code__ = spin.__code__.replace(co_name=name, co_qualname=name)
    except TypeError:
        spin.__code__ = spin.__code__.replace(co_name=name)
    spin()
"""
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")


def is_harmless(text: str) -> bool:
    assert not CONTROL.findall(text), CONTROL.findall(text)
    assert not any(line.startswith("✅ Successfully reported 99") for line in text.splitlines()), "a forged line"
    return True


@row_37.case
async def has_names_that_drive_terminals(folder: Path) -> None:
    with Folder(folder) as home:
        home.write("es\x1b[7mcapes.py", PROGRAM)
        receiver = home.start("receive", "--listen", "127.0.0.1:0", "--database", "db.sqlite")
        assert receiver.stdout is not None
        found = re.search(r"http://\S+/profiles", receiver.stdout.readline().decode())
        assert found
        words = ("python", "es\x1b[7mcapes.py", "--label", "a\x1b[1m=b\nc", "--report-endpoint", found[0])
        agent = home.start(*words, "--report-interval", "30", "--json", "run.json", "--fail-if", "\x1b[5m>1%")
        result = finish(agent)
        assert is_harmless(result.stderr)
        assert "\\x1b[31mRED" in result.stderr
        as_json = home.run(*words[:2], "--summary", "json", "--fail-if", "\x1b[5m>1%")
        assert is_harmless(as_json.stderr)
        assert "\\u001b[31mRED" in as_json.stderr
        for printed in (
            home.run("view", "run.json"),
            home.run("view", "run.json", "run.json"),
            home.run("view", "no\x1b[31m\n.json"),
            home.run("view", "es\x1b[7mcapes.py"),
            home.run("mark", "\x1b[31mname"),
            home.run("mark", "two\nlines"),
            home.run("doctor", "\x1b[31mcobol"),
            home.run("\x1b[31m.py", "\x9b1m"),
            home.run("a.py", "--\x1b[31mno-such=1"),
            home.run("receive", "--listen", "\x1b[31m"),
            home.run("receive", "--database", "/no/\x1b[31m"),
            home.run("completion", "\x1b[31m"),
        ):
            assert is_harmless(printed.stdout.decode() + printed.stderr)
        receiver.send_signal(signal.SIGINT)
        received = finish(receiver)
        assert is_harmless(received.stdout.decode() + received.stderr)
        # Its line has the three hottest of the four.
        assert "\\x1b[31mRED" in received.stdout.decode() or "\\x9b2J" in received.stdout.decode()
