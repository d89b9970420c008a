"""How often running threads are looked at, and when samples were taken: the real samplers at programs that are always busy."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.profile.recorder import Recorder, Second
from multi_lang_profiler.engine.program.run import Run
from multi_lang_profiler.engine.samplers.go.sampler import MAX_RATE_HZ
from multi_lang_profiler.engine.samplers.sampler import Context
from multi_lang_profiler.engine.settings import Language, Settings
from tests.support.go import go
from tests.support.java import jdk
from tests.support.ledger import make_ledger
from tests.support.node import TOOLCHAINS, node

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.alone

BUSY_S = 4
BIN_S = 0.2
"""Shorter than any sampler's windows."""
PYTHON = f"""
import time
while time.process_time() < {BUSY_S}:
    sum(range(1000))
"""
JAVASCRIPT = f"""
function sum(n) {{ let x = 0; for (let i = 0; i < n; i++) x += i % 7; return x; }}
for (let used = 0; used < {BUSY_S}e6; used = process.cpuUsage().user) sum(100000);
"""
JAVA = f"""
public class App {{
  static volatile long sum;
  public static void main(String[] arguments) {{
    var threads = java.lang.management.ManagementFactory.getThreadMXBean();
    while (threads.getCurrentThreadCpuTime() < {BUSY_S}e9) for (int i = 0; i < 100000; i++) sum += i % 7;
  }}
}}
"""
GO = f"""
package main

import "syscall"

var sum int

func main() {{
	var used syscall.Rusage
	for used.Utime.Sec < {BUSY_S} {{
		for i := 0; i < 100000; i++ {{
			sum += i % 7
		}}
		syscall.Getrusage(0, &used)
	}}
}}
"""
PROGRAMS: dict[Language, tuple[str, str, Callable[[], object]]] = {
    Language.PYTHON: ("app.py", PYTHON, lambda: sys.executable),
    Language.JAVASCRIPT: ("app.js", JAVASCRIPT, lambda: node(24)),
    Language.JAVA: ("App.java", JAVA, jdk),
    Language.GO: ("app.go", GO, go),
}


@pytest.fixture(autouse=True)
def in_folder(tmp_path, monkeypatch) -> None:
    """The command runs the program in its own working folder."""
    monkeypatch.chdir(tmp_path)


async def sampled(folder: Path, settings: Settings) -> tuple[list[Second], Recorder]:
    """The run cut into pieces of `BIN_S`, and all of it."""
    recorder, clock, private = Recorder(), SystemClock(), folder / "private"
    private.mkdir()
    ledger = make_ledger(recorder, settings)
    context = Context(
        settings, recorder, lambda _: None, clock, lambda _: None, lambda: private, lambda: TOOLCHAINS, ledger, []
    )
    run = Run(context, None)
    await run.start()
    bins: list[Second] = []

    async def cut() -> None:
        while True:
            bins.append(recorder.close_second(time.monotonic()))
            await asyncio.sleep(BIN_S)

    cutting = asyncio.create_task(cut())
    assert await run.finish() == 0
    cutting.cancel()
    await run.close()
    return bins, recorder


def settings_of(language: Language, folder: Path, **changes: Any) -> Settings:
    name, text, runtime = PROGRAMS[language]
    (folder / name).write_text(text)
    made = Settings(language=language, program=name, runtime=str(runtime()), working_folder=folder)
    return made._replace(**changes)


def looks_hz(bins: list[Second]) -> float:
    return sum(each.looks for each in bins) / sum(each.looked_s for each in bins)


@pytest.mark.parametrize("language", PROGRAMS)
async def test_looks_are_as_often_as_asked_and_samples_where_they_were_taken(tmp_path, language):
    """A busy thread is looked at about as often as asked for; windows that come late leave no gap in the time before."""
    bins, recorder = await sampled(tmp_path, settings_of(language, tmp_path))
    assert 50 < looks_hz(bins) < 110
    assert sum(each.samples for each in bins) == pytest.approx(recorder.run.total, abs=40)
    seen = [each.samples for each in bins]
    first = next(number for number, samples in enumerate(seen) if samples)
    last = len(seen) - next(number for number, samples in enumerate(reversed(seen)) if samples)
    # The last window of all can come after the last cut.
    busy = seen[first + 1 : last - 1 - round(1.2 / BIN_S)]
    assert len(busy) > 5
    assert min(busy) > 0, seen


async def test_a_rate_that_cannot_be_had_is_not_claimed(tmp_path):
    """Go's runtime cannot look 2,000 times a second. The samples weigh as many; the rate that is told is the true one."""
    bins, recorder = await sampled(tmp_path, settings_of(Language.GO, tmp_path, rate_hz=2_000))
    assert 0 < looks_hz(bins) <= 1.1 * MAX_RATE_HZ
    assert recorder.run.total > 0.8 * 2_000 * BUSY_S
