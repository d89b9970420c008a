"""What the helper hands over, and the rate that is shown: looks at running threads, as many as were asked for."""

from __future__ import annotations

import fcntl
import marshal
import os
import random
import subprocess
import sys

from multi_lang_profiler.engine.samplers.python.looker_start import start_looker
from multi_lang_profiler.engine.samplers.python.looking import LookCount
from multi_lang_profiler.engine.samplers.python.outlet import LENGTH

MANY_STACKS = """
import time

def fib(n):
    if n < 2:
        return n
    a = fib(n - 1)
    return a + fib(n - 2)

while time.process_time() < 0.8:
    fib(20)
"""


def test_looks_are_kept_until_somebody_reads() -> None:
    """Where we are not compiled yet, we come seconds after the helper: it has filled its pipe by then, and looks on all the same."""
    program = subprocess.Popen([sys.executable, "-c", MANY_STACKS])
    helper = start_looker("cpu", 1_000, "/", program.pid)
    held_bytes = fcntl.fcntl(helper.output, fcntl.F_SETPIPE_SZ, 1 << 12)
    try:
        assert program.wait() == 0
        os.close(helper.input)
        with open(helper.output, "rb", closefd=False) as output:
            content = output.read()
    finally:
        program.kill()
        helper.end()
    time_ns = at = 0
    while at < len(content):
        begin = at + LENGTH.size
        at = begin + LENGTH.unpack_from(content, at)[0]
        time_ns += sum(sample[-1] for sample in marshal.loads(content[begin:at]).get("samples", ()))
    assert len(content) > 2 * held_bytes, "the pipe could not hold it"
    assert time_ns > 0.5e9


def test_looks_that_come_unevenly_are_all_told_of() -> None:
    """At random moments one tenth of a second has nine looks and the next eleven: together they are as many as asked for."""
    count, chance = LookCount(100), random.Random(1)
    told = sum(count.told(10 + chance.choice((-2, -1, 0, 1, 2)), 10.0) for _ in range(100))
    assert 980 <= told <= 1000


def test_haste_does_not_make_the_rate_higher_than_asked_for() -> None:
    """Where each look counts for less, more of them are no better; where there are too few, that is told."""
    count = LookCount(100)
    assert sum(count.told(50, 10.0) for _ in range(10)) == 100
    count = LookCount(100)
    assert sum(count.told(5, 10.0) for _ in range(10)) == 50
