"""What the Go sampler costs, and whether it is right: gofmt, which nobody here wrote, over the standard library's source.

    python -m tests.benchmarks.go [rounds]

Costs are ratios of alternating runs of the same program, built without and with the sampler. The judge of the profile is the
one that gofmt takes of itself (`-cpuprofile`), in a run without us.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from multi_lang_profiler.engine.samplers.pprof_reader import read_profile
from tests.support.go import ENVIRONMENT, PROGRAMS, Sampled, go, sample

ROUNDS = 5
REPETITIONS = 3
TOP = 5
GOROOT = Path(go()).parents[1]
WORK = (
    "-l",
    *[str(GOROOT / "src" / name) for name in ("go", "net", "runtime", "crypto", "encoding", "internal")] * REPETITIONS,
)


@dataclass(frozen=True, slots=True)
class Took:
    wall_s: float
    cpu_s: float


def main() -> None:
    os.environ.update(ENVIRONMENT)
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        asyncio.run(_measure(Path(name), rounds))


async def _measure(folder: Path, rounds: int) -> None:
    plain = folder / "gofmt"
    subprocess.run([go(), "build", "-o", plain, "cmd/gofmt"], cwd=GOROOT / "src", check=True)
    own_profile = folder / "own.pb.gz"
    _run_plain(plain, "-cpuprofile", own_profile, *WORK)
    plain_runs, sampled_runs, samples = [], [], 0.0
    windows: list[bytes] = []

    def reading(data: bytes):
        windows.append(data)
        return read_profile(data)

    for _ in range(rounds):
        plain_runs.append(_run_plain(plain, *WORK))
        with mock.patch("multi_lang_profiler.engine.samplers.go.read_profile", reading):
            sampled = await sample(GOROOT / "src", "cmd/gofmt", *WORK)
        sampled_runs.append(_took(sampled))
        samples += sampled.total_s
    for name in ("wall_s", "cpu_s"):
        before, after = ([getattr(run, name) for run in runs] for runs in (plain_runs, sampled_runs))
        ratios = [b / a for a, b in zip(before, after, strict=True)]
        print(
            f"{name[:-2]:5} {statistics.median(before):6.2f} s plain {statistics.median(after):6.2f} s sampled"
            f"   ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
        )
    print(f"samples are {samples / sum(run.cpu_s for run in sampled_runs):.1%} of the CPU time")
    read_s = [_timed(window) for window in windows]
    print(
        f"a window has {statistics.median(map(len, windows)) / 1000:.1f} kB"
        f" and is read in {1000 * statistics.median(read_s):.2f} ms (medians of {len(windows)})"
    )
    _compare(sampled, own_profile)
    await _start_up(folder, rounds)


def _compare(sampled: Sampled, own_profile: Path) -> None:
    own: Counter[str] = Counter()
    profile = read_profile(own_profile.read_bytes())
    for stack, count in profile.samples:
        frames = [frame.function for place in stack for frame in profile.locations[place]]
        # See _PREEMPTED in the sampler.
        own[frames[1] if frames[0] == "runtime.asyncPreempt" else frames[0]] += count
    ours, own_total = sampled.self_samples, own.total()
    print(f"{'self time':50} {'gofmt itself':>12} {'sampled':>9}")
    for name, count in own.most_common(TOP):
        print(f"{name:50} {count / own_total:12.1%} {ours[name] / ours.total():9.1%}")
    top = [{name for name, _ in counts.most_common(TOP)} for counts in (own, ours)]
    print(f"of the top {TOP}, {len(top[0] & top[1])} are the same")


async def _start_up(folder: Path, rounds: int) -> None:
    """What is paid once: by a program that ends at once, and by its build."""
    program = PROGRAMS / "ends.go"
    plain = folder / "ends"
    build_s = []
    for _ in range(rounds):
        began = time.perf_counter()
        subprocess.run([go(), "build", "-o", plain, program], check=True)
        build_s.append(time.perf_counter() - began)
        plain.unlink()
    subprocess.run([go(), "build", "-o", plain, program], check=True)
    unprofiled = [await sample(folder, "ends", "0", "return") for _ in range(rounds)]
    sampled = [await sample(PROGRAMS, "ends.go", "0", "return") for _ in range(rounds)]
    before, after = (statistics.median(_took(run).wall_s for run in runs) for runs in (unprofiled, sampled))
    ours = [float(line.split()[2]) for run in sampled for line in run.lines if line.startswith("Built in")]
    print(f"start and end {1000 * before:.0f} ms plain, {1000 * after:.0f} ms sampled")
    print(f"warm build {statistics.median(build_s):.1f} s plain, {statistics.median(ours):.1f} s with the sampler")


def _run_plain(*command: str | Path) -> Took:
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Took(time.monotonic() - began, usage.ru_utime + usage.ru_stime)


def _took(sampled: Sampled) -> Took:
    return Took(sampled.wall_s, sampled.run.cpu_s)


def _timed(window: bytes) -> float:
    began = time.perf_counter()
    read_profile(window)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
