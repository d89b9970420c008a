"""Programs of which earlier builds said what was not so, or nothing, each on every Java: `python -m tests.rows` shows what is said of them now."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.ledger import accounted
from tests.support.java import PROGRAMS, compile_java, every_java, java, on, sample

if TYPE_CHECKING:
    from tests.support.java import Sampled

pytestmark = pytest.mark.alone

MISSING = PROGRAMS.parent / "missing"
ATTEMPTS = 3


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    ledgers = (PROGRAMS.parent / "ledger" / f"{name}.java" for name in ("Busy", "Garbage"))
    compile_java(folder, MISSING / "Threads.java", MISSING / "Work.java", *ledgers)
    return folder


def _said_ms(sampled: Sampled) -> list[int]:
    """What the program says that its threads used."""
    return [int(number) for number in re.findall(rb"(\d+) ms", sampled.stderr)]


@every_java
async def test_the_end_of_the_jvm_has_nothing_of_what_main_used_before(tmp_path, rows, runtime, record_property):
    """`DestroyJavaVM` is main's thread with main's clock: behind 500 short threads `Shutdown.shutdown` got 5 to 16% of all, and has used nothing."""
    seen = []
    for _ in range(ATTEMPTS):
        sampled = await sample(tmp_path, "Threads", "500", java=java(runtime), options=on(rows))
        threads_ms, main_ms = _said_ms(sampled)
        end = sampled.seconds("Shutdown.shutdown") / sampled.total_s
        lost_s = sampled.recorder.lost_samples / sampled.rate_hz
        seen.append((end, threads_ms, main_ms, sampled.total_s, lost_s))
        record_property("measured", f"{100 * end:.1f}%")
        # A sample is of a hundredth of a second.
        assert sampled.seconds("Shutdown.shutdown") <= 0.01 * sampled.total_s + 1 / sampled.rate_hz, seen
        # The threads' time, less what they used to be born and to die.
        if sampled.total_s + lost_s > 0.6 * threads_ms / 1000:
            return
    pytest.fail(f"the end's share, what threads and main used, what was counted, what was lost: {seen}")


@every_java
async def test_what_main_has_used_is_in_samples_or_told(tmp_path, rows, runtime, record_property):
    """Of a program of 0.2 s of CPU, main's part before the first look included: what was in no sample was not spoken of either."""
    seen = []
    for _ in range(ATTEMPTS):
        sampled = await sample(tmp_path, "Work", "20", java=java(runtime), options=on(rows))
        [main_ms] = _said_ms(sampled)
        book = sampled.ledger.book()
        counted_s = sampled.seconds("Work.main", thread="main")
        seen.append((main_ms, counted_s, book.before_s))
        found = min(1, (counted_s + book.before_s) / (main_ms / 1000))
        record_property("measured", f"{100 * found:.0f}% of {main_ms} ms")
        # What it has used before `main` is the JVM's start, in which other threads have a part.
        if found >= 0.8 and counted_s > 0.3 * main_ms / 1000:
            return
    pytest.fail(f"what main used, counted for it, and told as before the sampler: {seen}")


@every_java
@pytest.mark.parametrize("program", ["Busy", "Garbage"])
def test_every_second_has_a_name(tmp_path, rows, runtime, program, record_property):
    """The JVM's own threads are known by what each Java calls them to the kernel: 27 leaves out the middle of long names (`C1 Comp..hread0`), and 4 to 13% had none."""
    options = ("--java", java(runtime), "--java-arg=-cp", f"--java-arg={rows}", "--async-profiler", "off")
    found = accounted("java", program, tmp_path, *options)
    record_property("measured", f"{found.left_over_percent:.1f}%")
    assert not found.faults, found.cpu
    assert found.named["JIT"] > 0.03, found.cpu
    assert found.named["profiler"] > 0.02, found.cpu
