"""JavaScript and TypeScript programs, run by real Node.js versions and sampled from inside."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.profile.stacks import weighed
from multi_lang_profiler.engine.samplers.node.sampler import PRELOAD
from multi_lang_profiler.engine.settings import Mode
from tests.support.node import (
    PAKO,
    PROGRAMS,
    TSX,
    TYPESCRIPT,
    Running,
    Sampled,
    majors,
    node,
    node_settings,
    npm_package,
    sample,
)

if TYPE_CHECKING:
    from multi_lang_profiler.engine.profile.stacks import StackCounts

both = majors(20, 24)


def thread_samples(sampled: Sampled) -> dict[str, int]:
    table = sampled.recorder.table
    counts: dict[str, int] = {}
    for (thread, _), samples in sampled.recorder.run.by_stack.items():
        counts[table.threads[thread].name] = counts.get(table.threads[thread].name, 0) + samples
    return counts


@pytest.mark.alone
@both
@pytest.mark.own_code(20)
async def test_samples_are_cpu_time(tmp_path, major):
    """A hundred samples are a second of CPU time, in the proportions that the program measures itself; waiting costs nothing."""
    sampled = await sample(tmp_path, PROGRAMS / "sections.cjs", node(major))
    spent_ms = json.loads(sampled.stdout)
    seen = sampled.self_samples()
    assert sampled.samples == pytest.approx(sum(spent_ms.values()) / 10, rel=0.08)
    below = dict.fromkeys(("light", "heavy", "wait"), 0)
    table = sampled.recorder.table
    for (_, stack), samples in sampled.recorder.run.by_stack.items():
        names = {table.functions[function].name for function in table.members[stack]}
        for name in names & below.keys():
            below[name] += samples
    total = sum(spent_ms.values())
    for name in ("light", "heavy", "wait"):
        assert below[name] / sampled.samples == pytest.approx(spent_ms[name] / total, abs=0.05), (below, spent_ms)
    assert "(idle)" not in seen
    assert "(program)" not in seen


async def test_wall_mode_counts_blocking_calls(tmp_path):
    """By wall clock the function that blocks in a system call is the hottest; the idle event loop still is not counted."""
    sampled = await sample(tmp_path, PROGRAMS / "sections.cjs", node(24), mode=Mode.WALL)
    assert sampled.self_samples()["spawnSync"] + sampled.self_samples()["spawn"] > 80
    assert "(idle)" not in sampled.self_samples()


@both
async def test_cpu_time_and_wall_time_of_one_run(tmp_path, major):
    """Where somebody may look at both, what a function blocks is told beside its CPU time, by the program's own clocks; the idle event loop is in neither."""
    sampled = await sample(tmp_path, PROGRAMS / "waits.cjs", node(major), screen=True)
    spent = json.loads(sampled.stdout)
    recorder, table = sampled.recorder, sampled.recorder.table
    assert recorder.told_waiting == {""}

    def below(counts: StackCounts, name: str) -> int:
        by_stack = counts.by_stack.items()
        return sum(n for (_, stack), n in by_stack if name in {table.functions[of].name for of in table.members[stack]})

    wall = weighed(recorder.run, recorder.waited, 1)
    elapsed_ms = sum(elapsed for _, elapsed in spent.values())
    seen = sum(below(wall, name) for name in spent)
    assert seen == pytest.approx(elapsed_ms / 10, rel=0.15)
    for name, (cpu_ms, wall_ms) in spent.items():
        assert below(wall, name) / seen == pytest.approx(wall_ms / elapsed_ms, abs=0.08)
        assert below(recorder.run, name) / seen == pytest.approx(cpu_ms / elapsed_ms, abs=0.08)
    assert "(idle)" not in {table.functions[table.leaves[stack]].name for _, stack in wall.by_stack}


@both
@pytest.mark.parametrize(("way", "status"), [("return", 0), ("exit", 3), ("throw", 1), ("reject", 1), ("handled", 5)])
async def test_the_last_window_arrives_however_the_program_ends(tmp_path, major, way, status):
    """Every sample of a program that ends within its first second arrives; its status and output are its own."""
    sampled = await sample(tmp_path, PROGRAMS / "ends.cjs", node(major), arguments=(way, "500"))
    assert sampled.status == status
    assert sampled.stdout.splitlines() == ["burnt", f"exit {status}"]
    assert ("Error: the end" in sampled.stderr) == (way in {"throw", "reject"})
    assert sampled.samples >= 45
    assert sampled.share("churn") + sampled.share("burn") > 0.8
    assert sampled.sampling == [True, False]


@both
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_flush_before_a_deadly_signal_loses_nothing(tmp_path, major, number):
    """A signal that the program does not handle ends it at once: what it did before it was asked for."""
    settings = node_settings(tmp_path, PROGRAMS / "ends.cjs", node(major), arguments=("wait", "400"))
    async with Running(tmp_path, settings) as running:
        await running.until(lambda: "burnt" in running.printed)
        await running.sampler.flush()
        assert running.recorder.run.total >= 36
        running.process.send_signal(number)
        sampled = await running.end()
    assert sampled.status == -number


@both
async def test_worker_threads_are_sampled_and_end_as_they_would(tmp_path, major):
    """Threads have names of their own; of one that is terminated at most the open window is lost, and known to be."""
    sampled = await sample(tmp_path, PROGRAMS / "threads.cjs", node(major))
    assert sampled.status == 0
    assert sampled.stdout == "terminated\n"
    assert sampled.stderr == ""
    threads = thread_samples(sampled)
    assert threads["worker 1 first"] >= 25
    assert threads["worker 2 second"] >= 25
    assert threads["worker 3"] + sampled.recorder.lost_samples >= 20
    assert {"spin"} < {sampled.recorder.table.functions[f].name for f in sampled.recorder.functions.total_samples}


@both
async def test_threads_that_run_at_the_programs_exit_are_counted(tmp_path, major):
    """process.exit ends worker threads in the middle of their work, at once, and their last windows arrive all the same."""
    shutil.copy(PROGRAMS / "burn.cjs", tmp_path)
    (tmp_path / "app.cjs").write_text(
        """
        const { Worker, isMainThread, parentPort } = require('worker_threads');
        const { burn } = require('./burn.cjs');
        if (isMainThread) {
          new Worker(__filename).on('message', () => process.exit(4));
        } else {
          burn(400);
          parentPort.postMessage('done');
          burn(60_000);
        }
        """
    )
    sampled = await sample(tmp_path, "app.cjs", node(major))
    assert (sampled.status, sampled.stderr) == (4, "")
    assert sampled.cpu_s < 10
    assert thread_samples(sampled)["worker 1"] >= 36


@both
async def test_children_are_followed(tmp_path, major):
    """Node.js processes that the program starts are sampled as threads of other processes; their statuses reach the program."""
    sampled = await sample(tmp_path, PROGRAMS / "family.cjs", node(major))
    assert sampled.status == 7
    assert sampled.stdout.splitlines()[1] == "7"
    table = sampled.recorder.table
    assert len({thread.pid for thread in table.threads if thread.name == "family.cjs"}) == 2
    assert thread_samples(sampled)["family.cjs"] >= 72


@both
@pytest.mark.parametrize(("count", "ms"), [(6, 60), (2, 500)])
async def test_children_that_are_ended_once_they_have_answered_keep_their_time(tmp_path, major, count, ms):
    """A forked child profiles itself, and hands over before it answers; one that works for longer gets its helper then."""
    sampled = await sample(tmp_path, PROGRAMS / "answers.cjs", node(major), arguments=(str(count), str(ms)))
    assert (sampled.status, sampled.stderr) == (0, "")
    table = sampled.recorder.table
    names = {
        stack: {table.functions[function].name for function in table.members[stack]}
        for stack in range(len(table.stacks))
    }
    seen = sum(samples for (_, stack), samples in sampled.recorder.run.by_stack.items() if "answer" in names[stack])
    assert 0.75 * float(sampled.stdout) / 10 <= seen <= 1.1 * float(sampled.stdout) / 10 + 6


async def test_what_one_piece_of_a_profile_cannot_place_goes_to_the_next(tmp_path):
    """A forked child hands over before each answer, and in a piece of 6 ms no look may have met it at work: its time is not lost for that."""
    (tmp_path / "app.js").touch()
    running = Running(tmp_path, node_settings(tmp_path, "app.js", node(24)))
    await running.sampler.prepare()
    nodes = [-1, 0, 0, 0, 1, 0, 0, 2, 0]
    for number in range(20):
        met = 2 if number % 2 else 1
        nodes[5], nodes[8] = (met == 1), (met == 2)
        window = {
            "type": "window",
            "thread": 0,
            "name": "",
            "interval": 10_000,
            "waited": 0,
            "ticks": [],
            "frames": [["(root)", "", -1, -1, 0], ["(idle)", "", -1, -1, 0], ["work", "/app.js", 0, 9, 1]],
            "nodes": [*map(int, nodes)],
            "samples": [met],
            "deltas": [10_000],
            "start": 30_000 * number,
            "cpuTimes": [30_000 * number, 6_000_000 * number, 30_000 * number + 10_000, 6_000_000 * (number + 1)],
        }
        told = {"pid": 1, "name": "app.js", "at": 0, "isOverridden": False, "isProfilingItself": False}
        payloads = [json.dumps(message).encode() for message in ({"type": "hello", **told}, window, {"type": "left"})]
        frames = b"".join(len(payload).to_bytes(4, "big") + payload for payload in payloads)
        (tmp_path / "private" / f"1-0-{number:02}.left").write_bytes(frames)
    running.sampler._take_left_behind()
    await running.sampler._all_taken()
    await running.sampler.close()
    assert running.recorder.run.total == pytest.approx(12, abs=1)
    assert running.recorder.lost_samples == 0


async def test_children_left_alone_see_the_users_node_options(tmp_path, monkeypatch):
    """With children left alone, the program and its children see the user's NODE_OPTIONS as they were, and nothing of ours."""
    monkeypatch.setenv("NODE_OPTIONS", "--max-old-space-size=512")
    sampled = await sample(tmp_path, PROGRAMS / "family.cjs", node(20), follow_children=False)
    assert json.loads(sampled.stdout.splitlines()[0]) == {"nodeOptions": "--max-old-space-size=512", "ours": False}
    assert sampled.status == 7
    assert set(thread_samples(sampled)) <= {"main"}


async def test_the_users_node_options_hold(tmp_path, monkeypatch):
    """What the user has in NODE_OPTIONS still happens, ahead of ours."""
    (tmp_path / "first.cjs").write_text("globalThis.first = true;")
    (tmp_path / "app.cjs").write_text("console.log(globalThis.first, process.env.NODE_OPTIONS.indexOf('first'));")
    monkeypatch.setenv("NODE_OPTIONS", f"--require={tmp_path}/first.cjs")
    sampled = await sample(tmp_path, "app.cjs", node(24))
    assert sampled.stdout.startswith("true ")


NAMED = {
    ("Shop.price", 19),
    ("Shop.reckon", 27),
    ("total", 40),
    ("Shop.discount", 15),
}


def check_names(sampled: Sampled, file: Path) -> None:
    assert sampled.status == 0, sampled.stderr
    places = {(name, line) for name, path, line in sampled.places() if path == str(file)}
    assert places >= NAMED, places
    assert ("(anonymous) shop.ts:47", 47) in places, places
    assert sampled.share("Shop.price") > 0.2


async def test_typescript_that_node_strips(tmp_path):
    """Node.js 24 runs the .ts file itself: methods carry their class, anonymous functions their place, lines are the file's."""
    shutil.copytree(PROGRAMS, tmp_path, dirs_exist_ok=True)
    sampled = await sample(tmp_path, "shop.ts", node(24))
    check_names(sampled, tmp_path / "shop.ts")
    assert max(sampled.lines("Shop.price"), key=sampled.lines("Shop.price").__getitem__) in {21, 22}
    assert sampled.stderr == ""


async def test_typescript_by_the_projects_tsx(tmp_path):
    """On Node.js 20 the project's own tsx compiles in the process; its source maps lead back to the .ts file."""
    shutil.copytree(PROGRAMS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "node_modules").symlink_to(npm_package("tsx", TSX) / "node_modules")
    sampled = await sample(tmp_path, "shop.ts", node(20))
    check_names(sampled, tmp_path / "shop.ts")


@pytest.mark.parametrize("option", ["--sourceMap", "--inlineSourceMap"])
async def test_typescript_that_was_compiled_before(tmp_path, option):
    """A build by tsc is shown as the .ts files it came from, whether its map lies beside it or in it."""
    shutil.copytree(PROGRAMS, tmp_path / "src", dirs_exist_ok=True)
    (tmp_path / "out").mkdir()
    shutil.copy(PROGRAMS / "burn.cjs", tmp_path / "out")
    compiler = npm_package("typescript", TYPESCRIPT) / "node_modules" / "typescript" / "lib" / "tsc.js"
    command = [
        node(24),
        compiler,
        option,
        "--outDir",
        "out",
        "--module",
        "commonjs",
        "--target",
        "es2022",
        "src/shop.ts",
    ]
    # It complains of burn.cjs, which has no types, and writes the file all the same.
    await asyncio.to_thread(subprocess.run, command, cwd=tmp_path, stdout=subprocess.DEVNULL, check=False)
    sampled = await sample(tmp_path, "out/shop.js", node(20))
    check_names(sampled, tmp_path / "src" / "shop.ts")
    assert max(sampled.lines("Shop.price"), key=sampled.lines("Shop.price").__getitem__) in {21, 22}


async def test_es_modules_are_sampled(tmp_path):
    """An ES module with top-level await is sampled like any program; its files are paths, not URLs."""
    shutil.copy(PROGRAMS / "burn.cjs", tmp_path)
    folder = tmp_path / "a b"
    folder.mkdir()
    (folder / "app.mjs").write_text(
        "import { burn } from '../burn.cjs';\nawait Promise.resolve();\nfunction work() {\n  burn(400);\n}\nwork();\n"
    )
    sampled = await sample(tmp_path, "a b/app.mjs", node(24))
    assert ("work", str(folder / "app.mjs"), 3) in sampled.places()
    assert ("(module) app.mjs", str(folder / "app.mjs"), 1) in sampled.places()


@both
async def test_a_program_that_inspects_itself_goes_on_undisturbed(tmp_path, major):
    """Its own inspector session gets its own profile and no event of ours, while we take ours."""
    sampled = await sample(tmp_path, PROGRAMS / "inspects_itself.cjs", node(major))
    told = json.loads(sampled.stdout)
    assert told["share"] > 0.9
    assert told["events"] == []
    assert sampled.samples > 130


@both
async def test_a_program_under_cpu_prof_or_coverage_goes_on_undisturbed(tmp_path, major, monkeypatch):
    """--cpu-prof and NODE_V8_COVERAGE write their files, nothing is printed between the program's lines, and we say what we cannot do."""
    monkeypatch.setenv("NODE_V8_COVERAGE", str(tmp_path / "coverage"))
    options = ("--cpu-prof", f"--cpu-prof-dir={tmp_path}/cpu")
    sampled = await sample(
        tmp_path, PROGRAMS / "ends.cjs", node(major), arguments=("return", "500"), runtime_arguments=options
    )
    assert (sampled.stdout, sampled.stderr) == ("burnt\nexit 0\n", "")
    (profile,) = (tmp_path / "cpu").iterdir()
    assert any(frame["callFrame"]["functionName"] == "churn" for frame in json.loads(profile.read_text())["nodes"])
    assert list((tmp_path / "coverage").iterdir())
    assert sampled.samples >= 40
    assert any("profiles itself" in event.line for event in sampled.events)


async def test_no_port_is_opened(tmp_path):
    """The inspector is reached from inside: the process listens on no network port."""
    settings = node_settings(tmp_path, PROGRAMS / "ends.cjs", node(20), arguments=("wait", "300"))
    async with Running(tmp_path, settings) as running:
        await running.until(lambda: "burnt" in running.printed)
        inodes = {str(file.readlink()) for file in Path(f"/proc/{running.process.pid}/fd").iterdir()}
        for table in ("tcp", "tcp6", "udp", "udp6"):
            rows = Path(f"/proc/{running.process.pid}/net/{table}").read_text().splitlines()[1:]
            assert not [row for row in rows if f"socket:[{row.split()[9]}]" in inodes]
        running.process.terminate()
        await running.end()


@both
@pytest.mark.parametrize("fault", ["absent", "dies", "never reads"])
async def test_a_dead_slow_or_absent_listener_harms_nobody(tmp_path, major, fault):
    """The program ends with its own status and output, without delay, whatever became of the profiler."""
    settings = node_settings(tmp_path, PROGRAMS / "threads.cjs", node(major))
    running = Running(tmp_path, settings)
    launch = await running.sampler.prepare()
    path = tmp_path / "private" / "node.sock"
    await running.sampler.close()
    assert not path.exists()

    with socket.socket(socket.AF_UNIX) as listener:
        if fault != "absent":
            listener.bind(str(path))
            listener.listen()
        process = await asyncio.create_subprocess_exec(
            *launch.argv,
            env={**os.environ, **launch.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        if fault == "dies":
            connection, _ = await asyncio.to_thread(listener.accept)
            await asyncio.to_thread(connection.recv, 100)
            connection.close()
        async with asyncio.timeout(30):
            output, errors = await process.communicate()
    assert (process.returncode, output, errors) == (0, b"terminated\n", b"")


async def test_what_the_program_writes_into_the_socket_is_not_trusted(tmp_path):
    """Garbage, lies and oversized messages from the program cost it its samples, not the sampler its life."""
    shutil.copy(PROGRAMS / "burn.cjs", tmp_path)
    (tmp_path / "liar.cjs").write_text(
        """
        const { socket } = JSON.parse(process.env.MULTI_LANG_PROFILER_NODE);
        const frame = (text) => { const b = Buffer.alloc(4 + Buffer.byteLength(text)); b.writeUInt32BE(b.length - 4); b.write(text, 4); return b; };
        const window = { type: 'window', thread: 0, name: '', frames: [['f', '', 0, 0]], nodes: [-1, 0, 0, 0, 0, 1], ticks: [], samples: [1], start: 0, interval: 1, deltas: [1], cpuTimes: [], waited: 0 };
        const lies = ['', 'x', '[]', '{}', '7', 'null', '{"type":"window"}', '{"type":"hello"}', '{"type":"map","url":"x","map":{}}',
          JSON.stringify({ ...window, nodes: [0, 0, 0] }), JSON.stringify({ ...window, nodes: [5, 0, 0, 1, 1, 1] }),
          JSON.stringify({ ...window, samples: [9] }), JSON.stringify({ ...window, deltas: [1, 2] }), JSON.stringify({ ...window, deltas: ['a'] }),
          JSON.stringify({ ...window, start: 'NaN' }), JSON.stringify({ ...window, cpuTimes: [1, 2, 3] }),
          JSON.stringify({ ...window, ticks: [[1, 5, 1e9]] }), JSON.stringify({ ...window, nodes: [-1, 0, 0, 0, 0, 1e300] }), '['.repeat(100000)];
        const client = require('net').connect(socket);
        client.on('error', () => {});
        for (const lie of lies) client.write(frame(lie));
        client.write(Buffer.from([255, 255, 255, 255, 1, 2, 3]));
        client.on('close', () => { require('./burn.cjs').burn(300); console.log('cut'); });
        """
    )
    sampled = await sample(tmp_path, "liar.cjs", node(24))
    assert sampled.stdout == "cut\n"
    assert sampled.samples >= 25
    assert sampled.recorder.lost_samples > 0


async def test_a_program_with_nothing_to_do_ends_at_once(tmp_path):
    """Nothing of ours keeps the event loop alive; a program that never used CPU gives no samples and no warning."""
    (tmp_path / "nothing.js").write_text("console.log(process.argv.slice(2).join())")
    sampled = await sample(tmp_path, "nothing", node(24), arguments=("a", "--b"))
    assert sampled.stdout == "a,--b\n"
    assert sampled.stderr == ""
    assert sampled.events == []


@both
async def test_a_program_nobody_here_wrote_agrees_with_v8s_own_profile(tmp_path, major):
    """pako compressing the TypeScript compiler: the five hottest functions and their shares are those of a profile at 1 kHz.

    Both are taken of one run: what V8 inlines, and so what it says, differs from one run to the next by more than that.
    """
    pako = npm_package("pako", PAKO) / "node_modules" / "pako"
    text = npm_package("typescript", TYPESCRIPT) / "node_modules" / "typescript" / "lib" / "_tsc.js"
    (tmp_path / "deflate.cjs").write_text(
        f"""
        const pako = require({json.dumps(str(pako))});
        const fs = require('fs');
        const text = fs.readFileSync({json.dumps(str(text))});
        const session = new (require('inspector').Session)();
        session.connect();
        session.post('Profiler.enable');
        session.post('Profiler.start');
        for (let i = 0; i < 12; i++) pako.ungzip(pako.gzip(text));
        session.post('Profiler.stop', (_, {{ profile }}) => fs.writeFileSync('theirs.json', JSON.stringify(profile.nodes)));
        """
    )
    sampled = await sample(tmp_path, "deflate.cjs", node(major), rate_hz=500)
    theirs: Counter[str] = Counter()
    for entry in json.loads((tmp_path / "theirs.json").read_text()):
        if "/pako/" in entry["callFrame"]["url"]:
            theirs[entry["callFrame"]["functionName"]] += entry["hitCount"]
    table = sampled.recorder.table
    ours: Counter[str] = Counter()
    for (_, stack), samples in sampled.recorder.run.by_stack.items():
        function = table.functions[table.leaves[stack]]
        if "/pako/" in function.file:
            ours[function.name] += samples
    our_top, their_top = ([name for name, _ in counts.most_common(5)] for counts in (ours, theirs))
    assert len(set(our_top) & set(their_top)) >= 4, (our_top, their_top)
    for name in their_top:
        assert ours[name] / ours.total() == pytest.approx(theirs[name] / theirs.total(), abs=0.05), name


def test_the_helpers_are_installed_with_the_package():
    """The files that Node.js loads lie beside the sampler."""
    assert PRELOAD.is_file()
    assert PRELOAD.with_name("helper.cjs").is_file()
