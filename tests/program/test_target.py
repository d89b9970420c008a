"""The program as it is launched: its environment, output, signals and exit status are as without us."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable

import pytest

from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.program.target import Target
from multi_lang_profiler.engine.samplers.sampler import CannotStart, Launch


def python(code: str, **environment: str) -> Launch:
    return Launch((sys.executable, "-c", code), environment)


async def run(launch: Launch, on_output: Callable[[bytes, bool], None] | None = None) -> int:
    target = Target(SystemClock(), on_output)
    target.start(launch)
    async with asyncio.timeout(20):
        status = await target.wait()
    target.close()
    return status


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("pass", 0),
        ("raise SystemExit(3)", 3),
        ("import os; os._exit(255)", 255),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", 128 + 15),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 128 + 9),
    ],
)
async def test_exit_status(code, status):
    """The status is the program's own; for a signal it is 128 and its number, as a shell says it."""
    assert await run(python(code)) == status


async def test_environment(monkeypatch):
    """The program sees the user's environment and what the sampler adds, but never the API key."""
    monkeypatch.setenv("PROFILER_API_KEY", "s3cret")
    monkeypatch.setenv("USERS_OWN", "kept")
    check = """
import os, sys
sys.exit(os.environ.get("PROFILER_API_KEY") is not None or os.environ["USERS_OWN"] != "kept" or os.environ["ADDED"] != "1")
"""
    assert await run(python(check, ADDED="1")) == 0


async def test_output_is_taken_apart_and_whole():
    """With a screen, stdout and stderr come separately, byte for byte, what was written last included."""
    taken = {False: bytearray(), True: bytearray()}
    code = r"""
import sys
assert sys.stdin.isatty()
sys.stdout.buffer.write(bytes(range(256)) * 4000); sys.stderr.write("\tto stderr\n\x1b[31mred"); sys.stdout.flush()
assert sys.stdout.isatty()
"""
    assert await run(python(code), lambda data, is_stderr: taken[is_stderr].extend(data)) == 0
    assert taken[False] == bytes(range(256)) * 4000
    assert taken[True] == b"\tto stderr\n\x1b[31mred"


async def test_a_grandchild_that_keeps_the_output_open_does_not_delay_the_end():
    """A daemon that the program leaves behind holds its terminal; the program's end is seen all the same."""
    code = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid)"
    taken = bytearray()
    assert await run(python(code), lambda data, _is_stderr: taken.extend(data)) == 0
    os.kill(int(taken), signal.SIGKILL)


async def test_signals_reach_it():
    """A signal that is passed on arrives, and the program's own handler decides."""
    ready = asyncio.Event()
    code = """
import signal, sys, time
signal.signal(signal.SIGUSR2, lambda *_: sys.exit(42))
print("ready", flush=True)
while True: time.sleep(1)
"""
    target = Target(SystemClock(), lambda _data, _is_stderr: ready.set())
    target.start(python(code))
    async with asyncio.timeout(20):
        await ready.wait()
        target.send_signal(signal.SIGUSR2)
        assert await target.wait() == 42
    target.send_signal(signal.SIGUSR2)  # to nobody: it has ended
    target.close()


async def test_signal_mask_is_the_users():
    """The signals that we block to tell where they come from are not blocked in the program."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGQUIT, signal.SIGHUP})
    try:
        code = "import signal, sys; sys.exit(bool(signal.pthread_sigmask(signal.SIG_BLOCK, ())))"
        assert await run(python(code)) == 0
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.parametrize("program", ["/no/such/program", "/etc/passwd", "/"])
async def test_what_cannot_be_started(program):
    """A program that the kernel refuses is one clear line that names it."""
    with pytest.raises(CannotStart, match=f"cannot start {program}: "):
        await run(Launch((program,)), lambda _data, _is_stderr: None)


async def test_cpu_time():
    """Once it has ended, the CPU time of the program and its children is known."""
    target = Target(SystemClock())
    target.start(python("import subprocess, sys; subprocess.run([sys.executable, '-c', 'sum(range(10_000_000))'])"))
    await target.wait()
    assert target.cpu_s > 0.05
