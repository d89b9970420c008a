"""What a Go program's own build flags, plugins and profiles are with the profiler: as they are without it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from multi_lang_profiler.engine.samplers.go.pprof_reader import read_profile
from tests.support.go import Sampled, every_go, go, sample

pytestmark = pytest.mark.xdist_group("go")
needs_cc = pytest.mark.skipif(shutil.which("cc") is None, reason="cgo needs a C compiler")


@pytest.fixture
def overlay(folder: Path) -> Path:
    """The user's own, in the folder of the program it is for."""
    file = folder / "overlaid" / "overlay.json"
    file.write_text(json.dumps({"Replace": {"text.go": "text.txt"}}))
    return file


@pytest.mark.parametrize("place", ["GOFLAGS", "command line"])
async def test_an_overlay_of_the_users_own_is_built_in(folder, overlay, monkeypatch, place):
    """The program is the one that the user's overlay makes, and its functions are at the lines of the file that has their text."""
    flag = f"-overlay={overlay.name}"
    if place == "GOFLAGS":
        monkeypatch.setenv("GOFLAGS", f"-mod=mod {flag}")
    sampled = await sample(overlay.parent, ".", runtime_arguments=(flag,) if place != "GOFLAGS" else ())
    assert bytes(sampled.stdout) == b"overlaid\n"
    hottest = sampled.stacks[0][0][-1]
    assert hottest.function in ("main.spin", "main.text")
    assert hottest.file == str(overlay.with_name("text.txt"))
    assert "func spin" in overlay.with_name("text.txt").read_text().splitlines()[_first_line(sampled, "main.spin") - 1]


async def test_a_program_built_for_coverage_is_profiled_and_covered(folder, tmp_path, monkeypatch):
    """With -cover, which reads main's files from the disk, both go on; where they cannot, the line says the true reason."""
    monkeypatch.setenv("GOCOVERDIR", str(tmp_path))
    sampled = await sample(folder, "ends.go", "300", "exit", runtime_arguments=("-cover",))
    assert sampled.status == 3
    assert sampled.total_s == pytest.approx(0.3, abs=0.1)
    assert list(tmp_path.glob("covmeta.*"))
    bare = await sample(folder, "ends.go", "10", "exit", runtime_arguments=("-coverpkg=runtime/pprof",))
    assert bare.status == 3
    assert any("cmd/cover does not see" in line and "runs unprofiled" in line for line in bare.lines)


@needs_cc
async def test_a_plugin_opens_as_it_does_without_the_profiler(folder):
    """What a plugin imports must not differ in the program that opens it, so such a program runs unprofiled, with a line."""
    program = folder / "plugin"
    subprocess.run([go(), "build", "-buildmode=plugin", "-o", "p.so", "./p"], cwd=program, check=True, timeout=120)
    sampled = await sample(program, ".")
    assert (sampled.status, bytes(sampled.stdout)) == (0, b"999999\n")
    assert any("a plugin fits only the program as you build it" in line for line in sampled.lines)


@needs_cc
@every_go
async def test_the_threads_that_c_made_are_counted(folder, record_property):
    """What they used is in samples of their own, so that all samples together are the CPU time that the kernel counted."""
    sampled = await sample(folder / "cgo", ".")
    in_thread_s = sampled.self_samples["(threads of C)"] / sampled.rate_hz
    record_property("measured", f"{sampled.total_s:.2f} of {sampled.run.cpu_s:.2f} s")
    assert in_thread_s / sampled.total_s == pytest.approx(1 / 3, abs=0.1)
    assert sampled.total_s == pytest.approx(sampled.run.cpu_s, rel=0.15)
    assert {thread.name for thread in sampled.recorder.table.threads} == {"goroutines", "threads of C"}


@needs_cc
@every_go
async def test_the_programs_own_profile_has_the_threads_that_c_made(folder, record_property):
    """It is as it is without us: C code in a thread of its own has its share."""
    sampled = await sample(folder / "cgo", ".", "own")
    own = read_profile((folder / "cgo" / "own").read_bytes())
    roots: Counter[str] = Counter()
    for stack, count, _ in own.samples:
        roots[own.locations[stack[-1]][-1].function] += count
    record_property("measured", f"{100 * roots['runtime._ExternalCode'] / roots.total():.0f}%")
    assert own.period_ns == 10_000_000
    assert roots["runtime._ExternalCode"] / roots.total() == pytest.approx(1 / 3, abs=0.12)
    assert roots.total() == pytest.approx(100 * sampled.run.cpu_s, rel=0.35)


async def test_the_rate_that_a_program_sets_for_its_own_profile_is_kept(folder):
    """SetCPUProfileRate before StartCPUProfile sets the rate and says what it says; ours goes on, during and after."""
    plain = folder / "plain"
    subprocess.run([go(), "build", "-o", plain, "."], cwd=folder / "rate", check=True, timeout=120)
    bare = subprocess.run([plain, folder / "bare"], capture_output=True, check=True, timeout=60)
    sampled = await sample(folder / "rate", ".", "own")
    assert (bytes(sampled.stdout), bytes(sampled.stderr)) == (bare.stdout, bare.stderr)
    own = read_profile((folder / "rate" / "own").read_bytes())
    assert own.period_ns == read_profile((folder / "bare").read_bytes()).period_ns == 4_000_000
    # On a busy machine the kernel's timers miss some.
    assert 50 < sum(count for _, count, _ in own.samples) < 130
    assert sampled.total_s == pytest.approx(sampled.run.cpu_s, rel=0.1)


def _first_line(sampled: Sampled, function: str) -> int:
    return next(frame.first_line for stack, _ in sampled.stacks for frame in stack if frame.function == function)
