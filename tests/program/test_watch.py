"""--watch: which changes count, and that the program starts again."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from multi_lang_profiler.engine.program.watch import changes
from multi_lang_profiler.engine.settings import Language
from tests.support.command import DEADLINE_S, Folder, finish
from tests.support.tmux import is_alive


@pytest.fixture
def folder(tmp_path) -> Iterator[Folder]:
    with Folder(tmp_path) as folder:
        yield folder


async def test_only_the_users_sources_count(tmp_path):
    """A source file counts; what git ignores, other people's code, other languages and files that are no sources do not."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("built/\n")
    for name in ("built", ".venv", "src"):
        (tmp_path / name).mkdir()
    found = changes(tmp_path, Language.PYTHON)
    first = asyncio.ensure_future(anext(found))
    number = 0
    async with asyncio.timeout(30):
        # The watcher says nothing of when it is ready, so the files are written until it has seen one that counts.
        while not first.done():
            number += 1
            for name in ("built/x.py", ".venv/x.py", "src/page.ts", "notes.txt"):
                (tmp_path / name).write_text(str(number))
            await asyncio.sleep(0.4)
            if number > 2:
                (tmp_path / "src/app.py").write_text(str(number))
    assert first.result() == "src/app.py"
    await found.aclose()


def save_until_run(folder: Folder, process: subprocess.Popen[bytes], text: str, prints: bytes) -> None:
    """Save the program, again until it has run: the watcher says nothing of when it is ready."""
    assert process.stdout
    ends_s = time.monotonic() + DEADLINE_S
    while not select.select([process.stdout], [], [], 2)[0]:
        assert time.monotonic() < ends_s, f"{prints!r} was not printed"
        folder.write("app.py", text)
    assert process.stdout.readline() == prints


def test_the_program_starts_again(folder):
    """A save restarts the program, also one that failed; the last run's status is ours."""
    folder.write("app.py", "print('first', flush=True)\nimport time\ntime.sleep(60)\n")
    process = folder.start("python", "app.py", "--watch")
    assert process.stdout
    assert process.stdout.readline() == b"first\n"
    save_until_run(folder, process, "print('broken', flush=True)\nraise ValueError\n", b"broken\n")
    third = "import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit(3))\nprint('third', flush=True)\ntime.sleep(60)\n"
    save_until_run(folder, process, third, b"third\n")
    process.terminate()
    assert finish(process).status == 3


def start_again(folder: Folder, script: str) -> tuple[list[int], list[int]]:
    """The numbers that `script` prints in its first line, and again once something was saved; then all of it is killed."""
    folder.write("app.py", "x = 1\n")
    process = folder.start("--watch", "--quiet", "--", "sh", "-c", script)
    assert process.stdout
    before = [int(pid) for pid in process.stdout.readline().split()]
    ends_s = time.monotonic() + DEADLINE_S
    while not select.select([process.stdout], [], [], 2)[0]:
        assert time.monotonic() < ends_s, "it did not start again"
        folder.write("page.ts", "let x = 1;\n")
    after = [int(pid) for pid in process.stdout.readline().split()]
    os.killpg(process.pid, signal.SIGKILL)
    return before, after


def test_a_command_starts_again_with_all_that_it_started(folder):
    """A save in any language ends the whole tree of a command, and starts it anew: what ignores SIGTERM included, and what has no parent any more."""
    stubborn = "trap : TERM; while :; do sleep 0.1; done"
    orphan = "$(sleep 1000 >/dev/null & echo $!)"
    script = f"sh -c '{stubborn}' & sh -c 'sleep 1000 & echo $! $$ '{orphan}; wait"
    before, after = start_again(folder, script)
    assert len({*before, *after}) == 6
    assert not any(is_alive(pid) for pid in before)


def test_what_a_command_that_has_ended_left_behind_ends_before_it_starts_again(folder):
    """It may hold a port that the new one needs. What made itself a daemon is meant to stay, and does."""
    left = "sleep 1000 >/dev/null & left=$!; setsid sleep 1000 >/dev/null & echo $left $!"
    (before, daemon), (after, other) = start_again(folder, left)
    try:
        assert len({before, after, daemon, other}) == 4
        assert not is_alive(before)
        assert is_alive(daemon)
    finally:
        for pid in (daemon, other):
            os.kill(pid, signal.SIGKILL)
