"""Files that other profilers really write, opened here and by the tool itself: totals and the five hottest functions are the same within 1%.

python -m tests.foreign_files             all, in some three minutes; installs pinned tools from PyPI, npm and Maven Central
python -m tests.foreign_files go perf     some

Each line: the tool and its file; what it holds in all, here and there; the five hottest. Ends with 1 if a line is not as it should be.
The other opinion is the tool's own, that of `go tool pprof`, or that of speedscope's importer.
"""

from __future__ import annotations

import hashlib
import json
import os
import pstats
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from multi_lang_profiler.engine.formats.files import read
from multi_lang_profiler.engine.profile.stacks import count_functions
from tests.support import go
from tests.support.node import TOOLCHAINS, node, npm_package
from tests.support.viewers import go_tool_pprof, seen_by_speedscope
from tests.support.wheels import wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NEAR = 0.01
PROGRAMS = Path(__file__).parent / "programs" / "foreign"
ASYNC_PROFILER = "4.6"
ASYNC_PROFILER_SHA256 = "a5d3d9f4582c2033fa9db518046e73ef97219801f3e7542b82e3e09261ebe493"
_KIND = re.compile(r"_\[[a-z0-9]\]$")


@dataclass
class Seen:
    """What somebody else sees in a file."""

    what: str
    file: Path
    amounts: Counter[str]
    """Function -> its own share, in whatever unit."""
    total: float
    unit: float = 1.0
    """What one of ours (a second, a byte, a sample) is in that unit; 0: only shares are compared."""
    in_samples: bool = False
    """Ours is a sample, not a second."""


def main() -> int:
    failed = False
    for name in sys.argv[1:] or list(CASES):
        with tempfile.TemporaryDirectory(prefix=f"foreign-{name}-") as folder:
            try:
                for seen in CASES[name](Path(folder)):
                    told = compared(seen)
                    print(f"{name}: {told}", flush=True)
                    failed |= "WRONG" in told
            except pytest.skip.Exception as skipped:
                print(f"{name}: {skipped.msg}", flush=True)
            except subprocess.CalledProcessError as error:
                print(f"{name}: WRONG: {error.cmd[0]} ended with {error.returncode}: {(error.stderr or b'')[-300:]!r}")
                failed = True
    return int(failed)


def compared(seen: Seen) -> str:
    recording = read(seen.file)
    counted = count_functions(recording.table, recording.counts.by_stack.items()).self_samples
    ours: Counter[str] = Counter()
    for function, n in counted.items():
        ours[recording.table.functions[function].name] += n
    total = recording.counts.total if seen.in_samples else recording.counts.total / recording.sampling.rate_hz
    faults = []
    if seen.unit and abs(total * seen.unit - seen.total) > NEAR * seen.total:
        faults.append(f"in all {total * seen.unit:.4g} here, {seen.total:.4g} there")
    for name, amount in seen.amounts.most_common(5):
        here, there = ours[name] / ours.total(), amount / seen.total
        if abs(here - there) > NEAR:
            faults.append(f"{name} {100 * here:.1f}% here, {100 * there:.1f}% there")
    hottest = ", ".join(f"{name} {100 * n / ours.total():.1f}%" for name, n in ours.most_common(5))
    return f"{seen.what}: {total:.6g}; {hottest}" + (f"; WRONG: {'; '.join(faults)}" if faults else "")


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    environment = {**os.environ, **variables}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, check=True, timeout=180)
    return done.stdout.decode()


def of_speedscope(what: str, file: Path, unit: float = 1.0, *, in_samples: bool = False) -> Seen:
    """As speedscope's importer sees it; its seconds are ours whatever its unit is."""
    scale = {"seconds": 1.0, "milliseconds": 1e-3, "microseconds": 1e-6, "nanoseconds": 1e-9, "none": 1.0, "bytes": 1.0}
    amounts: Counter[str] = Counter()
    for profile in seen_by_speedscope(file)["profiles"]:
        for frame in profile["frames"]:
            # Of traces it shows what belongs to an event as part of its name.
            name = re.sub(r' \{".*', "", frame["name"])
            amounts["(anonymous)" if name.startswith("(anonymous ") else name] += frame["self"] * scale[profile["unit"]]
    return Seen(f"{what}, beside speedscope", file, amounts, amounts.total(), unit, in_samples)


def of_lines(what: str, file: Path, name: Callable[[str], str]) -> Seen:
    """Collapsed stacks, added up by their last frames."""
    amounts: Counter[str] = Counter()
    for line in file.read_text().splitlines():
        stack, _, number = line.rpartition(" ")
        amounts[name(stack.rpartition(";")[2])] += int(number)
    return Seen(f"{what}, added up", file, amounts, amounts.total(), in_samples=True)


def of_pprof(what: str, file: Path) -> Seen:
    """As `go tool pprof` sees it, in nanoseconds, bytes or a count."""
    told = go_tool_pprof("-top", "-nodecount=100000", "-nodefraction=0", "-unit=minimum", file)
    scale = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "mins": 60.0, "B": 1.0, "kB": 1024.0, "MB": 2.0**20, "": 1.0}
    amounts: Counter[str] = Counter()
    for flat, unit, function in re.findall(
        r"^ *([\d.]+)(\w*) +[\d.]+% +[\d.]+% +[\d.]+\w* +[\d.]+% +(.+?)(?: \((?:inline|partial-inline)\))?$",
        told,
        re.MULTILINE,
    ):
        amount: Any = float(flat) * scale[unit]
        amounts[function] += amount
    is_time = re.search(r"^ *[\d.]+(?:ns|us|ms|s|mins) ", told, re.MULTILINE)
    return Seen(f"{what}, beside go tool pprof", file, amounts, amounts.total(), 1.0, in_samples=not is_time)


def py_spy(folder: Path) -> Iterator[Seen]:
    command = wheel("py-spy", "0.4.3") / "bin" / "py-spy"
    for form, file in (("raw", "p.raw"), ("speedscope", "p.speedscope.json"), ("chrometrace", "p.trace.json")):
        run(command, "record", "-t", "-f", form, "-o", file, "--", sys.executable, PROGRAMS / "threads.py", cwd=folder)
        if form == "raw":
            yield of_lines("raw", folder / file, lambda frame: re.sub(r" \(.*", "", frame))
        else:
            yield of_speedscope(form, folder / file)


def pyinstrument(folder: Path) -> Iterator[Seen]:
    path = str(wheel("pyinstrument", "5.1.3"))
    words: list[str | Path] = [
        "-m",
        "pyinstrument",
        "-r",
        "speedscope",
        "-o",
        "p.speedscope.json",
        PROGRAMS / "threads.py",
    ]
    run(sys.executable, *words, cwd=folder, PYTHONPATH=path)
    yield of_speedscope("speedscope", folder / "p.speedscope.json")


def austin(folder: Path) -> Iterator[Seen]:
    command = wheel("austin-dist", "3.7.0") / "bin" / "austin"
    program: list[str | Path] = [sys.executable, PROGRAMS / "threads.py"]
    run(command, "-i", "5ms", "-o", "a.austin", *program, cwd=folder)
    run(command, "-i", "5ms", "-b", "-o", "a.mojo", *program, cwd=folder)
    run(sys.executable, "-m", "austin.format.collapsed_stack", "a.mojo", "b.austin", cwd=folder)
    for what, file, text in (("text", "a.austin", "a.austin"), ("MOJO beside mojo2austin's", "a.mojo", "b.austin")):
        amounts: Counter[str] = Counter()
        for line in (folder / text).read_text().splitlines():
            if line.startswith("P") and ";" in line.partition(";")[2]:
                stack, _, us = line.rpartition(" ")
                amounts[stack.rpartition(";")[2].split(":")[-2]] += int(us)
        yield Seen(what, folder / file, amounts, amounts.total(), 1e6)


def cprofile(folder: Path) -> Iterator[Seen]:
    run(sys.executable, "-m", "cProfile", "-o", "c.pstats", PROGRAMS / "threads.py", cwd=folder)
    stats: Any = pstats.Stats(str(folder / "c.pstats"))
    amounts: Counter[str] = Counter()
    for (_, _, name), (_, _, own_s, _, _) in stats.stats.items():
        amounts[name] += own_s
    yield Seen("pstats, beside pstats", folder / "c.pstats", amounts, stats.total_tt)


def viztracer(folder: Path) -> Iterator[Seen]:
    path = os.pathsep.join(
        str(wheel(name, version)) for name, version in (("viztracer", "1.1.1"), ("objprint", "0.3.0"))
    )
    words: list[str | Path] = [
        "-m",
        "viztracer",
        "--tracer_entries",
        "300000",
        "-o",
        "v.json",
        PROGRAMS / "threads.py",
        "0.1",
    ]
    run(sys.executable, *words, cwd=folder, PYTHONPATH=path)
    seen = of_speedscope("trace", folder / "v.json")
    seen.amounts = Counter({re.sub(r" \(.*", "", name): n for name, n in seen.amounts.items()})
    yield seen


def node_js(folder: Path) -> Iterator[Seen]:
    run(node(24), "--cpu-prof", "--cpu-prof-name=n.cpuprofile", PROGRAMS / "hot.js", cwd=folder)
    yield of_speedscope(".cpuprofile", folder / "n.cpuprofile")
    run(
        node(24),
        "--heap-prof",
        "--heap-prof-interval=4096",
        "--heap-prof-name=n.heapprofile",
        PROGRAMS / "hot.js",
        cwd=folder,
    )
    yield of_speedscope(".heapprofile", folder / "n.heapprofile", in_samples=True)


def datadog(folder: Path) -> Iterator[Seen]:
    """@datadog/pprof, whose rows are no multiples of its period."""
    packages = npm_package("@datadog/pprof", "5.20.0") / "node_modules"
    run(node(24), PROGRAMS / "datadog.js", packages / "@datadog/pprof", PROGRAMS / "hot.js", cwd=folder)
    yield of_pprof("wall", folder / "wall.pb.gz")


def go_own(folder: Path) -> Iterator[Seen]:
    """runtime/pprof, net/http/pprof and `go test`."""
    shutil.copytree(PROGRAMS / "go", folder / "go")
    environment = {**go.ENVIRONMENT, "CGO_ENABLED": "0"}
    run(go.go(), "build", "-o", "kinds", ".", cwd=folder / "go", **environment)
    run(folder / "go" / "kinds", cwd=folder)
    for kind in ("cpu", "heap", "allocs", "mutex", "block", "goroutine", "threadcreate"):
        yield of_pprof(kind, folder / f"{kind}.pb.gz")
    words: list[str | Path] = [
        "test",
        "-bench",
        ".",
        "-benchtime",
        "0.5s",
        "-cpuprofile",
        "test.cpu",
        "-memprofile",
        "test.mem",
    ]
    run(go.go(), *words, ".", cwd=folder / "go", **environment)
    yield of_pprof("go test -cpuprofile", folder / "go" / "test.cpu")
    yield of_pprof("go test -memprofile", folder / "go" / "test.mem")


def jfr(folder: Path) -> Iterator[Seen]:
    """The JDK's Flight Recorder."""
    run(javac(), "-d", ".", PROGRAMS / "Hot.java", cwd=folder)
    recording = "-XX:StartFlightRecording=filename=h.jfr,settings=profile"
    run("java", recording, "-Xlog:disable", "Hot", "3000", cwd=folder)
    yield of_jfr("Flight Recording", folder / "h.jfr", folder)


def async_profiler(folder: Path) -> Iterator[Seen]:
    run(javac(), "-d", ".", PROGRAMS / "Hot.java", cwd=folder)
    agent = f"-agentpath:{async_profilers_library()}=start,event=itimer,interval=5ms,file="
    run("java", f"{agent}a.jfr", "Hot", "2000", cwd=folder)
    yield of_jfr("Flight Recording", folder / "a.jfr", folder)
    for options in ("threads", "ann", "threads,sig,ann"):
        run("java", f"{agent}a.collapsed,collapsed,{options}", "Hot", "1000", cwd=folder)
        yield of_lines(f"collapsed,{options}", folder / "a.collapsed", lambda frame: _KIND.sub("", frame))


def perf(folder: Path) -> Iterator[Seen]:
    if not shutil.which("perf"):
        pytest.skip("NOT TESTED: there is no perf")
    run(
        "perf",
        "record",
        "-e",
        "cpu-clock",
        "-F",
        "499",
        "-g",
        "-o",
        "p.data",
        sys.executable,
        PROGRAMS / "threads.py",
        cwd=folder,
    )
    (folder / "p.perf").write_text(run("perf", "script", "-i", "p.data", cwd=folder))
    amounts: Counter[str] = Counter()
    for line in run(
        "perf",
        "report",
        "-i",
        "p.data",
        "--no-children",
        "-g",
        "none",
        "--stdio",
        "--sort",
        "symbol",
        "-F",
        "period,symbol",
        cwd=folder,
    ).splitlines():
        if found := re.fullmatch(r" *(\d+) +\[.\] (.+?)[ -]*", line):
            amounts[found[2]] += int(found[1])
    amounts = Counter({name: n for name, n in amounts.items() if not name.startswith("0x")})
    total = sum(int(n) for n in re.findall(r": +(\d+) cpu-clock", (folder / "p.perf").read_text()))
    yield Seen("perf script, beside perf report", folder / "p.perf", amounts, total, 1e9)


CASES: dict[str, Callable[[Path], Iterator[Seen]]] = {
    "py-spy": py_spy,
    "pyinstrument": pyinstrument,
    "austin": austin,
    "cprofile": cprofile,
    "viztracer": viztracer,
    "node": node_js,
    "datadog": datadog,
    "go": go_own,
    "jfr": jfr,
    "async-profiler": async_profiler,
    "perf": perf,
}


def javac() -> str:
    found = shutil.which("javac")
    if not found:
        pytest.skip("NOT TESTED: there is no JDK on PATH")
    return found


def of_jfr(what: str, file: Path, folder: Path) -> Seen:
    """As the JDK prints it in JSON: the top frames of those samples that ran."""
    told = json.loads(
        run("jfr", "print", "--json", "--stack-depth", "1", "--events", "jdk.ExecutionSample", file, cwd=folder)
    )
    amounts: Counter[str] = Counter()
    for event in told["recording"]["events"]:
        values = event["values"]
        if values["stackTrace"] and values["state"] != "STATE_SLEEPING":
            method = values["stackTrace"]["frames"][0]["method"]
            name = f"{method['type']['name'].replace('/', '.')}.{method['name']}".lstrip(".")
            amounts[name] += 1
    return Seen(f"{what}, beside jfr print --json", file, amounts, amounts.total(), in_samples=True)


def async_profilers_library() -> Path:
    library = TOOLCHAINS / f"async-profiler-{ASYNC_PROFILER}.so"
    if not library.exists():
        maven = shutil.which("mvn")
        if not maven:
            pytest.skip("NOT TESTED: there is no mvn on PATH to bring async-profiler")
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            artifact = f"-Dartifact=tools.profiler:async-profiler:{ASYNC_PROFILER}"
            run(maven, "-q", "-B", "dependency:copy", artifact, f"-DoutputDirectory={folder}", cwd=folder)
            packed = folder / f"async-profiler-{ASYNC_PROFILER}.jar"
            checksum = hashlib.sha256(packed.read_bytes()).hexdigest()
            assert checksum == ASYNC_PROFILER_SHA256, "another async-profiler than the one that is pinned"
            shutil.unpack_archive(packed, folder, "zip")
            shutil.copy(folder / "linux-x64" / "libasyncProfiler.so", library)
    return library


if __name__ == "__main__":
    sys.exit(main())
