"""Programs that end without an `exit` event: their output and status are as without us, and what they did is seen or counted as lost."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess

import pytest

from multi_lang_profiler.engine.events import Warned
from multi_lang_profiler.engine.processes import process_cpu_ns
from tests.support.node import PROGRAMS, Running, majors, node, node_settings, sample

every = majors(20, 22, 24, 26)


@every
@pytest.mark.parametrize(("how", "status"), [("SIGTERM", -15), ("SIGINT", -2), ("SIGKILL", -9), ("reallyExit", 5)])
async def test_a_program_that_ends_itself_hands_over_before(tmp_path, major, how, status):
    """Process managers, compilers and test runners end by a signal to themselves or `process.reallyExit`."""
    sampled = await sample(tmp_path, PROGRAMS / "ends_itself.cjs", node(major), arguments=(how,))
    assert (sampled.status, sampled.stderr) == (status, "")
    assert sampled.samples >= 0.9 * 100 * float(sampled.stdout)
    assert sampled.recorder.lost_samples <= 2


async def test_a_program_that_survives_its_own_signal_is_sampled_on(tmp_path):
    """Node.js takes leave of debuggers at any signal to itself, also at one that does not end it; we come back."""
    shutil.copy(PROGRAMS / "burn.cjs", tmp_path)
    (tmp_path / "app.cjs").write_text(
        """
        const { burn } = require('./burn.cjs');
        burn(200);
        process.kill(process.pid, 'SIGWINCH');
        burn(400);
        """
    )
    sampled = await sample(tmp_path, "app.cjs", node(24))
    assert (sampled.status, sampled.stderr) == (0, "")
    assert sampled.samples >= 50


@majors(20, 24)
@pytest.mark.parametrize("thread", ["main", "worker 1"])
async def test_a_program_that_removes_all_listeners_is_seen_to_its_end(tmp_path, major, thread):
    """It means its own; ours stay, in a worker thread too, which had lost all that it did."""
    shutil.copy(PROGRAMS / "burn.cjs", tmp_path)
    (tmp_path / "app.cjs").write_text(
        f"""
        const {{ Worker, isMainThread }} = require('worker_threads');
        const {{ burn }} = require('./burn.cjs');
        process.on('exit', () => console.log('never'));
        process.removeAllListeners();
        if (isMainThread && {json.dumps(thread)} !== 'main') new Worker(__filename);
        else burn(300);
        """
    )
    sampled = await sample(tmp_path, "app.cjs", node(major))
    assert (sampled.status, sampled.stdout, sampled.stderr) == (0, "", "")
    assert sum(sampled.self_samples(thread).values()) >= 20


@majors(24)
async def test_a_program_that_handles_v8s_own_signal_gets_none_of_ours(tmp_path, major):
    """V8 looks by SIGPROF. Who handles all signals there are, to clean up say, would take each look for the end: it is left alone from then on, and told."""
    shutil.copy(PROGRAMS / "burn.cjs", tmp_path)
    (tmp_path / "app.cjs").write_text(
        """
        const { Worker, isMainThread } = require('worker_threads');
        const { burn } = require('./burn.cjs');
        burn(300);
        if (isMainThread) {
          new Worker(__filename);
          let came = 0;
          process.on('SIGPROF', () => (came += 1));
          burn(200);
          new Worker(__filename).on('exit', () => {
            process.kill(process.pid, 'SIGPROF');
            setTimeout(() => console.log('came', came), 200);
          });
        }
        """
    )
    sampled = await sample(tmp_path, "app.cjs", node(major))
    assert (sampled.status, sampled.stdout, sampled.stderr) == (0, "came 1\n", "")
    assert 24 <= sampled.samples <= 40
    (line,) = [event.line for event in sampled.events if isinstance(event, Warned)]
    assert "app.cjs handles SIGPROF" in line


async def test_what_a_killed_program_takes_along_is_counted(tmp_path):
    """SIGKILL from outside: what was in no window is lost, and the profile says how much that is."""
    settings = node_settings(tmp_path, PROGRAMS / "ends.cjs", node(24), arguments=("return", "60000"))
    async with Running(tmp_path, settings) as running:
        pid, came = running.process.pid, {0: 0}

        def has_used_much_since_the_last_window() -> bool:
            used_ns = process_cpu_ns(pid) or 0
            return used_ns - came.setdefault(running.recorder.run.total, used_ns) > 0.15e9 and len(came) > 1

        # On a busy machine that takes its time.
        await running.until(has_used_much_since_the_last_window)
        running.process.send_signal(signal.SIGKILL)
        sampled = await running.end()
    # Its start and the helper are in the CPU time, too.
    assert 0.5 * 100 * sampled.cpu_s < sampled.samples + sampled.recorder.lost_samples < 1.2 * 100 * sampled.cpu_s
    assert sampled.recorder.lost_samples > 5


@pytest.mark.parametrize("major", [22, 24, 26])
async def test_a_program_that_becomes_another_lives_on_unharmed(tmp_path, major):
    """No signal of the profiler's meets the successor, and it is sampled like its predecessor."""
    shutil.copytree(PROGRAMS, tmp_path, dirs_exist_ok=True)
    for _ in range(3):
        sampled = await sample(tmp_path, "execve.cjs", node(major))
        assert (sampled.status, sampled.stdout) == (9, "second\n")
        assert "debugger" not in sampled.stderr
        assert sampled.samples >= 40


@every
@pytest.mark.own_code(20)
@pytest.mark.parametrize("who", [(), ("child",)])
async def test_node_options_of_an_env_file_hold(tmp_path, major, who):
    """Node.js reads them only where the environment has none, so ours are not there; nor for a child with an env file, or that is told."""
    shutil.copytree(PROGRAMS, tmp_path, dirs_exist_ok=True)
    options = () if who else ("--env-file=limits.env",)
    environment = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
    command = [node(major), *options, "heap_limit.cjs", *who]
    bare = await asyncio.to_thread(
        subprocess.run, command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    sampled = await sample(tmp_path, "heap_limit.cjs", node(major), runtime_arguments=options, arguments=who)
    if who and major == 20:
        assert any("NODE_OPTIONS of its env file has no effect" in event.line for event in sampled.events)
    else:
        assert (sampled.status, sampled.stdout, sampled.stderr) == (0, bare.stdout, "")
        assert not sampled.events


async def test_the_program_sees_its_own_options_alone(tmp_path):
    """What leads Node.js to us is on its command line, and not in what the program reads of it."""
    (tmp_path / "app.cjs").write_text(
        "console.log(JSON.stringify([process.execArgv, process.argv.length, process.reallyExit.name, process.kill.length]))"
    )
    sampled = await sample(tmp_path, "app.cjs", node(24), runtime_arguments=("--no-warnings",))
    assert sampled.stdout == '[["--no-warnings"],2,"reallyExit",2]\n'


@majors(20, 24)
@pytest.mark.parametrize("end", ["", "process.exit(3)", "throw 'up'"])
async def test_what_a_program_does_at_its_end_is_seen(tmp_path, major, end):
    """Coverage tools write down in a listener of `exit` what they gathered: that is work of the program like any other. Nor do our listeners count as its."""
    shutil.copy(PROGRAMS / "burn.cjs", tmp_path)
    (tmp_path / "app.cjs").write_text(
        f"""
        const {{ burn }} = require('./burn.cjs');
        function writeDown() {{ burn(300); }}
        process.on('exit', writeDown);
        for (let i = 1; i < 10; i++) process.on('exit', () => {{}});
        burn(100);
        {end}
        """
    )
    sampled = await sample(tmp_path, "app.cjs", node(major))
    assert "MaxListeners" not in sampled.stderr
    table = sampled.recorder.table
    seen = sum(
        samples
        for (_, stack), samples in sampled.recorder.run.by_stack.items()
        if any(table.functions[function].name == "writeDown" for function in table.members[stack])
    )
    assert 24 <= seen <= 40


@majors(20, 24)
async def test_a_program_that_starts_from_a_snapshot_runs_and_is_seen(tmp_path, major):
    """A worker thread that loads `net`, as our helper does, aborts such a process of Node.js 24: it hands over by itself."""
    (tmp_path / "app.js").write_text(
        """
        function burn(ms) {
          for (const end = process.cpuUsage().user + 1000 * ms; process.cpuUsage().user < end; ) for (let i = 0; i < 1e5; i++) Math.sin(i);
        }
        require('v8').startupSnapshot.setDeserializeMainFunction(() => { burn(300); console.log('done'); });
        """
    )
    build = [str(node(major)), "--snapshot-blob", "app.blob", "--build-snapshot", "app.js"]
    subprocess.run(build, cwd=tmp_path, check=True, timeout=60)
    options = ("--snapshot-blob", "app.blob")
    sampled = await sample(tmp_path, "app.js", node(major), runtime_arguments=options)
    assert (sampled.status, sampled.stdout, sampled.stderr) == (0, "done\n", "")
    assert sampled.samples >= 24


@majors(20, 24)
async def test_a_program_that_may_reserve_little_memory_runs_and_is_seen(tmp_path, major):
    """`ulimit -v` with room for the program alone: the heap of a helper would end it."""
    (tmp_path / "app.js").write_text(
        """
        function burn(ms) {
          for (const end = process.cpuUsage().user + 1000 * ms; process.cpuUsage().user < end; ) for (let i = 0; i < 1e5; i++) Math.sin(i);
        }
        burn(300);
        console.log('done');
        """
    )
    limited = tmp_path / "node"

    def runs_with(megabytes: int) -> bool:
        limited.write_text(f'#!/bin/sh\nulimit -v {1024 * megabytes}\nexec {node(major)} "$@"\n')
        limited.chmod(0o755)
        return subprocess.run([limited, "-e", "0"], check=False, capture_output=True, timeout=60).returncode == 0

    assert runs_with(next(megabytes for megabytes in range(500, 4_000, 50) if runs_with(megabytes)) + 200)
    sampled = await sample(tmp_path, "app.js", limited)
    assert (sampled.status, sampled.stdout, sampled.stderr) == (0, "done\n", "")
    assert sampled.samples >= 20
