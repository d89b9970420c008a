"""The real reporter and spool in processes that are quick to start and are there to be killed.

    with Nursery(endpoint, spool, interval_s=0.01) as nursery:
        agent = nursery.start()
        agent.kill()

Each agent is a fork of one process that has everything imported. It says on its standard output what it has announced as accepted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx
import trustme

from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.reporting.events import BufferFull, ProfileAdded, SpoolDamaged, SpoolFailing
from multi_lang_profiler.engine.reporting.reporter import Reporter
from multi_lang_profiler.engine.reporting.spool import Spool
from multi_lang_profiler.engine.reporting.transport import HttpTransport
from multi_lang_profiler.engine.settings import ReportSettings, Secret

from .agent import make_profile

if TYPE_CHECKING:
    from multi_lang_profiler.engine.events import Event
    from multi_lang_profiler.engine.formats.wire import EncodedProfile

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class SmallAgent:
    pid: int
    nursery: Nursery

    @property
    def key(self) -> str:
        """Its API key, so that the backend can tell who sent what."""
        return f"Bearer {self.pid}"

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.nursery.ask(f"kill {self.pid}")


@dataclass(slots=True)
class Nursery:
    endpoint: str
    spool: Path
    interval_s: float
    accepted: list[str] = field(default_factory=list)
    """Ids that any agent has announced."""
    _process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        words = [sys.executable, "-m", __name__, self.endpoint, str(self.spool), str(self.interval_s)]
        # Reading all of the world's CAs would take longer than an agent lives.
        few_certificates = self.spool.with_name("ca.pem")
        trustme.CA().cert_pem.write_to_path(str(few_certificates))
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "SSL_CERT_FILE": str(few_certificates)},
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def start(self) -> SmallAgent:
        return SmallAgent(int(self.ask("start")), self)

    def ask(self, request: str) -> str:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(request + "\n")
        self._process.stdin.flush()
        while True:
            word, _, rest = self._process.stdout.readline().strip().partition(" ")
            if word == "accepted":
                self.accepted.append(rest)
            elif word == "done":
                return rest
            else:
                raise AssertionError(f"the nursery says {word} {rest}")


async def _report(endpoint: str, spool: Path, interval_s: float) -> None:
    latest: EncodedProfile | None = None

    async def close_window() -> EncodedProfile:
        nonlocal latest
        latest = make_profile()
        return latest

    def emit(event: Event) -> None:
        if isinstance(event, ProfileAdded):
            assert latest is not None
            os.write(1, f"accepted {latest.profile_id}\n".encode())
        elif isinstance(event, (BufferFull, SpoolFailing, SpoolDamaged)):
            os.write(1, f"unexpected {event.line}\n".encode())

    settings = ReportSettings(endpoint, interval_s=interval_s, max_buffer=1000, format="json")
    reporter = Reporter(
        settings,
        transport=HttpTransport(endpoint, Secret(str(os.getpid()))),
        clock=SystemClock(),
        emit=emit,
        spool=Spool(spool, endpoint),
    )
    await reporter.run(close_window)


async def _import_all() -> None:
    """One request, so that no fork has anything left to import."""
    async with httpx.AsyncClient() as client:
        with contextlib.suppress(httpx.HTTPError):
            await client.get("http://127.0.0.1:9/")


def _nurse(endpoint: str, spool: Path, interval_s: float) -> None:
    asyncio.run(_import_all())
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "start":
            pid = os.fork()
            if pid == 0:
                asyncio.run(_report(endpoint, spool, interval_s))
                os._exit(0)
            answer = f"done {pid}"
        else:
            os.kill(int(rest), signal.SIGKILL)
            os.waitpid(int(rest), 0)
            answer = "done"
        os.write(1, f"{answer}\n".encode())


if __name__ == "__main__":
    _nurse(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
