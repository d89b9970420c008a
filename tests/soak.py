"""Ten minutes, or as many seconds as are said, of a backend that fails 70% of all requests in every way it can.

    python -m tests.soak [SECONDS]

A profile a second. At the end the books must balance to the last profile, and memory must be what it was. Status 1 if not.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.reporting.reporter import Reporter
from multi_lang_profiler.engine.reporting.spool import Spool
from multi_lang_profiler.engine.reporting.transport import HttpTransport
from multi_lang_profiler.engine.settings import ReportSettings

from .support.agent import make_profile
from .support.backend import Backend, Exchange, drip, hang, lose_answer, ok, raw, reset, with_headers

if TYPE_CHECKING:
    from multi_lang_profiler.engine.events import Event
    from multi_lang_profiler.engine.formats.wire import EncodedProfile

    from .support.backend import Answer

SECONDS = 600.0
INTERVAL_S = 1.0
FAILING = 0.7
PROFILE_BYTES = 10_000
MEMORY_GROWTH_KB = 10_000
"""What the second half may add to the first."""

FAILURES: list[Answer] = [
    500,
    401,
    413,
    with_headers(429, Retry_After="1"),
    with_headers(503, Retry_After="nan"),
    reset,
    lose_answer,
    hang,
    drip(b"HTTP/1.1 200 OK\r\n", pause_s=0.05),
    raw(b"garbage\r\n\r\n"),
]


async def soak(seconds: float, folder: Path) -> list[str]:
    """What is wrong at the end; prints the figures."""
    chance = random.Random(29)
    counts: Counter[str] = Counter()
    accepted: list[str] = []

    async def moody(exchange: Exchange) -> None:
        failure = chance.choice(FAILURES) if chance.random() < FAILING else ok
        counts["failed requests"] += failure is not ok
        await (exchange.status(failure) if isinstance(failure, int) else failure(exchange))
        # The backend is in our process, and its memory is not what is measured.
        exchange.backend.requests.clear()

    async def close_window() -> EncodedProfile:
        profile = make_profile(PROFILE_BYTES)
        accepted.append(profile.profile_id)
        return profile

    def emit(event: Event) -> None:
        counts[type(event).__name__] += 1

    with Backend(moody) as backend:
        settings = ReportSettings(backend.url, interval_s=INTERVAL_S, format="json", attempt_deadline_s=2.0)
        reporter = Reporter(
            settings,
            transport=HttpTransport(backend.url, None),
            clock=SystemClock(),
            emit=emit,
            spool=Spool(folder, backend.url),
        )
        running = asyncio.create_task(reporter.run(close_window))
        await asyncio.sleep(seconds / 2)
        half_way_kb, half_way_cpu_s = _memory_kb(), time.process_time()
        await asyncio.sleep(seconds / 2)
        end_kb, cpu_s = _memory_kb(), time.process_time() - half_way_cpu_s
        alive = not running.done()
        backend.answers(200)
        await reporter.finish(await close_window(), 8)
        state = reporter.state
        stored, delivered = Counter(backend.accepted), set(backend.accepted)
        left = [*folder.rglob("*.profile")]
    twice = sum(times - 1 for times in stored.values())
    print(f"{seconds:g} s, {len(accepted)} windows, {counts['failed requests']} failed requests")
    print(f"accepted {state.accepted}, delivered {state.delivered}, discarded {state.discarded}, kept {state.buffered}")
    print(f"stored {len(delivered)} profiles, {twice} of them again after an answer that was lost")
    print(f"memory {half_way_kb} KB half-way, {end_kb} KB at the end; CPU {cpu_s / (seconds / 2):.2%} with the backend")
    return [
        what
        for what, is_so in {
            "the reporter's task died": not alive,
            "windows were missed": len(accepted) < seconds / INTERVAL_S - 2,
            "the books do not balance": state.accepted
            != state.delivered + state.discarded + state.set_aside + state.buffered
            or state.accepted != len(accepted),
            "a profile was lost": len({*accepted} - delivered) > state.discarded,
            "a profile came from nowhere": not delivered <= {*accepted},
            "the order is wrong": _first_arrivals(backend.accepted) != [name for name in accepted if name in delivered],
            "something is left on disk": bool(left),
            "memory grew": end_kb - half_way_kb > MEMORY_GROWTH_KB,
        }.items()
        if is_so
    ]


def _first_arrivals(profile_ids: list[str]) -> list[str]:
    return list(dict.fromkeys(profile_ids))


def _memory_kb() -> int:
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with tempfile.TemporaryDirectory(prefix="mlp-soak-") as name:
        wrong = asyncio.run(soak(seconds, Path(name)))
    print("\n".join(wrong) if wrong else "all is well")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
