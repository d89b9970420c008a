"""What sampling costs a Node.js program: its memory, by what that is made of, and the CPU time of its main thread.

    python -m tests.node_cost memory              # Node.js 20, 22, 24 and 26: bare, with single parts of what we start, and with us; 40 s
    python -m tests.node_cost memory 24 --rounds 5
    python -m tests.node_cost compiler            # the TypeScript compiler on Node.js 24, bare twice, --cpu-prof and us; some 8 s a round
    python -m tests.node_cost express --rounds 9  # a server of Express; some 10 s a round
    python -m tests.node_cost express --rounds 5 --into express.json   # add to the rounds that are in that file, and judge by all of them
    python -m tests.node_cost compiler --large    # checking some 200,000 lines, 40 s a round

Each round runs all of them, one after the other; ratios are taken round by round. `compiler` and `express` take the main thread's own
CPU time from the program's first line to its last, and then also with what is done at the process's end, where `--cpu-prof` makes its profile.
A ratio's median has, behind it, the interval that it lies in with 95%; where a limit lies within that, nothing is told.
"""

from __future__ import annotations

import json
import math
import re
import socket
import statistics
import sys
import tempfile
import threading
import time
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import alternate, run
from tests.benchmarks.node import PEER, compiler_words, contenders
from tests.benchmarks.overhead import AGAIN, NONE, OURS, Contender
from tests.benchmarks.table import Table
from tests.support.command import COMMAND
from tests.support.node import PROGRAMS, node, npm_package

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAJORS = [20, 22, 24, 26]
WORK_S = 2.0
MOST_MB = 12.0
LIMIT = 1.02
REQUESTS, CLIENTS = 20_000, 4
PEAK = """
const until = Date.now() + 1000 * Number(process.argv[2]);
let sum = 0;
while (Date.now() < until) for (let i = 0; i < 10000; i++) sum += i;
const status = require('fs').readFileSync('/proc/self/status', 'utf8');
console.log('peak', ...['VmHWM', 'RssAnon'].map((name) => new RegExp(`${name}:\\\\s+(\\\\d+)`).exec(status)[1]));
"""
WORKER = """
const { Worker } = require('worker_threads');
const resourceLimits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1, codeRangeSizeMb: 4, stackSizeMb: 1 };
const options = { eval: true, execArgv: [], env: {}, argv: [], trackUnmanagedFds: false, resourceLimits };
globalThis.worker = new Worker('setInterval(() => {}, 2 ** 30)', options);
worker.unref();
"""
SESSION = """
globalThis.session = new (require('inspector').Session)();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.setSamplingInterval', { interval: 10000 });
session.post('Profiler.start');
"""
PARTS = {"a worker thread that does nothing": WORKER, "V8's profiler, of a session of its own": SESSION}
BOTH = "both of these"


def memory(majors: list[int], rounds: int) -> None:
    """Print a table of each version: the peak of what is resident, and what of it is no page of a file."""
    with tempfile.TemporaryDirectory(prefix="mlp-cost-") as name:
        folder = Path(name)
        (folder / "peak.cjs").write_text(PEAK)
        parts = {}
        for at, (part, text) in enumerate({**PARTS, BOTH: "".join(PARTS.values())}.items()):
            parts[part] = folder / f"part{at}.cjs"
            parts[part].write_text(text)
        for major in majors:
            runtime = node(major)
            program: list[str | Path] = [folder / "peak.cjs", str(WORK_S)]
            ours: list[str | Path] = [
                COMMAND,
                "javascript",
                program[0],
                "--node",
                runtime,
                "--no-tui",
                "--quiet",
                "--",
                str(WORK_S),
            ]
            commands: dict[str, list[str | Path]] = {
                NONE: [runtime, *program],
                PEER: [runtime, "--cpu-prof", "--cpu-prof-dir", folder, *program],
                **{part: [runtime, "--require", file, *program] for part, file in parts.items()},
                OURS: ours,
            }
            took = alternate({name: partial(peak_mb, command, folder) for name, command in commands.items()}, rounds)
            middle = {
                name: [statistics.median(each) for each in zip(*runs, strict=True)] for name, runs in took.items()
            }
            print(f"Node.js {major}, {rounds} rounds{'peak':>29} {'':>9} {'own pages':>10}")
            for row, (peak, own) in middle.items():
                more = [f"+{each - bare:.1f}" for each, bare in zip((peak, own), middle[NONE], strict=True)]
                told = f"{more[0]:>9} {own:10.1f} MB {more[1]:>7}" if row != NONE else f"{'':>9} {own:10.1f} MB"
                print(f"  {row:40} {peak:6.1f} MB {told}")
            off = middle[OURS][0] - middle[NONE][0] - MOST_MB
            print(
                f"  at most {MOST_MB:g} MB more are wanted: {'kept' if off <= 0 else f'missed by {off:.1f} MB'}",
                flush=True,
            )


def peak_mb(command: list[str | Path], folder: Path) -> tuple[float, float]:
    """The peak, and what is anonymous at the end, in MB."""
    took = run(command, cwd=folder)
    found = re.search(rb"^peak (\d+) (\d+)$", took.stdout, re.MULTILINE)
    assert found, f"{command} ended with {took.status} and printed {took.stdout[-500:]!r}"
    return int(found[1]) / 1000, int(found[2]) / 1000


def cpu(
    title: str,
    compared: Mapping[str, Contender],
    work: Callable[[Contender], tuple[float, float]],
    rounds: int,
    into: Path | None,
    *,
    is_beside_peer: bool,
) -> None:
    """Measure `rounds` more than `into` has, and say what all of them tell."""
    took: dict[str, list[tuple[float, float]]] = json.loads(into.read_text()) if into and into.exists() else {}
    for name, runs in alternate({name: partial(work, each) for name, each in compared.items()}, rounds).items():
        took.setdefault(name, []).extend(runs)
    if into:
        into.write_text(json.dumps(took))
    for at, quantity in enumerate(("while the program works", "with what is done at the process's end")):
        table = Table(f"{title}: CPU time of the main thread, {quantity}")
        for name, runs in took.items():
            table.add(name, [each[at] for each in runs], "s", base=NONE)
        print("\n".join(table.lines()))
        control = median_interval(table.ratios(table.row(AGAIN), NONE))
        limits = {(OURS, NONE): LIMIT, (AGAIN, NONE): 0.0, (PEER, NONE): 0.0}
        if is_beside_peer:
            limits[OURS, PEER] = 1 + (control[1] - control[0]) / 2
        for (name, to), limit in limits.items():
            ratios = table.ratios(table.row(name), to)
            low, high = median_interval(ratios)
            verdict = "kept" if high <= limit else "MISSED" if low > limit else "not to be told"
            said = f"; wanted at most {limit:.3f}: {verdict}" if limit else ""
            print(
                f"  {name} : {to} {statistics.median(ratios):.3f} ({low:.3f} to {high:.3f}; {len(ratios)} rounds){said}"
            )
    sys.stdout.flush()


def median_interval(ratios: list[float]) -> tuple[float, float]:
    """What the median of all such ratios lies between, with 95% or as much as so few tell: those of their order statistics that leave 2.5% on each side.

    https://en.wikipedia.org/wiki/Median#Confidence_intervals
    """
    number, left, below = len(ratios), 0, 0.0
    while (below := below + math.comb(number, left) / 2**number) <= 0.025:
        left += 1
    return sorted(ratios)[max(0, left - 1)], sorted(ratios)[min(number - 1, number - left)]


def small_words(folder: Path) -> list[str]:
    """The compiler checks its library's types of the browser, in a second: more rounds tell more than longer ones."""
    (folder / "app.ts").write_text("export const shop = document.createElement('p');\n")
    compiler, *_ = compiler_words(large=False)
    return [
        compiler,
        "--noEmit",
        "--strict",
        "--target",
        "esnext",
        "--lib",
        "esnext,dom,dom.iterable,webworker.importscripts",
        "app.ts",
    ]


def main_thread_s(contender: Contender, folder: Path) -> tuple[float, float]:
    """`(while it worked, to the end of the process)`, in seconds."""
    took = run(contender.command, cwd=folder)
    worked = re.search(rb"^worked \S+ \S+ (\S+) (\S+)$", took.stdout, re.MULTILINE)
    own = re.search(rb"^(\d+) \d+$", took.stdout, re.MULTILINE)
    assert worked, f"{contender.command} ended with {took.status} and printed {took.stdout[-500:]!r}"
    assert own, "the program says what its main thread used"
    whole_s = took.children_cpu_s if contender.is_parent else took.cpu_s
    own_s = int(own[1]) / 1000
    return own_s, own_s + max(0.0, whole_s - sum(map(float, worked.groups())))


def express_s(contender: Contender, folder: Path) -> tuple[float, float]:
    port = folder / "port"
    port.unlink(missing_ok=True)
    clients = threading.Thread(target=ask, args=(port,))
    clients.start()
    took = main_thread_s(contender, folder)
    clients.join()
    return took


def ask(port: Path) -> None:
    """Ask the server that writes its port there, and have it end."""
    while not port.exists():
        time.sleep(0.02)
    address = ("127.0.0.1", int(port.read_text()))
    threads = [threading.Thread(target=client, args=(address, REQUESTS // CLIENTS)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with socket.create_connection(address) as connection:
        connection.sendall(b"GET /end HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
        connection.recv(1000)


def client(address: tuple[str, int], requests: int) -> None:
    with socket.create_connection(address) as connection, connection.makefile("rb") as answers:
        for number in range(requests):
            connection.sendall(b"GET /shop/%d?page=2 HTTP/1.1\r\nHost: shop\r\n\r\n" % number)
            length = 0
            while (line := answers.readline()) not in {b"\r\n", b""}:
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            answers.read(length)


def main() -> int:
    parser = ArgumentParser()
    parser.add_argument("what", choices=["memory", "compiler", "express"])
    parser.add_argument("majors", nargs="*", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--into", type=Path)
    parser.add_argument("--large", action="store_true")
    asked = parser.parse_args()
    if asked.what == "memory":
        memory(asked.majors or MAJORS, asked.rounds)
        return 0
    with tempfile.TemporaryDirectory(prefix="mlp-cost-") as name:
        folder = Path(name)
        if asked.what == "compiler":
            words, work = compiler_words(large=True) if asked.large else small_words(folder), main_thread_s
        else:
            modules = npm_package("express", "5.1.0") / "node_modules"
            words, work = [str(PROGRAMS / "express_work.cjs"), str(modules), str(folder / "port")], express_s
        by_name = contenders(words, folder)
        compared = {NONE: by_name[NONE], AGAIN: by_name[NONE], OURS: by_name[OURS], PEER: by_name[PEER]}
        is_compiler = asked.what == "compiler"
        title = "The TypeScript compiler" if is_compiler else "A server of Express"
        cpu(title, compared, partial(work, folder=folder), asked.rounds, asked.into, is_beside_peer=is_compiler)
    return 0


if __name__ == "__main__":
    sys.exit(main())
