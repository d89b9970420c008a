"""What sampling a Java program costs, and how far its result agrees with Java's own Flight Recorder.

    python -m tests.benchmarks.java [SECONDS [RUNS]]
    python -m tests.benchmarks.java agreement

Costs are ratios of alternating runs of a program that does a fixed piece of work and times it itself, so that the JVM's start is
not in them; it is given apart. `agreement` samples javac, compiling its JDK's own `java.*`, with both, one after the other.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.support.command import COMMAND
from tests.support.java import compile_java, jdk

PROGRAMS = Path(__file__).resolve().parents[1] / "programs" / "java"
ROUNDS_A_SECOND = 14
"""Of `Sections`, about, on one thread."""


@dataclass(frozen=True, slots=True)
class Cost:
    work_s: float
    """Of the program's work, on the wall's clock."""
    whole_s: float
    """From start to end."""
    cpu_s: float
    """Of all processes."""


def main() -> None:
    if "agreement" in sys.argv:
        compare_with_flight_recorder()
        return
    seconds, runs = (*map(int, sys.argv[1:]), 10, 5)[:2] if len(sys.argv) < 3 else map(int, sys.argv[1:3])
    with tempfile.TemporaryDirectory() as folder:
        compile_java(Path(folder), PROGRAMS / "Sections.java")
        print(f"{jdk()}, {runs} alternating runs of {seconds} s")
        for threads in (1, 2):
            costs: dict[bool, list[Cost]] = {False: [], True: []}
            for _ in range(runs):
                for is_sampled in (False, True):
                    costs[is_sampled].append(run_sections(folder, seconds * ROUNDS_A_SECOND, threads, is_sampled))
            report(threads, costs)


def run_sections(folder: str, rounds: int, threads: int, is_sampled: bool) -> Cost:
    arguments = [str(rounds), str(threads)]
    if is_sampled:
        options = ["--java", jdk(), "--java-arg=-cp", f"--java-arg={folder}", "--no-tui", "--quiet"]
        command = [str(COMMAND), "java", "Sections", *options, "--", *arguments]
    else:
        command = [jdk(), "-cp", folder, "Sections", *arguments]
    before, began = os.times(), time.perf_counter()
    output = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    whole_s, after = time.perf_counter() - began, os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(int(output.split()[-1]) / 1000, whole_s, cpu_s)


def report(threads: int, costs: dict[bool, list[Cost]]) -> None:
    def ratio(of: str) -> str:
        pairs = zip(costs[True], costs[False], strict=True)
        ratios = sorted(getattr(sampled, of) / getattr(plain, of) for sampled, plain in pairs)
        return f"{statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})"

    start_s = {
        is_sampled: statistics.median(cost.whole_s - cost.work_s for cost in of) for is_sampled, of in costs.items()
    }
    print(f"{threads} busy threads on {os.cpu_count()} cores:")
    print(f"  wall time of the work, sampled : plain  {ratio('work_s')}")
    print(f"  CPU time of all, sampled : plain        {ratio('cpu_s')}")
    print(f"  start and end: {start_s[False]:.2f} s plain, {start_s[True]:.2f} s sampled")


def compare_with_flight_recorder() -> None:
    """The ten hottest functions of a compilation, by both."""
    java = _jdk_with_sources()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(java.parents[1] / "lib" / "src.zip") as archive:
        names = [name for name in archive.namelist() if "java.base/java/" in name and name.endswith(".java")]
        archive.extractall(folder, names)
        root = next(Path(folder).rglob("java.base"))
        out = Path(folder, "out")
        words = ["-nowarn", "-proc:none", "-d", str(out), "--patch-module", f"java.base={root}"]
        words += [str(Path(folder, name)) for name in names]
        ours, theirs = _ours(java, words, folder), _flight_recorders(java, words, folder)
    for title, counts in (("this sampler", ours), ("Flight Recorder", theirs)):
        total = counts.total()
        print(f"{title}: {total} samples")
        for function, samples in counts.most_common(10):
            print(f"  {100 * samples / total:5.1f}%  {function}")
    top = [{function for function, _ in counts.most_common(5)} for counts in (ours, theirs)]
    print(f"{len(top[0] & top[1])} of the five hottest are the same")


def _jdk_with_sources() -> Path:
    for archive in sorted(Path("/usr/lib/jvm").glob("*/lib/src.zip"), reverse=True):
        if archive.exists():
            return archive.parents[1] / "bin" / "java"
    raise SystemExit("no JDK in /usr/lib/jvm has its sources (lib/src.zip)")


def _ours(java: Path, words: list[str], folder: str) -> Counter[str]:
    saved = Path(folder, "ours.json")
    command = [str(COMMAND), "java", "com.sun.tools.javac.Main", "--java", str(java), "--no-tui", "--quiet"]
    subprocess.run([*command, "--json", str(saved), "--", *words], check=True, capture_output=True)
    (profile,) = json.loads(saved.read_text())["profiles"]
    stats = profile["runtime_analysis"]["function_stats"].values()
    counts: Counter[str] = Counter()
    for entry in stats:
        counts[entry["name"].split(" (")[0]] += entry["execution_count"]
    return counts


def _flight_recorders(java: Path, words: list[str], folder: str) -> Counter[str]:
    recording = Path(folder, "theirs.jfr")
    options = ["-XX:+UnlockDiagnosticVMOptions", "-XX:+DebugNonSafepoints", "-Xlog:jfr*=off"]
    start = f"-XX:StartFlightRecording:filename={recording},settings=profile"
    subprocess.run([java, *options, start, "com.sun.tools.javac.Main", *words], check=True, capture_output=True)
    printed = subprocess.run(
        [
            java.with_name("jfr"),
            "print",
            "--json",
            "--stack-depth",
            "1",
            "--events",
            "jdk.ExecutionSample",
            recording,
        ],
        capture_output=True,
        check=True,
    ).stdout
    counts: Counter[str] = Counter()
    for event in json.loads(printed)["recording"]["events"]:
        if trace := event["values"]["stackTrace"]:
            method = trace["frames"][0]["method"]
            counts[f"{method['type']['name'].split('/')[-1].replace('$', '.')}.{method['name']}"] += 1
    return counts


if __name__ == "__main__":
    main()
