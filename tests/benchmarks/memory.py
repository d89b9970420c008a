"""The memory of the agent: the most it takes, headless and with a screen, and whether half a day of samples makes it grow."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import memory_mb
from tests.benchmarks.table import Table, at_most
from tests.support.backend import Backend
from tests.support.command import Folder
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.benchmarks.measure import Length

HEADLESS_MB, SCREEN_MB = 60, 110
SCREEN = (120, 40)
NO_GROWTH = 1.02
"""What the second half of the time may add. In the first hours the bounded collections fill: the buffer, the timeline's points and their counts."""
_LOOP = "import sys; sys.modules['ssl'] = None; import asyncio"
# As we load it, without its command line, and without the world's authorities, which a backend on this machine does not need.
_SENDING = """
import asyncio, sys
sys.modules["httpx._main"] = None
import httpx
from google.protobuf.internal import builder
async def send():
    async with httpx.AsyncClient(verify=httpx.create_ssl_context(verify=False)) as client:
        await client.post(sys.argv[1], json={"profiles": []})
asyncio.run(send())
"""
_SCREEN = """
import sys
sys.modules["ssl"] = None
from textual.app import App
from textual.widgets import Static
class Line(App):
    def compose(self): yield Static("one line")
    def on_mount(self): self.set_timer(0.2, self.exit)
Line().run(headless=True)
del sys.modules["ssl"]
"""
ALONE = {
    "an interpreter": "",
    "the same with asyncio, without TLS": _LOOP,
    "the same with asyncio, one report by httpx, and protobuf": _SENDING,
    "the same with an app of Textual with one line, without TLS": _SCREEN,
    "the same with an app of Textual with one line, one report by httpx, and protobuf": f"{_SCREEN}{_SENDING}",
}
"""Controls: what the parts take that ours is made with. None of ours that needs them can take less."""
FLOORS = dict(zip(("headless", "headless, reporting", "screen", "screen, reporting"), list(ALONE)[1:], strict=True))
ROOT = Path(__file__).resolve().parents[2]
BUSY = """
import sys, time
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
until = time.monotonic() + float(sys.argv[1])
while time.monotonic() < until: fib(15)
"""


def tables(length: Length) -> Iterator[Table]:
    yield _peaks(length)
    yield _growth(length)


def _peaks(length: Length) -> Table:
    run_s = length.sized(6.0, 1.2)
    table = Table(f"Peak memory of the agent in {run_s:g} s")
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name, Backend() as backend:
        folder = Folder(Path(name))
        program = str(folder.write("busy.py", BUSY))
        words = ["python", program, "--python", sys.executable]
        reporting = ["--report-endpoint", backend.url, "--report-interval", "2", "--no-spool"]
        rounds = range(length.sized(3, 1))
        for title, options in (("headless", []), ("headless, reporting", reporting)):
            command = [*words, "--no-tui", *options, "--", str(run_s)]
            floor = FLOORS[title]
            table.add(title, [_headless_mb(folder, command) for _ in rounds], "MB", at_most(HEADLESS_MB), base=floor)
        for what, options in (("", []), (", reporting", reporting)):
            title = f"with a screen of {SCREEN[0]} by {SCREEN[1]}{what}"
            screens = [_screen_mb(folder, [*words, *options, "--", str(run_s)], run_s) for _ in rounds]
            table.add(title, screens, "MB", at_most(SCREEN_MB), base=FLOORS[f"screen{what}"])
        for title, source in ALONE.items():
            table.add(title, [_alone_mb(source, backend.url) for _ in rounds], "MB")
    return table


def _alone_mb(source: str, url: str) -> float:
    """Of an interpreter that runs `source`, which may send to `url`, and waits."""
    command = [sys.executable, "-I", "-c", f"{source}\nprint(flush=True)\ninput()", url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        peak_mb = memory_mb(process.pid)
        process.communicate(b"\n")
    return peak_mb


def _headless_mb(folder: Folder, words: Sequence[str]) -> float:
    with folder:
        process = folder.start(*words)
        peak_mb = 0.0
        while process.poll() is None:
            try:
                peak_mb = memory_mb(process.pid)
            except (StopIteration, OSError):
                # It has ended and is not yet waited for.
                break
            time.sleep(0.005)
        process.communicate()
    assert process.returncode == 0, f"{words} ended with {process.returncode}"
    return peak_mb


def _screen_mb(folder: Folder, words: Sequence[str], run_s: float) -> float:
    with Terminal(folder, *words, size=SCREEN) as terminal:
        terminal.until(lambda shown: b"file:line" in shown)
        # All views are opened once; the screen stays when the program has ended.
        ends_s, keys = time.monotonic() + run_s, iter("234567891")
        while time.monotonic() < ends_s:
            terminal.press(next(keys, ""))
            time.sleep(run_s / 12)
        return memory_mb(terminal.pid)


def _growth(length: Length) -> Table:
    run_s = length.sized(43_200, 120)
    words = [sys.executable, "-m", "tests.benchmarks.feed", str(run_s)]
    printed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    *tenths, samples = printed.split()
    table = Table(
        f"Resident memory of recorder, windows, history, buffer and snapshots in {run_s:,} s, {int(samples):,} samples"
    )
    for number, megabytes in enumerate(tenths, 1):
        targets = (at_most(NO_GROWTH, "ratio"),) if number == len(tenths) else ()
        table.add(f"after {number} tenths", float(megabytes), "MB", *targets, base="after 5 tenths")
    return table
