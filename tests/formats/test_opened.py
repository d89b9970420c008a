"""Files of other profilers open with what their tools say: times, shares, threads."""

from __future__ import annotations

import gzip
import json
import marshal
import os
import resource
import shutil
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from multi_lang_profiler.engine.formats import files
from multi_lang_profiler.engine.formats.flight_recording import MAGIC
from multi_lang_profiler.engine.profile.profile import BYTES_HZ, PIECES_HZ
from multi_lang_profiler.engine.profile.stacks import count_functions
from tests.formats.foreign_samples import SAMPLES, pprof
from tests.support.command import Folder
from tests.support.java import compile_java, jdk, jre

if TYPE_CHECKING:
    from multi_lang_profiler.engine.profile.recording import Recording

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def opened(form: str) -> Recording:
    return files.loads(SAMPLES[form](), NOW)


def seconds(recording: Recording) -> float:
    return round(recording.counts.total / recording.sampling.rate_hz, 6)


def times(recording: Recording, *, total: bool = False) -> dict[str, float]:
    """Function -> its own seconds (or what else is counted), or with those it called."""
    counted = count_functions(recording.table, recording.counts.by_stack.items())
    amounts = counted.total_samples if total else counted.self_samples
    found: Counter[str] = Counter()
    for at, n in amounts.items():
        found[recording.table.functions[at].name] += n
    return {name: round(n / recording.sampling.rate_hz, 9) for name, n in found.items()}


def threads(recording: Recording) -> dict[tuple[int, int, str], float]:
    """Process, thread and name -> seconds."""
    found: dict[tuple[int, int, str], float] = {}
    for (thread, _), n in recording.counts.by_stack.items():
        key = recording.table.threads[thread][:3]
        found[key] = round(found.get(key, 0.0) + n / recording.sampling.rate_hz, 6)
    return found


@pytest.mark.parametrize(("form", "own"), [
    ("austin", {"work": 0.5, "other": 0.5}),
    ("austin full", {"work": 0.03}),
    ("mojo", {"work": 0.5, "main": 0.5}),
    ("py-spy", {"inner": 1.0}),
    ("async-profiler", {"java/util/Arrays.sort": 0.4, "Compile::Compile": 0.6}),
    ("cpuprofile", {"main": 0.1, "work": 0.2}),
    ("chunked trace", {"main": 0.1, "work": 0.2}),
    ("lasting trace", {"main": 0.2, "work": 0.4}),
    ("sampled trace", {"work": 0.03, "main": 0.01}),
    ("firefox 28", {"main": 0.01, "work": 0.02}),
    ("firefox 60", {"main": 0.01, "work": 0.03}),
    ("firefox 66", {"main": 0.01, "work": 0.03}),
    ("flamebearer", {"inner": 3.49, "sums": 0.46, "genexpr": 0.23}),
    ("gecko", {"main": 0.02, "work": 0.04}),
    ("rbspy", {"(unknown) [c function]": 1.53, "inner": 0.3}),
    ("samply", {"[libc.so.6]": 0.0005, "do_syscall_64": 0.00025}),
])  # fmt: skip
def test_own_times_are_the_files(form: str, own: dict[str, float]) -> None:
    """Idle time is in none of them; a function is one, whatever line or compiler's version of it ran."""
    assert {name: s for name, s in times(opened(form)).items() if s} == own


def test_a_flame_graphs_boxes_have_their_callers() -> None:
    """Of Pyroscope's rows: what stands below whom, and the sums."""
    assert times(opened("flamebearer"), total=True) == {
        "<module>": 1.4,
        "Thread._bootstrap": 2.78,
        "work": 4.18,
        "inner": 3.49,
        "sums": 0.69,
        "genexpr": 0.23,
    }


def test_threads_are_the_files() -> None:
    """Names and numbers are those of the program, where the file tells."""
    assert threads(opened("py-spy")) == {(0, 1162, "MainThread"): 0.8, (1162, 1205, "load 3000"): 0.2}
    assert threads(opened("async-profiler")) == {(0, 21, "main"): 0.4, (0, 22, "C2 CompilerThread0"): 0.6}
    assert threads(opened("chunked trace")) == {(7, 8, "CrRendererMain"): 0.3}
    assert threads(opened("lasting trace")) == {(1, 1, "MainThread"): 0.4, (1, 2, "Loader"): 0.2}
    assert threads(opened("firefox 60")) == {(12, 13, "GeckoMain"): 0.04}
    assert threads(opened("samply")) == {(28413, 0, "python3"): 0.00075}
    assert threads(opened("gecko")) == {(12, 13, "GeckoMain"): 0.03, (14, 13, "GeckoMain"): 0.03}


def test_perf_script_counts_what_its_clock_counts() -> None:
    """18 events of 1.001001 ms; a symbol that perf did not know has the name of its file; the thread bears the name it had at last."""
    read = opened("perf script")
    assert (read.counts.total, round(read.sampling.rate_hz)) == (18, 999)
    assert times(read, total=True)["[unknown]"] > times(read)["_PyObject_Free"] > 0
    assert threads(read) == {(30050, 30050, "python3"): 0.018018}


def test_cprofiles_own_times_to_the_nanosecond() -> None:
    """Own times are cProfile's, also of what calls each other in turn; total times where nothing does."""
    statistics = SAMPLES["cprofile"]()
    read = files.loads(statistics, NOW)
    known: dict[Any, Any] = marshal.loads(statistics)
    own = {name: s for (_, _, name), (_, _, s, _, _) in known.items()}
    assert times(read) == pytest.approx(own, abs=2e-8)
    leaf = next(total_s for (_, _, name), (_, _, _, total_s, _) in known.items() if name == "leaf")
    assert times(read, total=True)["leaf"] == pytest.approx(leaf, rel=0.001)
    lambda_s = next(total_s for (_, _, name), (_, _, _, total_s, _) in known.items() if name == "<lambda>")
    assert times(read, total=True)["<lambda>"] <= lambda_s * 1.001


def test_what_is_no_time_is_counted_in_its_own_unit() -> None:
    """Heaps in bytes, goroutines by their number; the file's default counts, but what is empty gives way."""
    kinds = [("alloc_space", "bytes"), ("inuse_space", "bytes")]
    heap = files.loads(pprof([("a", [500, 300]), ("b", [700, 100])], kinds, default="inuse_space"), NOW)
    assert (heap.sampling.mode, heap.sampling.rate_hz, heap.counts.total) == ("inuse_space", BYTES_HZ, 400)
    assert files.loads(pprof([("a", [500, 0])], kinds, default="inuse_space"), NOW).sampling.mode == "alloc_space"
    goroutines = files.loads(pprof([("a", [5]), ("b", [1])], [("goroutine", "count")]), NOW)
    assert (goroutines.sampling.rate_hz, goroutines.counts.total) == (PIECES_HZ, 6)
    assert times(opened("heapprofile"), total=True) == {"main": 4_000 / BYTES_HZ, "leak": 3_000 / BYTES_HZ}


@pytest.mark.parametrize("ending", [".pb.gz", ".speedscope.json", ".json", ".html"])
def test_what_is_no_time_stays_so_in_other_forms(ending: str) -> None:
    """A heap that is saved again is a heap."""
    again = files.loads(files.ENDINGS[ending](opened("heapprofile")), NOW)
    assert (again.sampling.mode, again.sampling.rate_hz, again.counts.total) == ("heap in use", BYTES_HZ, 4_000)


def test_tiny_rows_are_not_rounded_up_to_samples() -> None:
    """A mutex profile has no period: five waits of a nanosecond are not fifty milliseconds."""
    rows = [("Unlock", [990_970_000]), *((f"f{at}", [1]) for at in range(5))]
    read = files.loads(pprof(rows, [("delay", "nanoseconds")], period_ns=0), NOW)
    assert (seconds(read), times(read)["f0"]) == (0.99097, 1e-9)


def test_a_trace_that_was_cut_off() -> None:
    """Whoever writes one may be killed; the format says that its end may be missing."""
    whole = SAMPLES["chunked trace"]()
    assert times(files.loads(gzip.compress(whole[:-1] + b","), NOW)) == times(opened("chunked trace"))


def test_flight_recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The JDK's own recorder through the JDK's own reader; where there is none, a line says what to do."""
    java = jdk()
    (tmp_path / "Hot.java").write_text(
        "class Hot { public static void main(String[] a) { long end = System.currentTimeMillis() + 700; double sum = 0;"
        " while (System.currentTimeMillis() < end) sum += work(); if (sum == 1) System.out.println(); }"
        " static double work() { double sum = 0; for (int i = 1; i < 100000; i++) sum += Math.sqrt(i) / i; return sum; } }"
    )
    options = [
        "-XX:StartFlightRecording=filename=hot.jfr,settings=profile",
        "-Xlog:disable",
    ]
    subprocess.run([java, *options, "Hot.java"], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    read = files.read(tmp_path / "hot.jfr")
    own = times(read)
    assert read.sampling.mode == "cpu"
    assert max(own, key=own.__getitem__) == "Hot.work"
    assert 0.1 < seconds(read) < 3
    assert any(name == "main" for _, _, name in threads(read))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert shutil.which("java", path=os.environ["PATH"]) is None
    with pytest.raises(ValueError, match=r"put a JDK on PATH .*jfrconv"):
        files.loads(MAGIC + bytes(100), NOW)


def test_flight_recordings_of_cpu_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Java 25's CPUTimeSample says itself what it stands for: two busy threads have their time, and older samples beside it are not added."""
    java = jre(25)
    (tmp_path / "Hot.java").write_text(
        'class Hot { public static void main(String[] a) throws Exception { Thread side = new Thread(Hot::work, "side"); side.start(); work(); side.join(); }'
        " static void work() { long end = System.nanoTime() + 600_000_000L; double sum = 0;"
        " while (System.nanoTime() < end) for (int i = 1; i < 100000; i++) sum += Math.sqrt(i) / i; if (sum == 1) System.out.println(); } }"
    )
    compile_java(tmp_path, tmp_path / "Hot.java")
    recording = "filename=hot.jfr,settings=profile,jdk.CPUTimeSample#enabled=true,jdk.CPUTimeSample#throttle=500/s"
    command = [java, f"-XX:StartFlightRecording={recording}", "-Xlog:disable", "Hot"]
    before_s = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    used_s = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before_s
    monkeypatch.setenv("JAVA_HOME", str(Path(java).parent.parent))
    read = files.read(tmp_path / "hot.jfr")
    own = times(read)
    assert own["Hot.work"] > 0.8 * seconds(read)
    assert 0.1 < own["Hot.work"] < used_s
    by_thread = {name: s for (_, _, name), s in threads(read).items()}
    assert min(by_thread["main"], by_thread["side"]) > 0.2 * own["Hot.work"]


def test_view_says_what_is_counted(tmp_path: Path) -> None:
    """Two heaps are compared in bytes, and nobody speaks of samples; their names cannot speak to the terminal."""
    with Folder(tmp_path) as folder:
        (tmp_path / "a.heapprofile").write_bytes(SAMPLES["heapprofile"]())
        wide = json.loads(SAMPLES["heapprofile"]())
        wide["head"]["children"][0]["callFrame"]["functionName"] = "\x1b]0;title\x07main"
        (tmp_path / "b.heapprofile").write_text(json.dumps(wide))
        alone = folder.run("view", "--no-tui", "b.heapprofile")
        both = folder.run("view", "--no-tui", "a.heapprofile", "b.heapprofile")
    assert (alone.status, both.status) == (0, 0)
    assert b"It counts heap in use: 4,000 bytes" in alone.stdout
    assert b"\x1b" not in alone.stdout + both.stdout
    assert b"4,000 bytes" in both.stdout
    assert b"samples" not in alone.stdout + both.stdout
