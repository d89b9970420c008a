"""Worker threads of real Node.js versions: right whatever the main thread does, and however they end."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.node import PROGRAMS, majors, node, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.node import Sampled

alone = pytest.mark.alone

every = majors(20, 22, 24, 26)
both = majors(20, 24)


@contextmanager
def busy_machine(loops: int) -> Iterator[None]:
    """So many processes that compute beside what is under test."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def by_worker(sampled: Sampled) -> dict[str, dict[str, int]]:
    """Thread -> function -> samples with it running."""
    names = {name for name in sampled.threads if name.startswith("worker")}
    return {name: dict(sampled.self_samples(name)) for name in names}


def check_shares(sampled: Sampled, workers: int, within: float) -> None:
    """Each worker's samples are the CPU time that it used by its own clock, and its inner function is the hottest."""
    used_ms = sorted(json.loads(sampled.stdout))
    seen = by_worker(sampled)
    assert len(seen) == workers
    for thread, functions in seen.items():
        assert functions["inner"] / sum(functions.values()) > 0.5, (thread, functions)
    assert sum(sum(functions.values()) for functions in seen.values()) == pytest.approx(
        sum(used_ms) / 10, rel=within, abs=6
    )


@alone
@every
async def test_a_worker_is_seen_while_the_main_thread_is_blocked(tmp_path, major):
    """The main thread sits in one native call for the worker's whole life: the worker profiles itself and hands over by itself."""
    arguments = ("return", "1", "600", "block")
    sampled = await sample(tmp_path, PROGRAMS / "workers.cjs", node(major), arguments=arguments)
    assert (sampled.status, sampled.stderr) == (0, "")
    check_shares(sampled, 1, within=0.12)
    # Numbered as the kernel does it, not as Node.js: 0 and 1.
    numbers = {thread.name: (thread.pid, thread.tid) for thread in sampled.recorder.table.threads}
    assert numbers["main"][0] == numbers["main"][1]
    assert numbers["worker 1"][1] not in (1, numbers["main"][1])
    # What the threads' last windows could not place counts as lost.
    assert sampled.recorder.lost_samples <= 2


@alone
@both
async def test_workers_keep_their_inner_functions_on_a_busy_machine(tmp_path, major):
    """However late the helper answers, a thread is profiled from its first line: what V8 inlines does not count for its caller."""
    with busy_machine(3):
        sampled = await sample(tmp_path, PROGRAMS / "workers.cjs", node(major), arguments=("return", "3", "400"))
    check_shares(sampled, 3, within=0.15)


@alone
@every
@pytest.mark.own_code(20)
async def test_what_a_terminated_worker_did_is_in_the_profile(tmp_path, major):
    """Pools end their workers by `terminate()`, which runs no code of theirs: they hand over before."""
    sampled = await sample(tmp_path, PROGRAMS / "workers.cjs", node(major), arguments=("terminate", "3", "700"))
    assert (sampled.status, sampled.stderr) == (0, "")
    used_ms = json.loads(sampled.stdout)
    samples = sum(sum(functions.values()) for functions in by_worker(sampled).values())
    # Each used up to 20 ms more than it could tell.
    assert 0.92 * sum(used_ms) / 10 <= samples <= 1.1 * sum(used_ms) / 10 + 9


@alone
@both
async def test_a_worker_that_is_terminated_while_it_ends_hands_over(tmp_path, major):
    """Terminated at its last message a thread may be about to hand over by itself: whoever terminates it waits for that."""
    sampled = await sample(tmp_path, PROGRAMS / "workers.cjs", node(major), arguments=("answer", "6", "150"))
    assert (sampled.status, sampled.stderr) == (0, "")
    check_shares(sampled, 6, within=0.08)


async def test_a_worker_without_our_options_is_told(tmp_path):
    """A thread that was started without the program's options has no profile, and the user learns of it."""
    (tmp_path / "app.cjs").write_text(
        """
        const { Worker } = require('worker_threads');
        new Worker('setTimeout(() => {}, 2500)', { eval: true, execArgv: [], env: {} });
        """
    )
    sampled = await sample(tmp_path, "app.cjs", node(24))
    assert sampled.status == 0
    assert any("worker thread 1 is not sampled" in event.line for event in sampled.events)


@both
async def test_threads_have_the_numbers_that_they_have_bare(tmp_path, major):
    """Programs index by `threadId`: our helper is a worker thread, too, and takes none of the numbers, announces itself to none, and leaves nothing in the cache."""
    (tmp_path / "app.cjs").write_text(
        """
        const threads = require('worker_threads');
        const { Worker, isMainThread, parentPort, workerData, postMessageToThread } = threads;
        const view = () => [threads.threadId, process.execArgv, Object.keys(require.cache).length];
        if (isMainThread) {
          let announced = 0;
          process.on('worker', () => (announced += 1));
          process.on('workerMessage', (value, source) => {
            console.log(value, source);
            process.exit();
          });
          const run = (data) => new Promise((resolve) => {
            const worker = new Worker(__filename, { workerData: data });
            const before = worker.threadId;
            worker.on('message', (message) => resolve([before, worker.threadId, message]));
          });
          run('nest').then(async (first) => {
            console.log(JSON.stringify([view(), first, await run(''), announced]));
            await postMessageToThread(1, 'hello');
          });
        } else {
          process.on('workerMessage', (value, source) => postMessageToThread(source, 'from'));
          import('node:worker_threads').then(({ threadId }) => {
            const nested = workerData ? new Worker(__filename, { workerData: '' }) : undefined;
            const tell = (more) => parentPort.postMessage([threadId, view(), more]);
            nested ? nested.on('message', (message) => tell([nested.threadId, message])) : tell();
          });
          setInterval(() => {}, 1e6);
        }
        """
    )
    bare = subprocess.run([node(major), "app.cjs"], cwd=tmp_path, capture_output=True, text=True, check=True)
    sampled = await sample(tmp_path, "app.cjs", node(major))
    assert (sampled.stdout, sampled.stderr) == (bare.stdout, bare.stderr)
    assert {"worker 1", "worker 2", "worker 3"} >= sampled.threads - {"main"}


@alone
async def test_a_terminated_worker_ends_at_once(tmp_path):
    """Idle workers, workers in a native call and nested workers end by `terminate()` as they would, and its promise says how."""
    (tmp_path / "app.cjs").write_text(
        """
        const { Worker } = require('worker_threads');
        const run = async (code) => {
          const worker = new Worker(code, { eval: true });
          await new Promise((resolve) => worker.on('message', resolve));
          const began = Date.now();
          const status = await worker.terminate();
          return [status, Date.now() - began < 1000];
        };
        const port = "require('worker_threads').parentPort";
        (async () => {
          console.log(JSON.stringify([
            await run(`${port}.on('message', () => {}); ${port}.postMessage(1)`),
            await run(`${port}.postMessage(1); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)`),
            await run(`${port}.postMessage(1); require('child_process').execSync('sleep 0.3')`),
            await run(`const w = new (require('worker_threads').Worker)('for (;;);', { eval: true });
              w.on('online', () => setTimeout(() => w.terminate().then((x) => ${port}.postMessage(x)), 50)); setInterval(() => {}, 1e4)`),
          ]));
        })();
        """
    )
    sampled = await sample(tmp_path, "app.cjs", node(24))
    assert (sampled.status, sampled.stderr) == (0, "")
    assert json.loads(sampled.stdout) == [[1, True]] * 4


@both
async def test_timeouts_of_vm_hold_in_a_worker(tmp_path, major):
    """V8 has a timeout get lost that meets what a debugger evaluates, as our windows are: it comes all the same, and the thread ends."""
    (tmp_path / "app.cjs").write_text(
        """
        const { Worker, isMainThread } = require('worker_threads');
        if (isMainThread) {
          new Worker(__filename).on('exit', (status) => console.log('exit', status));
        } else {
          const vm = require('vm');
          let late = 0;
          for (const end = Date.now() + 4000; Date.now() < end; ) {
            const began = Date.now();
            try {
              vm.runInNewContext('for (const end = Date.now() + 3000; Date.now() < end; );', { Date }, { timeout: 10 });
            } catch (error) {
              if (error.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
            }
            late += Date.now() - began > 2500;
          }
          console.log('late', late);
        }
        """
    )
    sampled = await sample(tmp_path, "app.cjs", node(major))
    assert (sampled.status, sampled.stdout, sampled.stderr) == (0, "late 0\nexit 0\n", "")


@alone
@majors(24)
async def test_code_made_in_a_worker_is_named_by_the_place_that_made_it(tmp_path, major):
    """As in the main thread: a worker that gives its event loop a turn hands over windows while that code runs, so that its stack can be looked at."""
    (tmp_path / "app.cjs").write_text(
        """
        const { Worker, isMainThread } = require('worker_threads');
        if (isMainThread) {
          new Worker(__filename);
        } else {
          const check = new Function('x', 'let s = 0; for (let i = 0; i < x; i++) s += Math.sin(i); return s;');
          const until = performance.now() + 2500;
          (function turn() {
            check(3e5);
            if (performance.now() < until) setTimeout(turn, 0);
          })();
        }
        """
    )
    sampled = await sample(tmp_path, "app.cjs", node(major))
    assert (sampled.status, sampled.stderr) == (0, "")
    seen = sampled.self_samples("worker 1")
    # Node.js 20 does not tell the place.
    assert seen.most_common(1)[0][0] == ("(anonymous) made at app.cjs:6" if major > 20 else "(anonymous) 1")
