"""Java beside async-profiler, on five real programs of about a minute of CPU from Maven Central: the hottest functions, and the CPU time that it takes to see them.

Sat4j, a solver, spends nearly all its time in small methods that the JIT inlines; Eclipse's compiler is flat; then a Spring Boot service under load, the same on virtual
threads, and Kotlin's compiler, a large program in Kotlin. async-profiler, which interrupts threads wherever they are, is the judge, and where the user has it our
source, too. The JVM's own threads are in neither. Without it inlined methods count for their callers until the Flight Recorder pays.

All of it takes about twenty minutes on two cores; `PROGRAMS=Sat4j,Kotlin python -m tests.benchmarks java_truth` measures some. What is fetched is kept in Maven's own repository.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.samplers.java.frames import frame_of
from multi_lang_profiler.engine.samplers.java.sources import JavaSources
from tests.benchmarks.agreement import agreement
from tests.benchmarks.java_agreement import sat4j_formula
from tests.benchmarks.measure import run
from tests.benchmarks.table import Table, at_most
from tests.support.command import COMMAND
from tests.support.java import DEADLINE_S, PROGRAMS, jdk, newer_jdk
from tests.support.maven import artefact, async_profiler, class_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.benchmarks.measure import Length, Took

PEER = "async-profiler"
SAT4J = "org.ow2.sat4j:org.ow2.sat4j.core:2.3.6"
ECJ = "org.eclipse.jdt:ecj:3.33.0"
LUCENE = "org.apache.lucene:lucene-core:9.12.1:jar:sources"
SPRING = "org.springframework.boot:spring-boot-starter-web:3.5.7"
KOTLIN = "org.jetbrains.kotlin:kotlin-compiler-embeddable:2.2.21"
OKHTTP = "com.squareup.okhttp3:okhttp:4.12.0:jar:sources"
OKIO = "com.squareup.okio:okio-jvm:3.16.2"
NOWHERE = JavaSources(Path("/nowhere"))
LIMIT = 1.03
POINT = 1.01
"""What we may add to what async-profiler takes itself."""


@dataclass(frozen=True, slots=True)
class Program:
    title: str
    class_path: str
    main: str
    words: tuple[str, ...]
    java: str = ""
    """Another Java than the one on PATH."""


def tables(length: Length) -> Iterator[Table]:
    for program, folder in programs(length.sized(LONG, SHORTEST)):
        yield from _compared(program, async_profiler(), folder)


def programs(size: int) -> Iterator[tuple[Program, Path]]:
    """Each of so many seconds that it says `size`, in a folder that is there until the next one."""
    only = os.environ.get("PROGRAMS")
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        folder = Path(name)
        for title, (make, sizes) in PROGRAMS_OF.items():
            if only is None or title in only.split(","):
                yield make(sizes[size], folder), folder


def _sat4j(variables: int, folder: Path) -> Program:
    formula = folder / "formula.cnf"
    formula.write_text(sat4j_formula(variables=variables))
    return Program("Sat4j", str(artefact(SAT4J)), "org.sat4j.BasicLauncher", (str(formula),))


def _ecj(times: int, folder: Path) -> Program:
    """Compiles the sources of a search engine so many times, or some of them once."""
    names = _sources(LUCENE, folder / "lucene", 10_000 if times > 1 else 300)
    files = folder / "files"
    files.write_text("\n".join(names))
    words = ("-nowarn", "-proceedOnError", "-source", "17", "-repeat", str(times), "-d", "none")
    main = "org.eclipse.jdt.internal.compiler.batch.Main"
    return Program("Eclipse's compiler", str(artefact(ECJ)), main, (*words, f"@{files}"))


def _spring(requests: int, folder: Path) -> Program:
    return _service("Spring Boot", jdk(), "false", requests, folder)


def _virtual(requests: int, folder: Path) -> Program:
    return _service("Spring Boot on virtual threads", newer_jdk(), "true", requests, folder)


def _service(title: str, java: str, is_virtual: str, requests: int, folder: Path) -> Program:
    path = _compiled("Service", class_path(SPRING), folder)
    return Program(title, path, "real.Service", (str(requests), is_virtual), java)


def _kotlin(times: int, folder: Path) -> Program:
    """Compiles the sources of an HTTP client, as far as they go without their dependencies, so many times; 0 for some of them once."""
    _sources(OKHTTP, folder / "okhttp", 10_000 if times else 20)
    path = class_path(KOTLIN)
    library = next(each for each in path.split(os.pathsep) if "/kotlin-stdlib-2" in each)
    words = ("-nowarn", "-no-stdlib", "-no-reflect", "-d", str(folder / "out"), "-cp", f"{artefact(OKIO)}:{library}")
    times_said = str(max(1, times))
    return Program(
        "Kotlin's compiler",
        _compiled("Kotlin", path, folder),
        "real.Kotlin",
        (times_said, *words, str(folder / "okhttp")),
    )


LONG, SHORT, SHORTEST = range(3)
"""About a minute of CPU, some seconds, and as little as shows that all of it works."""
PROGRAMS_OF: dict[str, tuple[Callable[[int, Path], Program], tuple[int, int, int]]] = {
    "Sat4j": (_sat4j, (310, 280, 200)),
    "Eclipse": (_ecj, (10, 1, 1)),
    "Spring": (_spring, (32_000, 3_500, 1_500)),
    "Kotlin": (_kotlin, (2, 0, 0)),
    "Virtual": (_virtual, (32_000, 3_500, 1_500)),
}


def _sources(name: str, folder: Path, most: int) -> list[str]:
    with zipfile.ZipFile(artefact(name)) as sources:
        names = [each for each in sources.namelist() if each.endswith((".java", ".kt")) and "module-info" not in each]
        sources.extractall(folder, names[:most])
    return [str(folder / each) for each in names[:most]]


def _compiled(program: str, path: str, folder: Path) -> str:
    """The class path with the program on it."""
    source = PROGRAMS / "real" / f"{program}.java"
    options = ("--release", "17", "-nowarn", "-parameters", "-cp", path, "-d", str(folder))
    command = [str(Path(jdk()).with_name("javac")), *options, str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=DEADLINE_S)
    return f"{folder}{os.pathsep}{path}"


def _compared(program: Program, profiler: Path, folder: Path) -> Iterator[Table]:
    collapsed = folder / "collapsed"
    start = f"-agentpath:{profiler}=start,event=cpu,interval=10ms,collapsed,ann,quiet,loglevel=none,file={collapsed}"
    ways = {
        f"with {PEER}": (("--async-profiler", str(profiler)), True),
        f"without {PEER}": (("--async-profiler", "off"), False),
    }
    bare_s, theirs_s, judged = [], [], []
    counted: dict[str, tuple[Counter[str], float]] = {}
    # Ours in the midst: what changes on the machine meanwhile is not to be taken for our doing.
    for title in ways:
        bare_s.append(bare(program, folder).cpu_s)
        theirs_s.append(bare(program, folder, start).cpu_s)
        judged.append(_judged(collapsed))
        counted[title] = ours(program, folder, ways[title][0])
    costs = Table(f"{program.title}: CPU time of the program")
    costs.add("bare", bare_s, "s")
    costs.add(PEER, theirs_s, "s", base="bare")
    for title, (_, is_judged) in ways.items():
        counts, took_s = counted[title]
        targets = [at_most(LIMIT, "ratio")] if is_judged else []
        costs.add(f"here, {title}", took_s, "s", *targets, base="bare")
        first, again = judged if is_judged else reversed(judged)
        yield agreement(f"{program.title}, {title}", PEER, first, counts, again, is_judged=is_judged)
        if is_judged:
            beside = Table(f"{program.title}: CPU time of the program, beside {PEER} alone")
            beside.add(PEER, theirs_s, "s")
            beside.add(f"here, {title}", took_s, "s", at_most(POINT, "ratio"), base=PEER)
            yield beside
    yield costs


def bare(program: Program, folder: Path, *options: str) -> Took:
    shutil.rmtree(folder / "out", ignore_errors=True)
    java = program.java or jdk()
    return run([java, *options, "-cp", program.class_path, program.main, *program.words], cwd=folder)


def _judged(collapsed: Path) -> Counter[str]:
    """The self time of Java methods: a leaf in the JVM or in the kernel counts for the one that called it; the JVM's own threads have none."""
    counts: Counter[str] = Counter()
    for line in collapsed.read_text().splitlines():
        stack, _, samples = line.rpartition(" ")
        methods = [frame for frame in stack.split(";") if frame[-4:] in {"_[j]", "_[i]", "_[0]", "_[1]"}]
        # The JVM's own glue between a lambda and its caller is in no stack of ours.
        leaf = next(
            (method for method in reversed(methods) if "$$Lambda" not in method and "LambdaForm" not in method), ""
        )
        if leaf:
            of, _, method = leaf[:-4].replace("/", ".").rpartition(".")
            counts[_short(frame_of(of, method, "", 0, "", NOWHERE).function)] += int(samples)
    return counts


def _short(name: str) -> str:
    """The class and the method, as far as both tell them."""
    return ".".join(name.split(" (", maxsplit=1)[0].split(".")[-2:])


def ours(program: Program, folder: Path, options: Sequence[str]) -> tuple[Counter[str], float]:
    """The self time of methods, and what the program's process used of the CPU."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    saved, summary = folder / "ours.json", folder / "summary.json"
    java = ("--java", program.java or jdk(), "--java-arg=-cp", f"--java-arg={program.class_path}")
    quiet = ("--no-tui", "--no-history", "--summary", summary, "--json", saved)
    command: list[str | Path] = [COMMAND, "java", program.main, *options, *java, *quiet]
    # Its exit status is the program's own.
    subprocess.run([*command, "--", *program.words], check=False, capture_output=True, cwd=folder)
    counts: Counter[str] = Counter()
    for profile in json.loads(saved.read_text())["profiles"]:
        for entry in profile["runtime_analysis"]["function_stats"].values():
            counts[_short(entry["name"])] += entry["execution_count"]
    return counts, float(json.loads(summary.read_text())["cpu"]["cpu_secs"])
