"""A real reporter, profiles to report, and a backend in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.formats.wire import EncodedProfile
from multi_lang_profiler.engine.reporting.reporter import Reporter
from multi_lang_profiler.engine.reporting.spool import Spool
from multi_lang_profiler.engine.reporting.transport import HttpTransport
from multi_lang_profiler.engine.settings import ReportSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

PROFILE_BYTES = 5_000


def reporter(url: str, folder: Path, *, interval_s: float = 300.0, max_buffer: int = 100) -> Reporter:
    settings = ReportSettings(url, interval_s=interval_s, max_buffer=max_buffer, attempt_deadline_s=60.0)
    return Reporter(
        settings,
        transport=HttpTransport(url, None),
        clock=SystemClock(),
        emit=lambda _: None,
        spool=Spool(folder, url),
    )


def a_profile() -> EncodedProfile:
    profile_id = str(uuid.uuid4())
    padding = os.urandom(PROFILE_BYTES // 2).hex()
    return EncodedProfile(profile_id, "json", f'{{"profile_id":"{profile_id}","padding":"{padding}"}}'.encode())


@contextmanager
def backend(bytes_per_s: float | None = None) -> Iterator[str]:
    """The URL of a backend that reads no faster than that."""
    code = (
        "import sys\nfrom tests.support.backend import Backend\n"
        f"with Backend(bytes_per_s={bytes_per_s}) as backend:\n    print(backend.url, flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate("")
