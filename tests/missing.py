"""Programs whose CPU time used to be missing without a word: what is said of it now, and was by an earlier build.

python -m tests.missing                       all, in some two minutes
python -m tests.missing daemon cgo            some, by a part of their names
EARLIER=/another/checkout/.venv/bin/multi_lang_profiler python -m tests.missing    beside an earlier build

A row of Markdown for each. The kernel's count is that of the bare program and all that it started, daemons too (`wait4` of a subreaper). An
earlier build's samples and lost samples count with the sampling period; what it does not speak of is missing. Ends with 1 where more than
2% of the CPU time, and more than 0.05 s, is left over now.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.command import COMMAND
from tests.support.go import go
from tests.support.java import compile_java, jdk
from tests.support.node import TOOLCHAINS, node
from tests.support.python import python_of_version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PROGRAMS = Path(__file__).parent / "programs"
NUMPY = "numpy==2.3.5"
MAX_LEFT_OVER, MAX_LEFT_OVER_S = 0.02, 0.05
NAMED_FROM_S = 0.02
_COUNT = """
import ctypes, os, resource, subprocess, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    while True: os.wait()
except ChildProcessError:
    pass
print(sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]))
"""


@dataclass(frozen=True, slots=True)
class Case:
    bare: Sequence[str | Path]
    profiled: Sequence[str | Path]
    """The words behind our command."""
    folder: Path


def main() -> int:
    wanted = sys.argv[1:]
    earlier = os.environ.get("EARLIER")
    print(
        "| program | CPU s, bare | earlier: in functions | told as lost | missing | now: CPU s | in functions | by other names | left over |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|---|--:|")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="mlp-missing-") as name:
        for number, (title, make) in enumerate(CASES.items()):
            if wanted and not any(word in title for word in wanted):
                continue
            folder = Path(name) / str(number)
            folder.mkdir()
            try:
                case = make(folder)
            except pytest.skip.Exception as why:
                print(f"| {title} | not run: {why} |")
                continue
            kernel_s = _counted_s(case)
            before = _before(case, earlier, kernel_s) if earlier else "– | – | –"
            summary = _summary(case, COMMAND)
            cpu = summary["cpu"]
            named = [_named(cpu), "a line says what runs on, and how to watch it"][: 1 + bool(summary["runs_on"])]
            left_s = cpu["left_over_secs"]
            is_bad = abs(left_s) > max(MAX_LEFT_OVER * cpu["cpu_secs"], MAX_LEFT_OVER_S)
            failed += is_bad
            print(
                f"| {title} | {kernel_s:.2f} | {before} | {cpu['cpu_secs']:.2f} | {cpu['attributed_secs']:.2f} "
                f"| {', '.join(filter(None, named)) or '–'} | {left_s:.2f}{' **!**' if is_bad else ''} |",
                flush=True,
            )
    return 1 if failed else 0


def _counted_s(case: Case) -> float:
    """CPU seconds of the bare program and all under it."""
    command = [sys.executable, "-S", "-c", _COUNT, *map(str, case.bare)]
    return float(subprocess.run(command, cwd=case.folder, capture_output=True, check=True, timeout=120).stdout)


def _before(case: Case, command: str, kernel_s: float) -> str:
    summary = _summary(case, command)
    seen_s, lost_s = (summary[name] / summary["asked_hz"] for name in ("samples", "lost_samples"))
    return f"{seen_s:.2f} | {lost_s:.2f} | {kernel_s - seen_s - lost_s:.2f}"


def _summary(case: Case, command: str | Path) -> dict[str, Any]:
    ran = subprocess.run(
        [command, *case.profiled],
        cwd=case.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        timeout=120,
    )
    lines = [line for line in ran.stderr.decode(errors="replace").splitlines() if line.startswith('{"')]
    assert lines, ran.stderr.decode(errors="replace")
    on = re.findall(r"process \d+\) runs on", ran.stderr.decode(errors="replace"))
    return {**json.loads(lines[-1]), "runs_on": len(on)}


def _named(cpu: dict[str, Any]) -> str:
    rows = {f"{name} (native)": seconds for name, seconds in cpu["native_threads"].items()}
    for row in cpu["processes_not_sampled"]:
        rows[f"{row['command']} ({row['reason']})"] = row["secs"]
    rows |= {
        name.removesuffix("_secs").replace("_", " "): cpu[name]
        for name in ("before_sampler_secs", "gap_secs", "lost_secs")
    }
    largest = sorted(rows.items(), key=lambda row: -row[1])
    return ", ".join(f"{name} {seconds:.2f}" for name, seconds in largest if seconds >= NAMED_FROM_S)


def _python(program: str, *arguments: str, version: str = "3.11", package: str = "") -> Callable[[Path], Case]:
    def make(folder: Path) -> Case:
        python = str(_with_package(version, package) if package else python_of_version(version))
        return _case(folder, [python], ["python"], PROGRAMS / program, arguments, "--python", python)

    return make


def _with_package(version: str, package: str) -> Path:
    """An interpreter that has `package`, from PyPI, kept in `.toolchains`."""
    home = TOOLCHAINS / f"python{version}-{package}"
    if not (home / "bin" / "python").exists():
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([python_of_version(version), "-m", "venv", home], check=True)
        subprocess.run([home / "bin" / "pip", "install", "-q", package], check=True)
    return home / "bin" / "python"


def _node(program: str, *arguments: str) -> Callable[[Path], Case]:
    def make(folder: Path) -> Case:
        command = str(node(20))
        return _case(folder, [command], ["js"], PROGRAMS / "missing" / program, arguments, "--node", command)

    return make


def _java(name: str, *arguments: str) -> Callable[[Path], Case]:
    def make(folder: Path) -> Case:
        java = jdk()
        compile_java(folder, PROGRAMS / "missing" / f"{name}.java")
        on = f"--java-arg={folder}"
        return _case(
            folder, [java, "-cp", str(folder)], ["java"], name, arguments, "--java", java, "--java-arg=-cp", on
        )

    return make


def _go(program: str, *arguments: str) -> Callable[[Path], Case]:
    def make(folder: Path) -> Case:
        shutil.copytree(PROGRAMS / "missing" / program, folder, dirs_exist_ok=True)
        subprocess.run([go(), "build", "-o", "bare", "."], cwd=folder, check=True)
        case = _case(folder, [], ["go"], ".", arguments, "--go", go())
        return Case([folder / "bare", *arguments], case.profiled, folder)

    return make


def _case(
    folder: Path,
    runtime: Sequence[str],
    language: Sequence[str],
    program: str | Path,
    arguments: Sequence[str],
    *options: str,
) -> Case:
    words = [*language, program, *options, "--no-tui", "--summary", "json", *(["--", *arguments] if arguments else [])]
    return Case([*runtime, program, *arguments], words, folder)


CASES: dict[str, Callable[[Path], Case]] = {
    "Python: in step with the sampler": _python("python/truth/control_loop.py", "0.01", "8"),
    "Python: the child of 400 threads": _python("missing/many_threads_child.py", "400"),
    "Python: short children": _python("missing/short_pythons.py"),
    "Python: short children of another language": _python("ledger/short_children.py"),
    "Python: NumPy's BLAS": _python("missing/blas_threads.py", package=NUMPY),
    "Python: daemon": _python("missing/daemon.py"),
    "Python 3.15": _python("python/truth/quotas.py", "2", version="3.15"),
    "Node.js: blocked-main": _node("blocked-main.cjs", "3000000"),
    "Node.js: pool-destroy": _node("pool-destroy.cjs"),
    "Node.js: pool-destroy spin": _node("pool-destroy.cjs", "spin"),
    "Node.js: self-end SIGTERM": _node("self-end.cjs", "SIGTERM"),
    "Node.js: self-end SIGKILL": _node("self-end.cjs", "SIGKILL"),
    "Node.js: self-end reallyExit": _node("self-end.cjs", "reallyExit"),
    "Node.js: native-pool": _node("native-pool.cjs"),
    "Java: Work 20": _java("Work", "20"),
    "Java: 500 threads": _java("Threads", "500"),
    "Java: a security manager": _java("Sec", "set"),
    "Go: cgo's threads": _go("cgo", "own.prof"),
}

if __name__ == "__main__":
    sys.exit(main())
