"""How far what `--java-inlined` tells of javac and of Sat4j agrees with the Flight Recorder, taken one after the other; and the judges of both.

javac, compiling its JDK's own `java.*`, is flat: after the hottest function, with some 5%, come hundreds that have less than 2%, and a minute of
the Flight Recorder's samples does not tell which of them are the five hottest. Sat4j, a solver that comes with Debian, spends nearly all its
time in one loop, most of it in small methods that the JIT inlines into it. Those count for their caller without the option. The sections
that time themselves, whose tables come first, are told without it.
"""

from __future__ import annotations

import json
import random
import subprocess
import tempfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks import java_sections
from tests.benchmarks.agreement import agreement
from tests.benchmarks.flight_recorder import recorded
from tests.support.command import COMMAND
from tests.support.java import jdk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.benchmarks.measure import Length
    from tests.benchmarks.table import Table

SAT4J = "org.sat4j.core.jar"
CLAUSES_PER_VARIABLE = 4.6
"""Enough that no random 3-SAT formula of some size has a solution, so that all of it has to be searched."""


def tables(length: Length) -> Iterator[Table]:
    yield from java_sections.tables(length)
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        folder = Path(name)
        yield _javac(length, folder)
        yield _sat4j(length, folder)


def _javac(length: Length, folder: Path) -> Table:
    java = _jdk_with_sources()
    with zipfile.ZipFile(java.parents[1] / "lib" / "src.zip") as archive:
        compiled = length.sized("java.base/java/", "java.base/java/util/")
        names = [name for name in archive.namelist() if compiled in name and name.endswith(".java")]
        archive.extractall(folder, names)
    root = next(folder.rglob("java.base"))
    words = ["-nowarn", "-proc:none", "-d", str(folder / "out"), "--patch-module", f"java.base={root}"]
    words += [str(folder / name) for name in names]
    return _compared("javac", java, (), "com.sun.tools.javac.Main", words, folder)


def _sat4j(length: Length, folder: Path) -> Table:
    formula = folder / "formula.cnf"
    formula.write_text(sat4j_formula(variables=length.sized(330, 200)))
    options = ("-cp", str(_sat4j_jar(folder)))
    return _compared("Sat4j", Path(jdk()), options, "org.sat4j.BasicLauncher", [str(formula)], folder)


def sat4j_formula(variables: int) -> str:
    chance = random.Random(1)
    clauses = int(CLAUSES_PER_VARIABLE * variables)
    lines = [f"p cnf {variables} {clauses}"]
    for _ in range(clauses):
        literals = (number * chance.choice((1, -1)) for number in chance.sample(range(1, variables + 1), 3))
        lines.append(" ".join(map(str, literals)) + " 0")
    return "\n".join(lines) + "\n"


def _sat4j_jar(folder: Path) -> Path:
    """Debian's, installed or fetched."""
    installed = Path("/usr/share/java", SAT4J)
    if installed.exists():
        return installed
    try:
        subprocess.run(["apt-get", "download", "sat4j"], cwd=folder, check=True, capture_output=True)
        subprocess.run(["dpkg", "-x", next(folder.glob("sat4j_*.deb")), folder], check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("NOT MEASURED: there is no Sat4j; apt install sat4j")
    return folder / "usr" / "share" / "java" / SAT4J


def _jdk_with_sources() -> Path:
    for archive in sorted(Path("/usr/lib/jvm").glob("*/lib/src.zip"), reverse=True):
        if archive.exists():
            return archive.parents[1] / "bin" / "java"
    pytest.skip("NOT MEASURED: no JDK in /usr/lib/jvm has its sources (lib/src.zip)")


def _compared(title: str, java: Path, options: Sequence[str], main: str, words: list[str], folder: Path) -> Table:
    theirs, again = (_recorders(java, [*options, main, *words], folder) for _ in range(2))
    return agreement(title, "the Flight Recorder", theirs, _ours(java, options, main, words, folder), again)


def _ours(java: Path, options: Sequence[str], main: str, words: list[str], folder: Path) -> Counter[str]:
    saved = folder / "ours.json"
    command = [
        str(COMMAND),
        "java",
        main,
        "--java-inlined",
        "--java",
        str(java),
        *(f"--java-arg={option}" for option in options),
    ]
    # Its exit status is the program's, and Sat4j's is its answer.
    subprocess.run(
        [*command, "--no-tui", "--quiet", "--json", str(saved), "--", *words], check=False, capture_output=True
    )
    (profile,) = json.loads(saved.read_text())["profiles"]
    counts: Counter[str] = Counter()
    for entry in profile["runtime_analysis"]["function_stats"].values():
        counts[entry["name"].split(" (")[0]] += entry["execution_count"]
    saved.unlink()
    return counts


def _recorders(java: Path, words: list[str], folder: Path) -> Counter[str]:
    stacks, _ = recorded(java, words, folder / "theirs.jfr", depth=1)
    return Counter(stack[0] for stack in stacks)
