"""A thousand agents and the real `receive`, in real time: it is killed while they report, and started again on its database.

    python -m tests.reporting.simulation.real_fleet [AGENTS] [--interval SECONDS]
    python -m tests.engines fleet                  the same with a real OpenTelemetry Collector

The reporters are the real ones, in one process; the store is a process of its own on a database of its own. Prints a table; status 1
if a profile was lost, or acknowledged and not stored.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.formats.wire import EncodedProfile, encode
from multi_lang_profiler.engine.profile.profile import CallStack, FunctionStats
from multi_lang_profiler.engine.reporting.answer import Answer
from multi_lang_profiler.engine.reporting.reporter import Reporter
from multi_lang_profiler.engine.reporting.transport import TransportError
from multi_lang_profiler.engine.settings import ReportSettings
from tests.support.command import COMMAND
from tests.support.ports import free_port
from tests.support.profiles import a_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from multi_lang_profiler.engine.profile.profile import Profile

AGENTS = 1_000
INTERVAL_S = 10.0
JITTERS = (0.0, 0.2, 1.0)
_STATUS = re.compile(rb"HTTP/1\.1 (\d+) ")
_RETRY_AFTER = re.compile(rb"\r\nRetry-After: (\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Outcome:
    peak_per_s: int
    """Most requests in one second, the outage left out."""
    refused: int
    """Answered 503 with Retry-After."""
    drained_s: float | None
    """From the store's return until nobody held a profile from before; None if that was never so."""
    accepted: int
    delivered: int
    buffered: int
    stored: int
    """Different profiles in the database."""
    unstored: int
    """Profiles that were acknowledged and are not there."""


class Store(Protocol):
    """A backend that can be killed, and comes back with what it had stored."""

    port: int
    path: str
    format: str

    def start(self) -> None: ...

    def kill(self, number: int = signal.SIGKILL) -> None: ...

    def stored(self) -> set[str]:
        """Ids of the profiles in it, once it has ended."""


class Receive:
    """The process, on one port and one database through all its lives."""

    path, format = "/api/v0/profiles", "protobuf"

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.database = folder / "profiles.sqlite"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = ("receive", "--listen", f"127.0.0.1:{self.port}", "--database", str(self.database))
        self._process = subprocess.Popen([COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert self._process.stdout is not None
        assert b"Receiving" in self._process.stdout.readline()

    def kill(self, number: int = signal.SIGKILL) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.communicate()

    def stored(self) -> set[str]:
        with closing(sqlite3.connect(self.database)) as database:
            return {row[0] for row in database.execute("SELECT profile_id FROM profiles")}


class _Network:
    """The agents' requests, counted; a connection for each, as agents have it."""

    def __init__(self, store: Store) -> None:
        self._port, self._path = store.port, store.path
        self.requests: Counter[int] = Counter()
        """Second -> requests in it that reached the store."""
        self.refused = 0

    def warm_up(self) -> None:
        pass

    def close(self) -> None:
        pass

    async def post(self, body: bytes, content_type: str, deadline_s: float) -> Answer:
        head = (
            f"POST {self._path} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        )
        try:
            async with asyncio.timeout(deadline_s):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                try:
                    self.requests[int(time.monotonic())] += 1
                    writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
                    told = await reader.read()
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            raise TransportError(f"HTTP request failed: {type(error).__name__}") from None
        status = _STATUS.match(told)
        if not status:
            raise TransportError("HTTP request failed: no answer")
        asked = _RETRY_AFTER.search(told)
        self.refused += status[1] == b"503"
        return Answer(int(status[1]), asked[1].decode() if asked else "")


def a_window() -> Profile:
    """With a sample in it: of one without any the Collector says that it took it, and forgets it."""
    worked = FunctionStats("work", "app.py", 1, 1, 1)
    stack = CallStack(((0, 1),), 1)
    return replace(a_profile(), total_samples=1, functions=(worked,), functions_executed=1, call_stacks=(stack,))


async def simulate(agents: int, jitter: float, interval_s: float, store: Store) -> Outcome:
    """Two intervals, an outage of one and a half, and as many as it takes, six at the most."""
    chance = random.Random(1)
    network = _Network(store)
    endpoint = f"http://127.0.0.1:{store.port}{store.path}"
    settings = ReportSettings(endpoint, interval_s=interval_s, jitter=jitter, format=store.format)
    made_s: dict[str, float] = {}

    async def close_window() -> EncodedProfile:
        profile = encode(a_window(), store.format)
        made_s[profile.profile_id] = time.monotonic()
        return profile

    async def run(reporter: Reporter) -> None:
        await asyncio.sleep(chance.uniform(0, interval_s / 10))
        await reporter.run(close_window)

    reporters = [
        Reporter(settings, transport=network, clock=SystemClock(), emit=lambda _: None, random=random.Random(n))
        for n in range(agents)
    ]
    store.start()
    running = [asyncio.create_task(run(reporter)) for reporter in reporters]
    await asyncio.sleep((2.1 + jitter) * interval_s)
    await asyncio.to_thread(store.kill)
    await asyncio.sleep(1.5 * interval_s)
    await asyncio.to_thread(store.start)
    back_s, drained_s = time.monotonic(), None
    while drained_s is None and time.monotonic() < back_s + 6 * interval_s:
        await asyncio.sleep(0.1)
        held = (profile.profile_id for reporter in reporters for profile in reporter._buffer.held()[:1])
        if min((made_s[name] for name in held), default=back_s) >= back_s:
            drained_s = time.monotonic() - back_s
    await asyncio.gather(*(reporter.finish(None, 8.0) for reporter in reporters))
    for task in running:
        task.cancel()
    await asyncio.to_thread(store.kill, signal.SIGINT)
    stored = store.stored()
    states = [reporter.state for reporter in reporters]
    held_ids = {profile.profile_id for reporter in reporters for profile in reporter._buffer.held()}
    return Outcome(
        peak_per_s=max(network.requests.values()),
        refused=network.refused,
        drained_s=drained_s,
        accepted=sum(state.accepted for state in states),
        delivered=sum(state.delivered for state in states),
        buffered=sum(state.buffered for state in states),
        stored=len(stored),
        unstored=len({*made_s} - held_ids - stored),
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reporting.simulation.real_fleet")
    parser.add_argument("agents", type=int, nargs="?", default=AGENTS)
    parser.add_argument("--interval", type=float, default=INTERVAL_S, metavar="SECONDS")
    options = parser.parse_args()
    return 1 if table(Receive, options.agents, options.interval, JITTERS) else 0


def table(store: Callable[[Path], Store], agents: int, interval_s: float, jitters: Sequence[float]) -> bool:
    """Print what became of them with each jitter; whether something was lost."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print("| jitter | requests/s at most | answered 503 | drained after | accepted | lost | acknowledged, not stored |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    wrong = False
    for jitter in jitters:
        with tempfile.TemporaryDirectory(prefix="mlp-fleet-") as name:
            outcome = asyncio.run(simulate(agents, jitter, interval_s, store(Path(name))))
        lost = outcome.accepted - outcome.delivered - outcome.buffered
        drained = "not in time" if outcome.drained_s is None else f"{outcome.drained_s:.1f} s"
        wrong |= bool(lost or outcome.unstored)
        print(
            f"| {jitter:g} | {outcome.peak_per_s} | {outcome.refused} | {drained} | {outcome.accepted} | {lost} "
            f"| {outcome.unstored} |",
            flush=True,
        )
    return wrong


if __name__ == "__main__":
    sys.exit(main())
