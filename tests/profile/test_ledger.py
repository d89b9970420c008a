"""Every CPU second has a name: whatever samplers tell, and whenever, the parts add up to what the kernel counted."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.profile.book import Book
from multi_lang_profiler.engine.profile.ledger import Ledger
from multi_lang_profiler.engine.profile.recorder import Recorder
from multi_lang_profiler.engine.profile.stacks import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE_S = 30.0
SECONDS = st.floats(0, 1_000)
BOOKS = st.builds(
    Book,
    cpu_s=SECONDS,
    attributed_s=SECONDS,
    native_s=st.dictionaries(st.sampled_from("abc"), SECONDS),
    unsampled_s=st.dictionaries(st.tuples(st.sampled_from("abc"), st.just("too short")), SECONDS),
    before_s=SECONDS,
    gaps_s=SECONDS,
    lost_s=SECONDS,
    pending_s=SECONDS,
)
BURN = """
import os, sys, threading, time
def burn(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until: pass
"""


def sum_of_parts(book: Book) -> float:
    named_s = sum(seconds for _, seconds in book.parts())
    return book.attributed_s + book.pending_s + named_s + book.left_over_s


@given(BOOKS, BOOKS)
def test_the_parts_add_up(one: Book, other: Book) -> None:
    """In a book, in the difference of two, in the sum of two; and a difference is what has to be added."""
    for book in (one, one.since(other), one.plus(other)):
        assert sum_of_parts(book) == pytest.approx(book.cpu_s, abs=1e-6)
    again = other.plus(one.since(other))
    assert again.cpu_s == pytest.approx(one.cpu_s, abs=1e-6)
    for name, seconds in again.parts():
        assert seconds == pytest.approx(dict(one.parts()).get(name, 0.0), abs=1e-6)


class Kept:
    """A Python program under a ledger; the test plays the sampler."""

    def __init__(self, code: str) -> None:
        self.recorder = Recorder()
        self.ledger = Ledger(self.recorder, SystemClock(), rate_hz=100, by_cpu=True)
        self._stack = self.recorder.table.stack([self.recorder.table.frame(Frame("f", "/app/a.py", 1))])
        self.program = subprocess.Popen(
            (sys.executable, "-S", "-c", BURN + code), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.ledger.begin(self.program.pid, is_ours=True)

    def tell(self) -> None:
        """Have it read a line of its standard input."""
        assert self.program.stdin is not None
        self.program.stdin.write(b"\n")
        self.program.stdin.flush()

    def heard(self) -> str:
        assert self.program.stdout is not None
        return self.program.stdout.readline().decode().strip()

    def sampled(self, seconds: float) -> None:
        self.recorder.add(0, self._stack, round(seconds * 100))

    def look_until(self, condition: Callable[[], object]) -> None:
        ends_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < ends_s
            time.sleep(0.02)
            self.ledger.look()

    def end(self) -> tuple[Book, float]:
        """The run's book, and the CPU seconds of the program and those it waited for as the kernel has them."""
        pid = self.program.pid
        self.look_until(lambda: os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG))
        self.ledger.last_look()
        self.ledger.end()
        _, _, usage = os.wait4(pid, 0)
        self.program.returncode = 0
        for pipe in (self.program.stdin, self.program.stdout):
            if pipe:
                pipe.close()
        return self.ledger.book(), usage.ru_utime + usage.ru_stime


def test_what_is_used_before_a_sampler_and_while_it_is_away_is_told() -> None:
    """Three stretches of 0.2 s: before `covers`, under it, and after `leaves`."""
    kept = Kept("for _ in range(3):\n    burn(0.2); print(flush=True); sys.stdin.readline()\n")
    pid = kept.program.pid
    kept.heard()
    kept.ledger.covers(pid)
    kept.tell()
    kept.heard()
    kept.sampled(0.2)
    kept.ledger.leaves(pid)
    kept.tell()
    kept.heard()
    kept.tell()
    book, kernel_s = kept.end()
    assert book.cpu_s == pytest.approx(kernel_s, abs=0.02)
    assert book.attributed_s == pytest.approx(0.2)
    assert book.before_s == pytest.approx(kernel_s - 0.4, abs=0.04)
    assert book.gaps_s == pytest.approx(0.2, abs=0.04)
    assert abs(book.left_over_s) < 0.04


def test_the_end_of_a_sampled_process_is_no_gap() -> None:
    """What the kernel tells of a child only after it was waited for was sampled, although its sampler has left by then."""
    code = """
child = subprocess.Popen([sys.executable, "-S", "-c", "import time\\ninput()\\nwhile time.process_time() < 0.3: pass"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
sys.stdin.readline()
child.communicate(b"\\n")
print(flush=True)
sys.stdin.readline()
"""
    kept = Kept("import subprocess\n" + code)
    kept.ledger.covers(kept.program.pid)
    child = int(kept.heard())
    kept.look_until(lambda: child in kept.ledger.members)
    kept.ledger.covers(child)
    kept.tell()
    kept.heard()
    kept.ledger.leaves(child)
    kept.tell()
    book, kernel_s = kept.end()
    assert book.cpu_s == pytest.approx(kernel_s, abs=0.03)
    assert book.gaps_s == 0
    assert book.left_over_s > 0.2


def test_samples_that_come_late_were_taken_before() -> None:
    """A sampler that has looked for a while already when it tells: that time is neither before it nor left over."""
    kept = Kept("burn(0.4); print(flush=True); sys.stdin.readline()\n")
    kept.heard()
    kept.sampled(0.3)
    kept.ledger.covers(kept.program.pid, already_s=0.3)
    kept.tell()
    book, kernel_s = kept.end()
    assert book.before_s == pytest.approx(kernel_s - 0.3, abs=0.04)
    assert abs(book.left_over_s) < 0.04


@pytest.mark.parametrize(("does_end", "group"), [(False, "pool-1"), (True, "threads that ended")])
def test_a_sampler_that_was_there_from_the_start_is_of_its_threads_alone(does_end: bool, group: str) -> None:
    """It tells so late, of a short program say, and no sample is of what others have used by then: they are named, not left over."""
    code = f"""
import ctypes
libc = ctypes.CDLL(None)
def work():
    libc.prctl(15, b"pool-1", 0, 0, 0)
    burn(0.3)
    if not {does_end}: print(flush=True); time.sleep(60)
thread = threading.Thread(target=work, daemon=True)
thread.start()
burn(0.1)
if {does_end}:
    while len(os.listdir("/proc/self/task")) > 1: time.sleep(0.01)
    print(flush=True)
sys.stdin.readline()
"""
    kept = Kept(code)
    kept.heard()
    kept.ledger.covers(kept.program.pid, by_thread=True, already_s=1e6)
    kept.ledger.threads(kept.program.pid, {kept.program.pid: ""})
    kept.tell()
    kept.look_until(lambda: os.waitid(os.P_PID, kept.program.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG))
    kept.sampled(kept.ledger.members[kept.program.pid].cpu_ns / 1e9 - 0.3)
    book, _ = kept.end()
    assert book.native_s[group] == pytest.approx(0.3, abs=0.06)
    assert abs(book.left_over_s) < 0.06


def test_threads_of_a_process_that_ends_soon_are_read_before() -> None:
    """Its runtime's threads end with it, and what they used since they were read last has no name; a JVM of a second is read several times."""
    code = """
import ctypes
libc = ctypes.CDLL(None)
def work():
    libc.prctl(15, b"pool-1", 0, 0, 0)
    burn(60)
threading.Thread(target=work, daemon=True).start()
print(flush=True)
time.sleep(1.5)
os._exit(0)
"""
    kept = Kept(code)
    kept.heard()
    kept.ledger.covers(kept.program.pid, by_thread=True)
    kept.ledger.threads(kept.program.pid, {kept.program.pid: ""})
    kept.tell()
    # What may be spent on reading threads is spent.
    kept.ledger._threads_due_s = float("inf")
    kept.look_until(lambda: os.waitid(os.P_PID, kept.program.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG))
    book, _ = kept.end()
    assert book.native_s["pool-1"] > 0.5 * book.cpu_s


@pytest.mark.parametrize("before_s", [0.3, 0.1])
def test_what_a_thread_used_before_its_sampler_is_taken_once(before_s: float) -> None:
    """A worker has its own sampler, which tells of what was before that; what was before the process's is told already. Where that one came later, it is not."""
    code = """
def work():
    burn(0.3)
    os.write(1, b"%d\\n" % threading.get_native_id())
    os.read(0, 1)
    burn(0.2)
threading.Thread(target=work).start()
"""
    kept = Kept(code)
    worker = int(kept.heard())
    kept.ledger.covers(kept.program.pid, by_thread=True)
    kept.ledger.threads(kept.program.pid, {kept.program.pid: ""})
    kept.ledger.threads(kept.program.pid, {worker: ""}, before_s=before_s)
    kept.sampled(0.5 - before_s)
    kept.tell()
    book, kernel_s = kept.end()
    assert book.before_s == pytest.approx(kernel_s - (0.5 - before_s), abs=0.06)
    assert abs(book.left_over_s) < 0.06


def test_what_is_used_outside_of_functions_is_told_apart() -> None:
    """Of a sampled thread: no sample is of it, and it is no more than the thread has used."""
    kept = Kept("burn(0.3); print(flush=True); sys.stdin.readline()\n")
    kept.ledger.covers(kept.program.pid)
    kept.heard()
    kept.ledger.outside(kept.program.pid, "outside of JavaScript", 100_000_000)
    kept.sampled(0.2)
    kept.tell()
    book, _ = kept.end()
    assert book.native_s == {"outside of JavaScript": pytest.approx(0.1)}
    assert abs(book.left_over_s) < 0.06


def test_what_runs_on_uses_its_time_after_the_run() -> None:
    """Of a daemon that is still there once all samples were handed over, nothing more is booked."""
    kept = Kept("sys.stdin.readline() if os.fork() else burn(30)\n")
    kept.look_until(kept.ledger.living)
    kept.tell()
    kept.look_until(lambda: os.waitid(os.P_PID, kept.program.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG))
    kept.ledger.last_look()
    kept.ledger.stop_counting()
    (daemon,) = kept.ledger.living()
    try:
        before = kept.ledger.book()
        time.sleep(0.3)
        kept.ledger.look(at_all=True)
        book, _ = kept.end()
        assert daemon in kept.ledger.living()
        assert book == before
    finally:
        os.kill(daemon.pid, 9)


@pytest.mark.parametrize("pieces", [(0.25, 0.05), (0.05, 0.25)])
def test_pieces_that_a_process_left_behind_are_found_in_any_order(pieces: tuple[float, float]) -> None:
    """Their samples are counted, so that what they are of was neither before the sampler nor is it taken twice."""
    kept = Kept("burn(0.4); print(flush=True); sys.stdin.readline()\n")
    kept.heard()
    for seconds in pieces:
        kept.sampled(seconds)
        kept.ledger.covers(kept.program.pid, already_s=seconds, is_piece=True)
        kept.ledger.leaves(kept.program.pid)
    kept.tell()
    book, kernel_s = kept.end()
    assert book.before_s == pytest.approx(kernel_s - 0.3, abs=0.04)
    assert abs(book.left_over_s) < 0.04


def test_processes_that_nobody_samples_have_a_name_and_a_reason() -> None:
    """Those that are refused, those too short for a sampler, and those that were not even seen, by who waited for them."""
    code = """
import subprocess
burn(0.1)
child = subprocess.Popen([sys.executable, "-S", "-c", "import time\\nwhile time.process_time() < 0.3: pass\\ninput()"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
sys.stdin.readline()
child.communicate(b"\\n")
"""
    kept = Kept(code)
    kept.ledger.covers(kept.program.pid)
    child = int(kept.heard())
    kept.ledger.refuses(child, "another user's")
    kept.look_until(lambda: child in kept.ledger.members and kept.ledger.members[child].cpu_ns > 0.25e9)
    kept.tell()
    book, kernel_s = kept.end()
    assert book.cpu_s == pytest.approx(kernel_s, abs=0.03)
    (((command, reason), seconds),) = book.unsampled_s.items()
    assert reason == "another user's"
    assert command.startswith("python")
    assert seconds == pytest.approx(0.3, abs=0.04)


def test_threads_without_samples_are_native_and_named() -> None:
    """Those the sampler says nothing of, by their names, to the end of the program; also groups that it names."""
    code = """
import ctypes
libc = ctypes.CDLL(None)
begun = threading.Barrier(3)  # or one that is done takes another's word
def work(name, seconds):
    libc.prctl(15, name.encode(), 0, 0, 0)
    os.write(1, b"%d\\n" % threading.get_native_id())
    os.read(0, 1)
    begun.wait()
    burn(seconds)
    os.write(1, b"done\\n")
    os.read(0, 1)
sys.setswitchinterval(0.001)
for name in ("pool-1", "sampled", "helper"):
    threading.Thread(target=work, args=(name, 0.2)).start()
"""
    kept = Kept(code)
    kept.ledger.covers(kept.program.pid, by_thread=True)
    names = {}
    for _ in range(3):
        tid = int(kept.heard())
        names[Path(f"/proc/{kept.program.pid}/task/{tid}/comm").read_text().strip()] = tid
    kept.ledger.threads(kept.program.pid, {kept.program.pid: "", names["sampled"]: "", names["helper"]: "ours"})
    kept.look_until(lambda: True)
    for _ in range(3):
        kept.tell()
    kept.sampled(0.2)
    # They live until all that they used was read.
    assert {kept.heard() for _ in range(3)} == {"done"}
    kept.look_until(lambda: sum(kept.ledger.book().native_s.values()) > 0.35)
    kept.ledger.covers(kept.program.pid, by_thread=True)
    for _ in range(3):
        kept.tell()
    book, kernel_s = kept.end()
    assert book.cpu_s == pytest.approx(kernel_s, abs=0.02)
    assert sum(book.native_s.values()) == pytest.approx(0.4, abs=0.1)
    assert set(book.native_s) == {"pool-1", "ours"}


def test_what_threads_use_after_the_last_look_is_not_what_they_used_before() -> None:
    """A native thread has worked when the threads are read last, then a sampled one does to the end: that is not booked on the first, too."""
    code = """
import ctypes
libc = ctypes.CDLL(None)
begun = threading.Barrier(2)
def work(name, seconds):
    libc.prctl(15, name.encode(), 0, 0, 0)
    os.write(1, b"%d\\n" % threading.get_native_id())
    os.read(0, 1)
    begun.wait()
    burn(seconds)
    os.write(1, b"done\\n")
    os.read(0, 1)
    burn(0.3 - seconds)
for name, seconds in (("pool-1", 0.3), ("sampled", 0)):
    threading.Thread(target=work, args=(name, seconds)).start()
    time.sleep(0.1)
"""
    kept = Kept(code)
    pid = kept.program.pid
    kept.ledger.covers(pid, by_thread=True)
    tids = {}
    for _ in range(2):
        tid = int(kept.heard())
        tids[Path(f"/proc/{pid}/task/{tid}/comm").read_text().strip()] = tid
    kept.ledger.threads(pid, {pid: "", tids["sampled"]: ""})
    kept.look_until(lambda: True)
    kept.tell()
    kept.tell()
    assert {kept.heard(), kept.heard()} == {"done"}
    kept.look_until(lambda: kept.ledger.book().native_s)
    kept.tell()
    kept.tell()
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    kept.sampled(0.3)
    book, _ = kept.end()
    assert book.native_s["pool-1"] == pytest.approx(0.3, abs=0.06)
    assert sum_of_parts(book) == pytest.approx(book.cpu_s, abs=1e-6)
    assert abs(book.left_over_s) < 0.05


def test_lost_samples_are_no_more_than_what_is_missing() -> None:
    """Where the kernel says how much a thread used, a lost look costs no time: nothing may be told twice."""
    kept = Kept("burn(0.3)")
    kept.ledger.covers(kept.program.pid)
    kept.sampled(0.2)
    kept.recorder.lose(1_000)
    book, _ = kept.end()
    assert book.lost_s == pytest.approx(book.cpu_s - book.before_s - 0.2, abs=0.001)
    assert book.left_over_s == pytest.approx(0, abs=0.001)


def test_windows_and_runs_take_their_parts_each_once() -> None:
    """Windows end anywhere, also over a restart of the program; together they are the runs."""
    kept = Kept("burn(0.15); print(flush=True); sys.stdin.readline(); burn(0.1)")
    kept.ledger.covers(kept.program.pid)
    kept.heard()
    kept.ledger.look()
    windows = [kept.ledger.close_window()]
    kept.tell()
    kept.sampled(0.25)
    first, _ = kept.end()
    kept.ledger.begin_next_run()
    kept.recorder.begin_run()
    again = Kept("burn(0.1)")
    again.recorder, again.ledger = kept.recorder, kept.ledger
    kept.ledger.begin(again.program.pid, is_ours=True)
    second, _ = again.end()
    windows.append(kept.ledger.close_window())
    both = Counter(
        {"cpu": sum(window.cpu_s for window in windows), "seen": sum(window.attributed_s for window in windows)}
    )
    assert both["cpu"] == pytest.approx(first.cpu_s + second.cpu_s)
    assert both["seen"] == pytest.approx(0.25)
    assert windows[0].pending_s > 0.1
    assert sum(window.pending_s for window in windows) == pytest.approx(0)
