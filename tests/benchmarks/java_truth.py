"""Java beside async-profiler, on real programs from Maven Central: the hottest functions, and the CPU time that it takes to see them.

Sat4j, a solver, spends nearly all its time in small methods that the JIT inlines; Eclipse's compiler is flat. async-profiler, which interrupts threads wherever
they are, is the judge. The JVM's own threads are in neither. Without an option inlined methods count for their callers until the Flight Recorder pays.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.agreement import agreement
from tests.benchmarks.java_agreement import sat4j_formula
from tests.benchmarks.measure import run
from tests.benchmarks.table import Table, at_most
from tests.support.command import COMMAND
from tests.support.java import jdk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.benchmarks.measure import Length, Took

PEER = "async-profiler"
OPTION = "--java-inlined"
ARTEFACTS = {
    "async-profiler": "tools.profiler:async-profiler:4.6",
    "sat4j": "org.ow2.sat4j:org.ow2.sat4j.core:2.3.6",
    "ecj": "org.eclipse.jdt:ecj:3.33.0",
    "lucene": "org.apache.lucene:lucene-core:9.12.1:jar:sources",
}
"""Group, name, version, and of what is no plain jar its type and classifier."""
LIMIT = 1.03


@dataclass(frozen=True, slots=True)
class Program:
    title: str
    class_path: str
    main: str
    words: tuple[str, ...]


def tables(length: Length) -> Iterator[Table]:
    library = _library()
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        folder = Path(name)
        with zipfile.ZipFile(_jar("async-profiler")) as archive:
            profiler = Path(archive.extract(library, folder))
        for program in (_sat4j(length, folder), _ecj(length, folder)):
            yield from _compared(program, profiler, folder)


def _sat4j(length: Length, folder: Path) -> Program:
    formula = folder / "formula.cnf"
    formula.write_text(sat4j_formula(variables=length.sized(360, 200)))
    return Program("Sat4j", str(_jar("sat4j")), "org.sat4j.BasicLauncher", (str(formula),))


def _ecj(length: Length, folder: Path) -> Program:
    """Compiles the sources of a search engine, as often as makes a minute."""
    with zipfile.ZipFile(_jar("lucene")) as sources:
        names = [each for each in sources.namelist() if each.endswith(".java") and each != "module-info.java"]
        names = names[: length.sized(len(names), 200)]
        sources.extractall(folder / "sources", names)
    files = folder / "files"
    files.write_text("\n".join(str(folder / "sources" / each) for each in names))
    words = ("-nowarn", "-proceedOnError", "-source", "17", "-repeat", str(length.sized(20, 2)), "-d", "none")
    main = "org.eclipse.jdt.internal.compiler.batch.Main"
    return Program("Eclipse's compiler", str(_jar("ecj")), main, (*words, f"@{files}"))


def _compared(program: Program, profiler: Path, folder: Path) -> Iterator[Table]:
    collapsed = folder / "collapsed"
    start = f"-agentpath:{profiler}=start,event=itimer,interval=10ms,collapsed,ann,file={collapsed}"
    bare, theirs = _bare(program, folder), _bare(program, folder, start)
    judged = _judged(collapsed)
    costs = Table(f"{program.title}: CPU time of the program")
    costs.add("bare", bare.cpu_s, "s")
    costs.add(PEER, theirs.cpu_s, "s", base="bare")
    for title, options in (("no option", ()), (OPTION, (OPTION,))):
        counts, took_s = _ours(program, folder, options)
        costs.add(f"here, {title}", took_s, "s", *([at_most(LIMIT, "ratio")] if not options else []), base="bare")
        yield agreement(f"{program.title}, {title}", PEER, judged, counts)
    yield costs


def _bare(program: Program, folder: Path, *options: str) -> Took:
    return run([jdk(), *options, "-cp", program.class_path, program.main, *program.words], cwd=folder)


def _judged(collapsed: Path) -> Counter[str]:
    """The self time of Java methods: a leaf in the JVM or in the kernel counts for the one that called it; the JVM's own threads have none."""
    counts: Counter[str] = Counter()
    for line in collapsed.read_text().splitlines():
        stack, _, samples = line.rpartition(" ")
        methods = [frame for frame in stack.split(";") if frame[-4:] in {"_[j]", "_[i]", "_[0]", "_[1]"}]
        if methods:
            counts[methods[-1][:-4].split("/")[-1].replace("$", ".")] += int(samples)
    return counts


def _ours(program: Program, folder: Path, options: Sequence[str]) -> tuple[Counter[str], float]:
    """The self time of methods, and what the program's process used of the CPU."""
    saved = folder / "ours.json"
    java = ("--java", jdk(), "--java-arg=-cp", f"--java-arg={program.class_path}")
    ours: list[str | Path] = [
        COMMAND,
        "java",
        program.main,
        *options,
        *java,
        "--no-tui",
        "--summary",
        "json",
        "--json",
        saved,
    ]
    # Its exit status is the program's own.
    ran = subprocess.run([*ours, "--", *program.words], check=False, capture_output=True, text=True, cwd=folder)
    counts: Counter[str] = Counter()
    for profile in json.loads(saved.read_text())["profiles"]:
        for entry in profile["runtime_analysis"]["function_stats"].values():
            counts[".".join(entry["name"].split(" (")[0].split(".")[-2:])] += entry["execution_count"]
    return counts, float(json.loads(ran.stderr.splitlines()[-1])["cpu"]["cpu_secs"])


def _library() -> str:
    kinds = {("linux", "x86_64"): "linux-x64", ("linux", "aarch64"): "linux-arm64"}
    kind = kinds.get((sys.platform, platform.machine())) or pytest.skip(
        "NOT MEASURED: no async-profiler for this machine"
    )
    return f"{kind}/libasyncProfiler.so"


@functools.cache
def _jar(name: str) -> Path:
    """From Maven's own repository on this machine, fetched by it if it is not there."""
    group, artefact, version, *others = ARTEFACTS[name].split(":")
    home = Path(os.environ.get("MAVEN_REPOSITORY", Path.home() / ".m2" / "repository"))
    jar = home.joinpath(*group.split("."), artefact, version, "-".join([artefact, version, *others[1:]]) + ".jar")
    if not jar.exists():
        try:
            subprocess.run(
                [
                    "mvn",
                    "-q",
                    "-B",
                    f"-Dmaven.repo.local={home}",
                    "dependency:get",
                    f"-Dartifact={ARTEFACTS[name]}",
                    "-Dtransitive=false",
                ],
                check=True,
                capture_output=True,
            )
        except (OSError, subprocess.CalledProcessError):
            pytest.skip(f"NOT MEASURED: Maven does not bring {ARTEFACTS[name]}")
    return jar
