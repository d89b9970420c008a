"""What the profiled program itself takes more: its peak memory, bare and under us, in each language."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import alternate, run
from tests.benchmarks.table import Table
from tests.support.command import COMMAND
from tests.support.go import ENVIRONMENT, go
from tests.support.java import compile_java, jdk
from tests.support.node import node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.measure import Command, Length

WORK_S = 3.0
"""Enough for a sampler's buffers to have been used."""
PYTHON = """
import sys, time
until = time.monotonic() + float(sys.argv[1])
while time.monotonic() < until: sum(range(10_000))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
NODE = """
const until = Date.now() + 1000 * Number(process.argv[2]);
let sum = 0;
while (Date.now() < until) for (let i = 0; i < 10000; i++) sum += i;
console.log(require('fs').readFileSync('/proc/self/status', 'utf8').match(/VmHWM:\\s+(\\d+)/)[1]);
"""
EMPTY_WORKER = """
const { Worker } = require('worker_threads');
new Worker('setInterval(() => {}, 1e9)', { eval: true, execArgv: [], env: {} }).unref();
"""
JAVA = """
import java.nio.file.*;
public class Peak {
    static volatile long sum;
    public static void main(String[] words) throws Exception {
        long until = System.nanoTime() + (long) (1e9 * Double.parseDouble(words[0]));
        while (System.nanoTime() < until) for (int i = 0; i < 10000; i++) sum += i;
        for (String line : Files.readAllLines(Path.of("/proc/self/status")))
            if (line.startsWith("VmHWM")) System.out.println(line.split("\\\\s+")[1]);
    }
}
"""
GO = """
package main

import ("fmt"; "os"; "regexp"; "strconv"; "time")

func main() {
    seconds, _ := strconv.ParseFloat(os.Args[1], 64)
    until, sum := time.Now().Add(time.Duration(seconds*1e9)), 0
    for time.Now().Before(until) { for i := 0; i < 10000; i++ { sum += i } }
    status, _ := os.ReadFile("/proc/self/status")
    fmt.Println(string(regexp.MustCompile(`VmHWM:\\s+(\\d+)`).FindSubmatch(status)[1]), sum*0)
}
"""


def tables(length: Length) -> Iterator[Table]:
    table = Table(f"Peak memory of the program itself, which works for {WORK_S:g} s")
    words = [str(length.sized(WORK_S, 0.3))]
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        folder = Path(name)
        for language, (bare, ours) in commands(folder).items():
            compared = {
                "bare": partial(_peak_mb, [*bare, *words], folder),
                "profiled": partial(_peak_mb, [*ours, "--", *words], folder),
            }
            if language == "Node.js":
                # What our helper is made of: the least that any thread with an inspector takes.
                empty = [bare[0], "--require", folder / "empty.cjs", *bare[1:], *words]
                compared["with an empty worker thread"] = partial(_peak_mb, empty, folder)
            for what, values in alternate(compared, length.sized(5, 1)).items():
                table.add(f"{language}, {what}", values, "MB", base=None if what == "bare" else f"{language}, bare")
    yield table


def commands(folder: Path) -> dict[str, tuple[Command, Command]]:
    """For each language the command of the bare program, and ours."""
    files = {name: folder / name for name in ("peak.py", "peak.cjs", "Peak.java", "peak.go")}
    for file, text in zip(files.values(), (PYTHON, NODE, JAVA, GO), strict=True):
        file.write_text(text)
    (folder / "empty.cjs").write_text(EMPTY_WORKER)
    compile_java(folder, files["Peak.java"])
    subprocess.run(
        [go(), "build", "-o", folder / "peak", files["peak.go"]], check=True, env={**os.environ, **ENVIRONMENT}
    )
    quiet = ["--no-tui", "--quiet"]
    runtime = str(node(24))
    return {
        "Python": (
            [sys.executable, files["peak.py"]],
            [COMMAND, "python", files["peak.py"], "--python", sys.executable, *quiet],
        ),
        "Node.js": (
            [runtime, files["peak.cjs"]],
            [COMMAND, "javascript", files["peak.cjs"], "--node", runtime, *quiet],
        ),
        "Java": (
            [jdk(), "-cp", folder, "Peak"],
            [COMMAND, "java", "Peak", "--java", jdk(), "--java-arg=-cp", f"--java-arg={folder}", *quiet],
        ),
        "Go": ([folder / "peak"], [COMMAND, "go", files["peak.go"], "--go", go(), *quiet]),
    }


def _peak_mb(command: Command, folder: Path) -> float:
    took = run(command, cwd=folder, environment=ENVIRONMENT)
    assert took.status == 0, f"{command} ended with {took.status}"
    return int(took.stdout.split()[0]) / 1_000
