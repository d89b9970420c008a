"""The ledger as the engine makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.profile.ledger import Ledger
from multi_lang_profiler.engine.settings import Mode

if TYPE_CHECKING:
    from multi_lang_profiler.engine.profile.recorder import Recorder
    from multi_lang_profiler.engine.settings import Settings


def make_ledger(recorder: Recorder, settings: Settings) -> Ledger:
    return Ledger(recorder, SystemClock(), rate_hz=float(settings.rate_hz), by_cpu=settings.mode is Mode.CPU)
