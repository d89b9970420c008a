"""How far what is sampled of Node.js programs agrees with `node --cpu-prof`, taken one after the other.

Both at 1 kHz: at the default rate the ranks of functions with 2% each are a matter of chance. The two name anonymous functions
differently; those count for the whole only.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.profile.stacks import OTHER_FUNCTIONS
from tests.benchmarks.agreement import agreement
from tests.benchmarks.node import compiler_words
from tests.support.command import COMMAND
from tests.support.node import PAKO, WHEELS, node, npm_package

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.measure import Length
    from tests.benchmarks.table import Table

PROFILERS_OWN = {"(idle)", "(program)", "(root)"}
COLLECTOR = "(garbage collector)"


def tables(length: Length) -> Iterator[Table]:
    pako = npm_package("pako", PAKO) / "node_modules" / "pako"
    compiler = compiler_words(large=not length.quick)
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as folder:
        script = Path(folder, "deflate.cjs")
        script.write_text(
            f"const pako = require({json.dumps(str(pako))});\n"
            f"const text = require('fs').readFileSync({json.dumps(str(Path(compiler[0]).with_name('_tsc.js')))});\n"
            f"for (let i = 0; i < {length.sized(20, 1)}; i++) pako.ungzip(pako.gzip(text));\n"
        )
        for title, words in (("pako", [str(script)]), ("the TypeScript compiler", compiler)):
            for major in WHEELS:
                theirs = cpu_prof_counts(major, words, folder)
                ours, again = sampled_counts(major, words, folder), cpu_prof_counts(major, words, folder)
                yield agreement(f"{title} on Node.js {major}", "--cpu-prof", theirs, ours, again)


def sampled_counts(major: int, words: list[str], folder: str) -> Counter[str]:
    saved = Path(folder, "ours.json")
    program, *arguments = words
    options = ["--node", str(node(major)), "--rate", "1000", "--no-tui", "--quiet", "--json", str(saved)]
    subprocess.run([str(COMMAND), "javascript", program, *options, "--", *arguments], check=False, capture_output=True)
    (profile,) = json.loads(saved.read_text())["profiles"]
    counts: Counter[str] = Counter()
    for entry in profile["runtime_analysis"]["function_stats"].values():
        counts[bare(entry["name"])] += entry["execution_count"]
    return counts


def cpu_prof_counts(major: int, words: list[str], folder: str) -> Counter[str]:
    command = [str(node(major)), "--cpu-prof", "--cpu-prof-dir", folder, "--cpu-prof-name", "theirs.cpuprofile", *words]
    subprocess.run(command, check=False, capture_output=True)
    counts: Counter[str] = Counter()
    for entry in json.loads(Path(folder, "theirs.cpuprofile").read_bytes())["nodes"]:
        name = entry["callFrame"]["functionName"]
        if name not in PROFILERS_OWN:
            counts[bare(name)] += entry["hitCount"]
    return counts


def bare(name: str) -> str:
    """A function's name without its class, as both know it."""
    if name == COLLECTOR:
        return name
    if not name or name.startswith("("):
        return OTHER_FUNCTIONS
    return name.removeprefix("get ").removeprefix("set ").rpartition(".")[2]
