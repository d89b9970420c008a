"""What sampling a Node.js program costs, and how far its result agrees with `node --cpu-prof`.

    python -m tests.benchmarks.node [SECONDS [RUNS]]
    python -m tests.benchmarks.node agreement

Costs are ratios of alternating runs. Programs that do a fixed piece of work time it themselves, so that the start of Node.js and of
the profiler is not in it; it is given apart. Nobody here wrote the TypeScript compiler, which stands for programs that
mostly compile themselves; it is timed as a whole. `agreement` samples it and pako, and takes their `--cpu-prof`, one after the other,
both at 1 kHz: at the default rate the ranks of functions with 2% each are a matter of chance.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.support.command import COMMAND
from tests.support.node import PAKO, PROGRAMS, TYPESCRIPT, node, npm_package

ROUNDS_A_SECOND = {"compute": 60, "serve": 500}
"""Of `fixed_work.cjs`, about."""
PROFILERS_OWN = {"(idle)", "(program)", "(root)"}


@dataclass(frozen=True, slots=True)
class Cost:
    work_s: float
    whole_s: float
    """From start to end."""
    cpu_s: float
    """Of all processes, ours included."""
    status: int


def main() -> None:
    if "agreement" in sys.argv:
        agreement()
        return
    seconds, runs = (*map(int, sys.argv[1:]), 10, 5)[:2] if len(sys.argv) < 3 else map(int, sys.argv[1:3])
    for major in (20, 24):
        version = subprocess.run([node(major), "--version"], capture_output=True, text=True, check=True).stdout.strip()
        print(f"Node.js {version}, {runs} alternating runs of about {seconds} s on {os.cpu_count()} cores")
        for kind, rounds in ROUNDS_A_SECOND.items():
            report(kind, major, runs, [str(PROGRAMS / "fixed_work.cjs"), kind, str(rounds * seconds)])
        report("the TypeScript compiler", major, runs, compiler_words(seconds))


def report(kind: str, major: int, runs: int, words: list[str]) -> None:
    costs: dict[bool, list[Cost]] = {False: [], True: []}
    for _ in range(runs):
        for is_sampled in (False, True):
            costs[is_sampled].append(run(major, words, is_sampled=is_sampled))
    statuses = {cost.status for cost in costs[False] + costs[True]}
    assert len(statuses) == 1, f"the program ended differently when it was sampled: {statuses}"

    def ratio(of: str) -> str:
        pairs = zip(costs[True], costs[False], strict=True)
        ratios = sorted(getattr(sampled, of) / getattr(plain, of) for sampled, plain in pairs)
        return f"{statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})"

    def start_s(of: list[Cost]) -> float:
        return statistics.median(cost.whole_s - cost.work_s for cost in of)

    print(f"  {kind}, {statistics.median(cost.whole_s for cost in costs[False]):.1f} s")
    print(f"    wall time of the work, sampled : plain  {ratio('work_s')}")
    print(f"    CPU time of all, sampled : plain        {ratio('cpu_s')}")
    if start_s(costs[False]):
        print(f"    start and end: {start_s(costs[False]):.2f} s plain, {start_s(costs[True]):.2f} s sampled")


def run(major: int, words: list[str], *, is_sampled: bool) -> Cost:
    command = [str(node(major)), *words]
    if is_sampled:
        program, *arguments = words
        options = ["--node", str(node(major)), "--no-tui", "--quiet"]
        command = [str(COMMAND), "javascript", program, *options, "--", *arguments]
    before, began_s = os.times(), time.perf_counter()
    finished = subprocess.run(command, capture_output=True, check=False, text=True)
    whole_s, after = time.perf_counter() - began_s, os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    times_itself = finished.stdout.strip().isdecimal()
    return Cost(int(finished.stdout) / 1000 if times_itself else whole_s, whole_s, cpu_s, finished.returncode)


def compiler_words(seconds: int) -> list[str]:
    """The TypeScript compiler checks JavaScript of its own: the large half of itself takes 10 s and more, the language server's 2 s."""
    library = npm_package("typescript", TYPESCRIPT) / "node_modules" / "typescript" / "lib"
    checked = library / ("_tsc.js" if seconds >= 10 else "_tsserver.js")
    options = ["--noEmit", "--allowJs", "--checkJs", "--target", "esnext", "--module", "nodenext"]
    return [str(library / "tsc.js"), *options, str(checked)]


def agreement() -> None:
    pako = npm_package("pako", PAKO) / "node_modules" / "pako"
    compiler = compiler_words(10)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "deflate.cjs")
        script.write_text(
            f"const pako = require({json.dumps(str(pako))});\n"
            f"const text = require('fs').readFileSync({json.dumps(compiler[-1])});\n"
            "for (let i = 0; i < 10; i++) pako.ungzip(pako.gzip(text));\n"
        )
        for title, words in (("pako", [str(script)]), ("the TypeScript compiler", compiler)):
            for major in (20, 24):
                print(f"{title} on Node.js {major}")
                ours, theirs = sampled_shares(major, words, folder), cpu_prof_shares(major, words, folder)
                again = cpu_prof_shares(major, words, folder)
                for name, _ in theirs.most_common(5):
                    print(
                        f"  {theirs[name]:5.1%} {again[name]:5.1%} by --cpu-prof, twice; {ours[name]:5.1%} here  {name}"
                    )
                print(
                    f"  {common(ours, theirs)} of the five hottest are the same; of --cpu-prof's two, {common(again, theirs)}"
                )


def common(some: Counter[str], others: Counter[str]) -> int:
    return len({name for name, _ in some.most_common(5)} & {name for name, _ in others.most_common(5)})


def sampled_shares(major: int, words: list[str], folder: str) -> Counter[str]:
    saved = Path(folder, "ours.json")
    program, *arguments = words
    options = ["--node", str(node(major)), "--rate", "1000", "--no-tui", "--quiet", "--json", str(saved)]
    subprocess.run([str(COMMAND), "javascript", program, *options, "--", *arguments], check=False, capture_output=True)
    (profile,) = json.loads(saved.read_text())["profiles"]
    counts: Counter[str] = Counter()
    for entry in profile["runtime_analysis"]["function_stats"].values():
        if not entry["name"].startswith("(anonymous)"):
            counts[bare(entry["name"])] += entry["execution_count"]
    return shares(counts)


def cpu_prof_shares(major: int, words: list[str], folder: str) -> Counter[str]:
    command = [str(node(major)), "--cpu-prof", "--cpu-prof-dir", folder, "--cpu-prof-name", "theirs.cpuprofile", *words]
    subprocess.run(command, check=False, capture_output=True)
    counts: Counter[str] = Counter()
    for entry in json.loads(Path(folder, "theirs.cpuprofile").read_bytes())["nodes"]:
        name = entry["callFrame"]["functionName"]
        if name and name not in PROFILERS_OWN:
            counts[bare(name)] += entry["hitCount"]
    return shares(counts)


def bare(name: str) -> str:
    """A function's name without its class or place, as both know it."""
    return name if name == "(garbage collector)" else name.partition(" ")[0].rpartition(".")[2]


def shares(counts: Counter[str]) -> Counter[str]:
    result: Counter[str] = Counter()
    for name, count in counts.items():
        result[name] = count / counts.total()  # type: ignore[assignment]
    return result


if __name__ == "__main__":
    main()
