"""What was seen of threads turns into whole samples, and none is lost or made up on the way."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.processes import process_cpu_ns
from multi_lang_profiler.engine.profile.ledger import Ledger
from multi_lang_profiler.engine.profile.recorder import Recorder
from multi_lang_profiler.engine.profile.stacks import Frame
from multi_lang_profiler.engine.samplers.python.cpu_credit import CpuCredit, cpu_time
from multi_lang_profiler.engine.samplers.python.mojo import Seen
from multi_lang_profiler.engine.settings import Mode

NO_PROCESS = 1 << 22
"""Above every process number."""


def recorder_with_stack() -> tuple[Recorder, int]:
    recorder = Recorder()
    return recorder, recorder.table.stack([recorder.table.frame(Frame("f", "/app/a.py", 1))])


def make_credit(recorder: Recorder, mode: Mode, rate_hz: int) -> CpuCredit:
    return CpuCredit(recorder, Ledger(recorder, SystemClock(), rate_hz=rate_hz, by_cpu=mode is Mode.CPU), mode, rate_hz)


@given(st.lists(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 30_000)), max_size=5), max_size=20))
def test_in_wall_mode_time_is_conserved(chunks: list[list[tuple[int, int]]]) -> None:
    """However it comes, divided over threads and chunks, all time seen is counted, to less than one sample."""
    recorder, stack = recorder_with_stack()
    credit = make_credit(recorder, Mode.WALL, 100)
    for chunk in chunks:
        credit.add(Seen(NO_PROCESS, tid, stack, 1, time_us) for tid, time_us in chunk)
    total_us = sum(time_us for chunk in chunks for _, time_us in chunk)
    assert total_us / 10_000 - 1.001 <= recorder.run.total <= total_us / 10_000 + 0.001


def test_a_machine_that_slept_does_not_count_as_a_busy_one() -> None:
    """A sample that claims an hour, as after a suspend, counts for a second; the rest is told as lost."""
    recorder, stack = recorder_with_stack()
    make_credit(recorder, Mode.WALL, 100).add([Seen(NO_PROCESS, 1, stack, 1, 3_600_000_000)])
    assert recorder.run.total == 100
    assert recorder.lost_samples == 359_900


def test_a_process_that_is_gone_counts_as_it_did() -> None:
    """Of a process that has ended before anybody could ask, what Austin saw counts as it is."""
    recorder, stack = recorder_with_stack()
    make_credit(recorder, Mode.CPU, 100).add([Seen(NO_PROCESS, 1, stack, 5, 50_000)])
    assert recorder.run.total == 5


def test_a_thread_counts_for_the_time_it_ran_not_for_the_time_it_was_ready() -> None:
    """Austin sees a thread ready for a second; it has used a tenth of one since it was seen before: ten samples, not a hundred."""
    pid, tid = os.getpid(), threading.get_native_id()
    if cpu_time(pid, tid) is None:
        pytest.skip("this kernel does not count threads' CPU time (CONFIG_SCHED_INFO)")
    recorder, stack = recorder_with_stack()
    credit = make_credit(recorder, Mode.CPU, 1_000)
    credit.add([Seen(pid, tid, stack, 1, 0)])
    before = cpu_time(pid, tid)
    until = time.thread_time() + 0.1
    while time.thread_time() < until:
        pass
    credit.add([Seen(pid, tid, stack, 100, 1_000_000)])
    after = cpu_time(pid, tid)
    assert before is not None
    assert after is not None
    assert 90 <= recorder.run.total <= (after.running - before.running) / 1e6 + 20


def test_threads_that_ended_share_what_they_used() -> None:
    """Threads that came and went between two looks are worth together what the process counts for ended threads."""
    pid = os.getpid()
    recorder, stack = recorder_with_stack()
    credit = make_credit(recorder, Mode.CPU, 1_000)
    credit.add([Seen(pid, pid, stack, 1, 0)])
    used_s: list[float] = []

    def work() -> None:
        until = time.thread_time() + 0.02
        while time.thread_time() < until:
            pass
        used_s.append(time.thread_time())

    for _ in range(10):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        # The kernel may still have to take it away.
        while Path(f"/proc/{pid}/task/{thread.native_id}").exists():
            time.sleep(0.001)
    credit.add(Seen(pid, NO_PROCESS + number, stack, 2, 40_000) for number in range(5))
    assert 0.9 * sum(used_s) * 1_000 <= recorder.run.total <= 1.3 * sum(used_s) * 1_000 + 20


def test_the_clock_of_a_process_is_the_kernels() -> None:
    """The number made of a process's own is the clock that this process itself knows as its CPU time."""
    before = time.process_time_ns()
    ours = process_cpu_ns(os.getpid())
    assert ours is not None
    assert before <= ours <= time.process_time_ns()
    assert process_cpu_ns(NO_PROCESS) is None
