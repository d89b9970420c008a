"""Marks from outside: by command and by signal."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator

import pytest

from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.engine import Engine
from multi_lang_profiler.engine.settings import Language, Settings
from tests.support.command import DEADLINE_S, Folder, finish
from tests.support.node import node

BEFORE_AND_AFTER = """
const fs = require('fs');
const burn = (ms) => { const began = process.cpuUsage(); while (process.cpuUsage(began).user < 1000 * ms); };
function before() { burn(700); }
function after() { burn(300); }
before();
fs.writeFileSync('half', '');
while (!fs.existsSync('go')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
after();
"""


@pytest.fixture
def folder(tmp_path) -> Iterator[Folder]:
    with Folder(tmp_path) as folder:
        (tmp_path / "run").mkdir(mode=0o700)
        folder.write("app.py", "import time\nprint('ready', flush=True)\ntime.sleep(60)\n")
        yield folder


def test_a_mark_by_command_and_by_signal(folder):
    """`mark NAME` and SIGUSR1 divide the run and are announced; the program is not disturbed by either."""
    runtime = {"XDG_RUNTIME_DIR": str(folder.path / "run")}
    process = folder.start("python", "app.py", **runtime)
    assert process.stdout
    process.stdout.readline()
    ends_s = time.monotonic() + DEADLINE_S
    while folder.run("mark", "warm-up over", **runtime).status != 0:
        # The agent begins to listen a moment after the program has started.
        assert time.monotonic() < ends_s, "the agent does not listen"
    finished = folder.run("mark", "load", "--agent", str(process.pid), **runtime)
    assert (finished.status, finished.stdout.decode()) == (0, f"Marked in profiler {process.pid}\n")
    process.send_signal(signal.SIGUSR1)
    assert process.stderr
    said = ""
    while "“mark 3”" not in said:
        said += process.stderr.readline().decode()
    assert "Mark “warm-up over” at" in said
    assert "Mark “load” at" in said
    process.terminate()
    assert finish(process).status == 143
    assert list((folder.path / "run").rglob("*.sock")) == []


async def test_what_was_sampled_before_a_mark_belongs_before_it(tmp_path, monkeypatch):
    """A window that is open at the mark is handed over for it: none of what came before counts for the phase that follows."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.js").write_text(BEFORE_AND_AFTER)
    settings = Settings(Language.JAVASCRIPT, "app.js", runtime=str(node(24)), working_folder=tmp_path)
    said: list[str] = []
    engine = Engine(settings, SystemClock(), lambda event: said.append(event.line))
    async with asyncio.timeout(DEADLINE_S):
        run = asyncio.create_task(engine.run())
        while not (tmp_path / "half").exists():
            await asyncio.sleep(0.01)
        engine.mark("half")
        while not any("Mark “half”" in line for line in said):
            await asyncio.sleep(0.01)
        (tmp_path / "go").touch()
        assert await run == 0
    snapshot = engine.snapshot()
    assert snapshot
    (mark,) = snapshot.marks

    def samples_of(function: str, counts) -> int:
        table = snapshot.table
        ids = {number for number, each in enumerate(table.functions) if each.name == function}
        return sum(
            n
            for (_, stack), n in counts.by_stack.items()
            if ids & {table.frames[f].function for f in table.stacks[stack]}
        )

    assert samples_of("before", mark.counts) == samples_of("before", snapshot.counts) > 50
    assert samples_of("after", mark.counts) == 0 < samples_of("after", snapshot.counts)


def test_left_by_a_killed_one(folder):
    """A killed profiler's socket goes when the next begins; that of one that runs stays."""
    runtime = {"XDG_RUNTIME_DIR": str(folder.path / "run")}
    killed, alive = (folder.start("python", "app.py", **runtime) for _ in range(2))
    sockets = {process.pid: folder.path / f"run/multi_lang_profiler/{process.pid}.sock" for process in (killed, alive)}
    ends_s = time.monotonic() + DEADLINE_S
    while not all(path.exists() for path in sockets.values()):
        assert time.monotonic() < ends_s, "the agents do not listen"
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    folder.write("end.py", "import time; time.sleep(0.5)")
    assert folder.run("python", "end.py", **runtime).status == 0
    assert list((folder.path / "run").rglob("*.sock")) == [sockets[alive.pid]]


def test_nobody_to_mark(folder):
    """Without a running profiler, or with a number that is none, it is one line and status 1."""
    runtime = {"XDG_RUNTIME_DIR": str(folder.path / "run")}
    finished = folder.run("mark", **runtime)
    assert (finished.status, finished.lines) == (1, ["multi_lang_profiler mark: no profiler of yours is running"])
    assert folder.run("mark", "x", "--agent", "1", **runtime).status == 1


def test_somebody_elses_folder_is_not_trusted(folder):
    """A runtime folder that others can write to is not used: marks do not reach us, all else goes on."""
    (folder.path / "run/multi_lang_profiler").mkdir(mode=0o777)
    (folder.path / "run/multi_lang_profiler").chmod(0o777)
    folder.write("app.py", "print('done')\n")
    finished = folder.run("python", "app.py", XDG_RUNTIME_DIR=str(folder.path / "run"))
    assert (finished.status, finished.stdout) == (0, b"done\n")
    assert list((folder.path / "run").rglob("*.sock")) == []
