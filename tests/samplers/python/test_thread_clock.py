"""Whether a thread runs at the very moment of a look, and whether it did until we took its processor."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.samplers.python.promptness import ask_for_promptness
from multi_lang_profiler.engine.samplers.python.thread_clock import OwnTurn, ThreadClock, ThreadEnded

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE_S = 20.0


@pytest.fixture
def busy() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"])
    yield process.pid
    process.kill()
    process.wait()


@pytest.fixture
def one_processor() -> Iterator[int]:
    """The test runs on this one alone."""
    before = os.sched_getaffinity(0)
    chosen = min(before)
    os.sched_setaffinity(0, {chosen})
    yield chosen
    os.sched_setaffinity(0, before)


def looks(pid: int, *, is_prompt: bool, enough: int) -> int:
    """How many looks of ours, each right after a pause, met the thread running; `enough` of those are."""
    clock, turn = ThreadClock(pid, pid), OwnTurn()
    met = 0
    ends_s = time.monotonic() + DEADLINE_S
    number = 0
    while met < enough and time.monotonic() < ends_s and (is_prompt or number < 100):
        number += 1
        turn.pause()
        time.sleep(0.003)
        turn.begin()
        turn._is_prompt = turn.is_prompt and is_prompt
        clock.read()
        runs, wants_to = clock.look(turn)
        met += runs
        assert wants_to or not runs
    clock.close()
    return met


@pytest.mark.skipif(not Path("/proc/self/sched").exists(), reason="the kernel tells nobody when threads began to run")
def test_a_thread_that_we_displaced_ran_until_then(busy: int, one_processor: int) -> None:
    """Where both have but one processor, a look that comes in time meets it running; one that had to wait says nothing."""
    os.sched_setaffinity(busy, {one_processor})
    ask_for_promptness()
    assert looks(busy, is_prompt=True, enough=3) == 3
    assert looks(busy, is_prompt=False, enough=1) == 0


def test_a_thread_that_runs_on_another_processor_is_met_there(busy: int) -> None:
    """Nobody needs to be displaced for that."""
    assert looks(busy, is_prompt=True, enough=3) == 3


def test_a_thread_that_waits_neither_runs_nor_wants_to() -> None:
    """Once it is known to be off, that need not be asked again until it has got a processor; an ended one is told."""
    process = subprocess.Popen([sys.executable, "-S", "-c", "print(flush=True); input()"], stdin=-1, stdout=-1)
    assert process.stdout
    process.stdout.readline()
    clock, turn = ThreadClock(process.pid, process.pid), OwnTurn()
    ends_s = time.monotonic() + DEADLINE_S
    clock.read()
    while clock.look(turn) != (False, False):
        clock.read()
        assert time.monotonic() < ends_s
    assert clock.is_off
    process.communicate(b"\n")
    with pytest.raises(ThreadEnded):
        clock.read()
    clock.close()
