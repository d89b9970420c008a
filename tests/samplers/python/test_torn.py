"""The helper lives on whatever it reads: memory is overwritten while it is read, and then stands for anything."""

from __future__ import annotations

import functools
import random
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from multi_lang_profiler.engine.samplers.python.interpreter_state import find_interpreters
from multi_lang_profiler.engine.samplers.python.layout import UnknownLayout
from multi_lang_profiler.engine.samplers.python.memory import Unreadable
from multi_lang_profiler.engine.samplers.python.thread_clock import OwnTurn
from multi_lang_profiler.engine.samplers.python.unwalked import Unwalked
from multi_lang_profiler.engine.samplers.python.waits import SOME
from multi_lang_profiler.engine.samplers.python.watched import Lost, Watched
from tests.support.python import DEADLINE_S, SampledProgram, lookers, python_of_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from multi_lang_profiler.engine.samplers.python.chain import Chain
    from multi_lang_profiler.engine.samplers.python.interpreter_state import Interpreters, RawStack
    from multi_lang_profiler.engine.samplers.python.memory import Memory

PROGRAM = """
import asyncio, sys, threading

def spin(n): return sum(i * i for i in range(n))

def thrower(n):
    if not n: raise ValueError
    thrower(n - 1)

async def ticks(n):
    for i in range(n):
        spin(9)
        yield i

async def task():
    async for i in ticks(30):
        if not i % 8: await asyncio.sleep(0)

async def tasks(): await asyncio.gather(*(task() for _ in range(9)))

def made():
    names = {}
    exec("def f(n): return [g for g in h(n)]\\ndef h(n):\\n for i in range(n): yield i", names)
    return names["f"](20)

while True:
    asyncio.run(tasks())
    sorted(range(40), key=lambda n: spin(n % 5))
    for _ in range(20): made()
    try: thrower(60)
    except ValueError: pass
    other = threading.Thread(target=made); other.start(); other.join()
"""
ROUNDS, LOOKS, DIFFERENT = 4, 300, 20
"""Looks of one round with all that it has learnt, and stacks that are met at least."""
WORD_BYTES = 8
TORN = 0.4
"""Of all reads."""


@pytest.mark.own_code("3.8", "3.12")
@pytest.mark.parametrize("version", ["3.8", "3.11", "3.12", "3.13", "3.14", "3.15"])
def test_what_was_torn_is_lost_at_worst(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at threads and tasks, and names: of what cannot be they make a lost look, never an end of the helper, nor a look without end."""
    chance = random.Random(17)
    numbers: dict[RawStack, int] = {}

    def number(watched: Watched, stack: RawStack) -> int:
        for address, instruction in zip(stack.frames[::2], stack.frames[1::2], strict=True):
            if address >= 0:
                watched.interpreters.codes.get(address).line(instruction)
        return numbers.setdefault(stack, len(numbers))

    with _started(version) as pid:
        rounds, ends_s = 0, time.monotonic() + DEADLINE_S
        while rounds < ROUNDS or (len(numbers) < DIFFERENT and time.monotonic() < ends_s):
            rounds += 1
            watched = _watched(pid, version, chance)
            _tear(watched.interpreters.memory, chance, monkeypatch)
            for look in range(LOOKS):
                now_s = time.monotonic()
                try:
                    watched.look(now_s, number)
                except Lost:
                    break
                if look % 10 == 0:
                    watched.tasks.look(now_s, time.thread_time, functools.partial(number, watched))
                    watched.learn_names(now_s + look, set(watched.threads))
                    list(watched.payments(now_s))
                    list(watched.wait_payments(now_s))
            watched.close()
    assert len(numbers) >= DIFFERENT


def test_callers_whose_code_was_forgotten_make_no_end() -> None:
    """A stack is walked later, with callers that were met before: by then their code may be other code, and known no more."""
    with _started("3.14") as pid:
        interpreters = _interpreters(pid, "3.14")
        frames, (thread,) = interpreters.frames, interpreters.threads[pid]
        forgotten: list[int] = []
        ends_s = time.monotonic() + DEADLINE_S
        while not forgotten and time.monotonic() < ends_s:
            with suppress(Unreadable):
                stack = interpreters.stack(pid, time.monotonic())
                assert stack is not None
                interpreters.settle(stack, time.monotonic(), 0.0)
                unwalked = Unwalked(interpreters, thread, frames.lay_out(thread))
                content = unwalked.content(interpreters.memory.gather(thread.pieces, frames.size(thread)))
                if content is None:
                    continue
                unwalked.keep(content)
                mended = frames.callers.mended

                def with_other(chain: Chain, mended: Any = mended) -> list[int]:
                    met, codes = mended(chain), interpreters.codes.by_address
                    other = next(address for address in codes if address not in met)
                    del codes[other]
                    forgotten.append(other)
                    return [*met[:2], other, 0, *met[2:]]

                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(frames.callers, "mended", with_other)
                    looks, lost = unwalked.tell(time.monotonic(), lambda _: 1)
                assert sum(looks.values()) + lost == 1
        assert forgotten


async def test_a_helper_that_ends_by_a_fault_of_its_own_tells_which() -> None:
    """It was told what is no command: another one looks on, and a line names the error and its place."""
    async with SampledProgram("ends.py", "toil") as sampled:
        await sampled.attached()
        (looker,) = lookers()
        with Path(f"/proc/{looker}/fd/0").open("wb", buffering=0) as its_input:
            its_input.write(b"add nonsense\n")
        await sampled.until(
            lambda: any("ValueError" in event.line and "_obey" in event.line for event in sampled.events)
        )
        before = sampled.total
        await sampled.until(lambda: sampled.total > before)
        assert looker not in lookers()


@contextmanager
def _started(version: str) -> Iterator[int]:
    """The program's number, until the end."""
    program = subprocess.Popen([python_of_version(version), "-c", PROGRAM])
    try:
        yield program.pid
    finally:
        program.kill()
        program.wait()


def _watched(pid: int, version: str, chance: random.Random) -> Watched:
    ends_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < ends_s:
        # Threads come and go while they are learnt.
        with suppress(Unreadable):
            return Watched(
                _interpreters(pid, version),
                "/",
                time.monotonic(),
                waits=SOME,
                period_ns=1e6,
                own_turn=OwnTurn(),
                chance=chance.random,
            )
    raise AssertionError("its threads cannot be learnt")


def _interpreters(pid: int, version: str) -> Interpreters:
    """Of the program, once it runs."""
    major, minor = map(int, version.split("."))
    ends_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < ends_s:
        with suppress(Unreadable, UnknownLayout):
            interpreters = find_interpreters(pid, (major, minor))
            interpreters.learn_threads()
            if interpreters.stack(pid, time.monotonic()):
                return interpreters
        time.sleep(0.01)
    raise AssertionError("it does not run")


def _tear(memory: Memory, chance: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have some words of what is read be others."""
    read = memory._read

    def torn(*call: Any) -> int:
        size = int(read(*call))
        if size >= WORD_BYTES and chance.random() < TORN:
            for _ in range(chance.choice((1, 1, 2, 4))):
                at, other = (WORD_BYTES * chance.randrange(size // WORD_BYTES) for _ in range(2))
                word, from_elsewhere = (bytes(memory.view[each : each + WORD_BYTES]) for each in (at, other))
                words = [bytes(8), b"\1" + bytes(7), b"\3" + bytes(7), b"\xff" * 8, chance.randbytes(8), from_elsewhere]
                words += [word[:6] + b"\3\3", word[:5] + chance.randbytes(3)]
                memory.view[at : at + WORD_BYTES] = chance.choice(words)
        return size

    monkeypatch.setattr(memory, "_read", torn)
