"""How a run of the real command ends: by signals, with a backend that hangs, by SIGKILL."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from typing import TYPE_CHECKING

from tests.support.backend import Backend, after, hang
from tests.support.command import Folder, finish

from .table import Row

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

row_17 = Row(
    17,
    "SIGTERM, SIGINT during a retry wait, during an attempt, before the first window",
    "wakes at once; forwarded; one final send; ends within the deadline with the program's status",
)
row_18 = Row(
    18, "program ends while the backend hangs", "ends within the deadline, profiles in the spool, no traceback"
)
row_19 = Row(
    19,
    "SIGKILL of the agent mid-send, then a new run",
    "all that was undelivered is delivered; the program is not harmed",
)

ROWS = [row_17, row_18, row_19]

BUSY = """
import os, signal, sys, time
if "--polite" in sys.argv:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("ready", flush=True)
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end and not os.path.exists("enough"):
    sum(range(50_000))
    time.sleep(0.004)
open("unharmed", "w").close()
"""


def _start(home: Folder, url: str, seconds: float, *arguments: str, interval_s: float = 1) -> subprocess.Popen[bytes]:
    home.write("busy.py", BUSY)
    words = ("python", "busy.py", "--no-tui", "--report-endpoint", url, "--report-interval", str(interval_s))
    process = home.start(*words, "--report-format", "json", "--", str(seconds), *arguments)
    assert process.stdout is not None
    assert process.stderr is not None
    if process.stdout.readline() != b"ready\n":
        raise AssertionError(process.stderr.read().decode())
    return process


@row_17.case
async def is_told_to_end_while_waiting_to_retry(folder: Path) -> None:
    with Backend(500, 500, 200) as backend, Folder(folder) as home:
        process = _start(home, backend.url, 60, "--polite", interval_s=2)
        # Between the second and the third attempt lie two seconds.
        backend.wait_for(lambda backend: len(backend.requests) == 2)
        process.send_signal(signal.SIGTERM)
        result = finish(process)
        assert result.status == 7
        assert "🔄 Retrying in 2 seconds..." in result.lines
        assert not any("attempt 3/3" in line.lower() for line in result.lines), "the final send is a new one"
        _, second, final = backend.requests
        assert final.profile_ids[: len(second.profile_ids)] == second.profile_ids
        assert len(final.profile_ids) > len(second.profile_ids)
        assert backend.accepted == final.profile_ids


@row_17.case
async def is_told_to_end_during_an_attempt(folder: Path) -> None:
    answer_now = threading.Event()
    with Backend(after(answer_now, 200), 200) as backend, Folder(folder) as home:
        process = _start(home, backend.url, 60)
        backend.wait_for(lambda backend: backend.requests)
        process.send_signal(signal.SIGINT)
        threading.Timer(0.3, answer_now.set).start()
        result = finish(process)
        assert result.status == 128 + signal.SIGINT
        first, final = backend.requests
        assert not {*first.profile_ids} & {*final.profile_ids}, "the answer under way was waited for"
        assert backend.accepted == first.profile_ids + final.profile_ids


@row_17.case
async def is_told_to_end_before_the_first_window(folder: Path) -> None:
    with Backend() as backend, Folder(folder) as home:
        process = _start(home, backend.url, 60, interval_s=300)
        process.send_signal(signal.SIGTERM)
        result = finish(process)
        assert result.status == 128 + signal.SIGTERM
        assert len(backend.accepted) == 1


@row_18.case
async def has_a_backend_that_hangs(folder: Path) -> None:
    with Backend(hang) as backend, Folder(folder) as home:
        process = _start(home, backend.url, 1.5)
        result = finish(process)
        ended_s = time.monotonic()
        assert result.status == 0
        assert "Traceback" not in result.stderr
        kept = re.search(r"Could not send final profiles \((\d+) kept on disk", result.stderr)
        assert kept, result.stderr
        # The program ended before its last window's report came; from there on it is the deadline that counts.
        assert ended_s - backend.requests[0].arrived_s < 8 + 5, "the deadline, and what a busy machine adds"
        backend.answers(200)
        later = finish(_start(home, backend.url, 0.1))
        assert later.status == 0
        assert f"Took over {kept[1]} profiles" in later.stderr, later.stderr
        # What is kept comes first, perhaps together with the successor's own.
        assert backend.accepted[: int(kept[1])] == backend.requests[1].profile_ids[: int(kept[1])]
        assert set(backend.requests[0].profile_ids) < set(backend.accepted)
        assert len(backend.accepted) == len({*backend.accepted})


@row_19.case
async def is_killed_mid_send(folder: Path) -> None:
    with Backend(500, hang) as backend, Folder(folder) as home:
        process = _start(home, backend.url, 60)
        backend.wait_for(lambda backend: len(backend.requests) == 2)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        undelivered = backend.requests[1].profile_ids
        home.write("enough", "")
        _until((folder / "unharmed").exists)
        backend.answers(200)
        result = finish(_start(home, backend.url, 0.1))
        assert any("Took over" in line for line in result.lines), result.stderr
        assert {*undelivered} <= {*backend.accepted}
        assert len(backend.accepted) == len({*backend.accepted})
        assert not list(home.home.rglob("*.profile"))


def _until(condition: object, deadline_s: float = 20.0) -> None:
    ends_s = time.monotonic() + deadline_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < ends_s
        time.sleep(0.02)
