"""How far what is sampled of javac, compiling its JDK's own `java.*`, agrees with the Flight Recorder, taken one after the other."""

from __future__ import annotations

import json
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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.measure import Length
    from tests.benchmarks.table import Table


def tables(length: Length) -> Iterator[Table]:
    yield from java_sections.tables(length)
    java = _jdk_with_sources()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(java.parents[1] / "lib" / "src.zip") as archive:
        compiled = length.sized("java.base/java/", "java.base/java/util/")
        names = [name for name in archive.namelist() if compiled in name and name.endswith(".java")]
        archive.extractall(folder, names)
        root = next(Path(folder).rglob("java.base"))
        words = ["-nowarn", "-proc:none", "-d", str(Path(folder, "out")), "--patch-module", f"java.base={root}"]
        words += [str(Path(folder, name)) for name in names]
        ours, theirs = _ours(java, words, folder), _flight_recorders(java, words, folder)
    yield agreement("javac", "the Flight Recorder", theirs, ours)


def _jdk_with_sources() -> Path:
    for archive in sorted(Path("/usr/lib/jvm").glob("*/lib/src.zip"), reverse=True):
        if archive.exists():
            return archive.parents[1] / "bin" / "java"
    pytest.skip("NOT MEASURED: no JDK in /usr/lib/jvm has its sources (lib/src.zip)")


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
    stacks, _ = recorded(java, ["com.sun.tools.javac.Main", *words], Path(folder, "theirs.jfr"), depth=1)
    return Counter(stack[0] for stack in stacks)
