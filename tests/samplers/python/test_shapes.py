"""Stacks that are known again by their bytes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.samplers.python.interpreter_state import Interpreters, find_interpreters
from multi_lang_profiler.engine.samplers.python.layout import UnknownLayout
from multi_lang_profiler.engine.samplers.python.memory import Unreadable
from multi_lang_profiler.engine.samplers.python.quick_look import QuickLook
from multi_lang_profiler.engine.samplers.python.thread_clock import OwnTurn, Standing, ThreadClock
from tests.support.python import DEADLINE_S, python_of_version

if TYPE_CHECKING:
    from pathlib import Path

    from multi_lang_profiler.engine.samplers.python.interpreter_state import RawStack
    from multi_lang_profiler.engine.samplers.python.shapes import Place, Walked
    from multi_lang_profiler.engine.samplers.python.unwalked import Unwalked

PROGRAM = """
import functools

def even(n): return not n % 2
def square(n): return n * n
def work(n): return sum(square(i) for i in range(n) if even(i))
def down(depth): return down(depth - 1) if depth else functools.reduce(lambda a, b: a + work(b), range(20))
while True:
    down(3)
    down(12)
"""
CHANGING = """
import asyncio, gc, time

def spin(n):
    total = 0
    for i in range(n): total += i
    return total

def numbers(n):
    for i in range(n):
        yield spin(40)

def squares(n):
    yield from numbers(n)

async def ticks(n):
    for i in range(n):
        spin(60)
        yield i

async def task(n):
    async for i in ticks(n):
        if not i % 8: await asyncio.sleep(0)

async def tasks():
    await asyncio.gather(*(task(12) for _ in range(3)))

def down(depth, leaf):
    return down(depth - 1, leaf) if depth else leaf(2000)

class Meter:
    def __init__(self): self.n = 0
    def __lt__(self, other): return spin(30) < id(other)
    @property
    def value(self): return spin(400)

KINDS = [
    lambda: sum(squares(30)), lambda: list(map(spin, [200] * 10)), lambda: asyncio.run(tasks()), lambda: down(3, spin),
    lambda: down(150, spin), lambda: sorted([Meter() for _ in range(12)]), lambda: Meter().value, gc.collect,
]
while True:
    for kind in KINDS:
        ends = time.perf_counter() + 0.02
        while time.perf_counter() < ends:
            kind()
    print(flush=True)
"""
"""Generators and coroutines one after the other in one place, stacks of several chunks, calls from C code."""
MADE_ANEW = """
import marshal

CODES = [marshal.dumps(compile("sum(NUMBERS)", f"/{name}.py", "exec")) for name in ("first", "other")]
NAMES = {"NUMBERS": range(20_000)}
while True:
    for marshalled in CODES:
        code = marshal.loads(marshalled)
        for _ in range(30):
            exec(code, NAMES)
        del code
    print(flush=True)
"""
"""Code that is freed, and other code made in its place."""
STOPS, KNOWN, LATER = 200, 25, 10
"""Times that the program is stopped at least, looks that have to be quick ones, and such of new stacks that are walked later."""
ENOUGH, DIFFERENT = 200, 12
"""Times that bytes are known, and stacks that they are of."""


@pytest.mark.parametrize("version", ["3.13", "3.15"])
def test_what_is_known_again_is_what_a_walk_finds(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Generators, calls from C code, deep and shallow stacks: whenever bytes are known, a walk through them ends the same."""
    program = subprocess.Popen([python_of_version(version), "-c", PROGRAM])
    try:
        interpreters = _interpreters(program.pid, version)
        shapes, chains = interpreters.frames.shapes, interpreters.frames.chains
        (thread,) = interpreters.threads[program.pid]
        look_up, same, other = shapes.get, Counter[tuple[int, ...]](), []

        def get(place: Place, view: memoryview) -> Walked | None:
            walked = look_up(place, view)
            if walked is not None:
                content = bytes(view[: thread.size])
                chain = chains.walk(thread, place.frame, content, place.want, thread.places)
                if (chain.frames, chain.is_cut) == (walked.frames, walked.is_cut):
                    same[tuple(walked.frames)] += 1
                else:
                    other.append((chain, walked.frames))
            return walked

        monkeypatch.setattr(shapes, "get", get)
        ends_s = time.monotonic() + DEADLINE_S
        while (same.total() < ENOUGH or len(same) < DIFFERENT) and not other and time.monotonic() < ends_s:
            with suppress(Unreadable):
                interpreters.stack(program.pid, time.monotonic())
        assert other == []
        assert len(same) >= DIFFERENT
    finally:
        program.kill()
        program.wait()


@pytest.mark.parametrize("version", ["3.13", "3.14", "3.15"])
@pytest.mark.parametrize(("text", "different"), [(CHANGING, 5), (MADE_ANEW, 2)], ids=["changing", "made anew"])
def test_a_quick_look_says_what_stands_there(version: str, text: str, different: int, tmp_path: Path) -> None:
    """In a program that stands still, what is known by its bytes is called as one calls it who has never seen the program before."""
    standing = _standing(tmp_path)
    program = subprocess.Popen([python_of_version(version), "-c", text], stdout=subprocess.PIPE)
    assert program.stdout is not None
    try:
        program.stdout.readline()
        drain = threading.Thread(target=program.stdout.read)
        drain.start()
        interpreters = _interpreters(program.pid, version)
        (thread,) = interpreters.threads[program.pid]
        named: list[list[tuple[str, str, int]]] = []
        known: Counter[tuple[tuple[str, str, int], ...]] = Counter()
        waiting: list[tuple[Unwalked, list[tuple[str, str, int]]]] = []
        later = 0
        stops, ends_s = 0, time.monotonic() + DEADLINE_S
        while (stops < STOPS or known.total() < KNOWN or len(known) < different) and time.monotonic() < ends_s:
            stops += 1
            os.kill(program.pid, signal.SIGSTOP)
            os.waitpid(program.pid, os.WUNTRACED)
            with suppress(Unreadable):
                fresh = _interpreters(program.pid, version)
                stack = fresh.stack(program.pid, 0.0)
                assert stack is not None
                truth = _names(fresh, stack)
                now_s = time.monotonic()
                quick = QuickLook(interpreters, thread, standing, now_s, 0.0, OwnTurn())
                if quick.look(now_s):
                    if quick.unwalked:
                        waiting.append((quick.unwalked, truth))
                    for walked in quick.looks:
                        assert walked.number is not None
                        assert named[walked.number] == truth
                        known[tuple(truth)] += 1
                elif found := interpreters.stack(program.pid, now_s):
                    walked_now = interpreters.walked
                    interpreters.settle(found, now_s, 0.0)
                    assert _names(interpreters, found) == truth
                    interpreters.number(walked_now, found, len(named), now_s)
                    named.append(truth)
                if stops % 2:
                    later += _tell(waiting, interpreters, named)
            os.kill(program.pid, signal.SIGCONT)
            time.sleep(random.uniform(0, 0.003))
            # It has gone on since those were read.
            later += _tell(waiting, interpreters, named)
        assert known.total() >= KNOWN
        assert len(known) >= different
        assert later >= LATER or version == "3.13"
    finally:
        program.kill()
        program.wait()
        drain.join()
        program.stdout.close()
        os.close(standing.schedstat)
        os.close(standing.sched)


def test_of_a_thread_that_sleeps_no_stack_is_read() -> None:
    """A quick look at one that has not run since asks the kernel and no more; one that has come to rest is looked at if that is drawn."""
    program = subprocess.Popen(
        [python_of_version("3.15"), "-c", "import time; print(flush=True); time.sleep(60)"], stdout=subprocess.PIPE
    )
    assert program.stdout is not None
    clock = ThreadClock(program.pid, program.pid)
    try:
        program.stdout.readline()
        interpreters = _interpreters(program.pid, "3.15")
        (thread,) = interpreters.threads[program.pid]
        ends_s = time.monotonic() + DEADLINE_S
        clock.read()
        while not clock.is_off and time.monotonic() < ends_s:
            clock.look(OwnTurn())
            time.sleep(0.05)
            clock.read()
        standing = clock.standing()
        assert standing is not None
        now_s = time.monotonic()

        def quick_look(standing: Standing, *, draws: bool, has_moved: bool, asks_for_waits: bool = False) -> QuickLook:
            quick = QuickLook(
                *(interpreters, thread, standing, now_s, 0.0, OwnTurn(), lambda _: draws),
                wait=(lambda *_: False) if asks_for_waits else None,
            )
            quick.has_moved = has_moved
            return quick

        still = quick_look(standing, draws=True, has_moved=False)
        assert still.look(now_s + 1.0)
        assert (still.stood_s, still.looks, still.unwalked, still.has_read) == (now_s + 1.0, {}, None, False)
        # Where it stands has to be asked for once, soon where that is drawn.
        assert quick_look(standing, draws=False, has_moved=True, asks_for_waits=True).look(now_s)
        assert not quick_look(standing, draws=False, has_moved=True, asks_for_waits=True).look(now_s + 1.0)
        moved = standing._replace(off_at=-1)
        come_to_rest = quick_look(moved, draws=False, has_moved=False)
        assert come_to_rest.look(now_s)
        assert (come_to_rest.rests, come_to_rest.has_moved, come_to_rest.looks) == (True, True, {})
        for drawn in (
            quick_look(moved, draws=True, has_moved=False),
            quick_look(standing, draws=True, has_moved=True, asks_for_waits=True),
        ):
            assert not drawn.look(now_s)
            assert drawn.is_drawn
    finally:
        clock.close()
        program.kill()
        program.wait()
        program.stdout.close()


def _tell(
    waiting: list[tuple[Unwalked, list[tuple[str, str, int]]]],
    interpreters: Interpreters,
    named: list[list[tuple[str, str, int]]],
) -> int:
    """How many could be told."""

    def number(stack: RawStack) -> int:
        named.append(_names(interpreters, stack))
        return len(named) - 1

    told = 0
    for unwalked, truth in waiting:
        looks, lost = unwalked.tell(time.monotonic(), number)
        assert lost + sum(looks.values()) == 1
        assert [named[each] for each in looks] == [truth] * len(looks)
        told += len(looks)
    waiting.clear()
    return told


def _names(interpreters: Interpreters, stack: RawStack) -> list[tuple[str, str, int]]:
    codes = [
        (interpreters.codes.get(address), instruction)
        for address, instruction in zip(stack.frames[::2], stack.frames[1::2], strict=True)
    ]
    return [(code.name, code.file, code.line(instruction)) for code, instruction in codes]


def _standing(folder: Path) -> Standing:
    """Of a thread that has kept its processor for ever."""
    (folder / "schedstat").write_text("1000 0 5\n")
    (folder / "sched").write_text("python (1, #threads: 1)\nnr_switches : 4\n")
    schedstat, sched = (os.open(folder / name, os.O_RDONLY) for name in ("schedstat", "sched"))
    begin = (folder / "sched").read_text().rindex(":") + 1
    return Standing(schedstat, sched, -1, slice(begin, begin + 2), 5, -1)


def _interpreters(pid: int, version: str) -> Interpreters:
    """Of the program, once it runs."""
    major, minor = map(int, version.split("."))
    ends_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < ends_s:
        with suppress(Unreadable, UnknownLayout):
            interpreters = find_interpreters(pid, (major, minor))
            interpreters.learn_threads()
            if pid in interpreters.threads and interpreters.stack(pid, time.monotonic()):
                return interpreters
        time.sleep(0.01)
    raise AssertionError("it does not run")
