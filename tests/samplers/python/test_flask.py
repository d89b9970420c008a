"""The main job, whole: a real Flask server under load, profiled, reported, and no different for it."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from multi_lang_profiler.engine.formats.wire import decode
from multi_lang_profiler.engine.profile.profile import Profile
from tests.support.backend import Backend
from tests.support.command import DEADLINE_S, Folder, finish
from tests.support.ports import free_port

SHOP = Path(__file__).parents[2] / "programs/python/flask_shop.py"
LOAD_S = 7.0


@pytest.fixture
def folder(tmp_path) -> Iterator[Folder]:
    with Folder(tmp_path) as folder:
        folder.write("shop.py", SHOP.read_text())
        yield folder


def wait_until_up(url: str) -> None:
    ends_s = time.monotonic() + DEADLINE_S
    while True:
        try:
            httpx.get(url, trust_env=False)
        except httpx.TransportError:
            assert time.monotonic() < ends_s, "the server did not come up"
            time.sleep(0.05)
        else:
            return


def load(url: str, seconds: float) -> list[str]:
    """Ask for one item after the other for so long; the answers."""
    ends_s = time.monotonic() + seconds
    answers = []
    with httpx.Client(trust_env=False) as client:
        for number in range(1_000_000):
            answers.append(client.get(f"{url}/items/{number % 50}").text)
            if time.monotonic() > ends_s:
                break
    return answers


def descendant_python(pid: int) -> int:
    """The program's pid: the agent's child that is not Austin."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if "shop.py" in Path(f"/proc/{child}/cmdline").read_text():
            return int(child)
    raise AssertionError("the program was not found")


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def samples_by_py_spy(raw: str) -> Counter[str]:
    """Self samples of the application's functions, from py-spy's folded stacks: `main (a.py:1);work (a.py:9) 12`."""
    samples: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        name, _, place = stack.rsplit(";", 1)[-1].partition(" (")
        if place.startswith("shop.py:"):
            samples[name] += int(count)
    return samples


def samples_of(profiles: list[Profile]) -> tuple[Counter[str], Counter[str]]:
    """Self and total samples of the application's functions."""
    in_itself: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for profile in profiles:
        for stats in profile.functions:
            if stats.file == "shop.py":
                in_itself[stats.name] += stats.self_samples
                total[stats.name] += stats.total_samples
    return in_itself, total


def hottest(samples: Counter[str]) -> set[str]:
    """Four, but for `item`: it asks for the time between the others, and py-spy, which stops the program, gives it a quarter."""
    return set([name for name, _ in samples.most_common() if name != "item"][:4])


@pytest.mark.alone
def test_a_flask_server_under_load(folder):
    """Every window arrives once; hot functions are py-spy's, shares and totals fit the CPU time, answers and status are the server's own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with Backend() as backend:
        process = folder.start(
            *("python", "shop.py", "--no-tui", "--report-interval", "2", "--report-endpoint", backend.url),
            *("--summary", "json"),
            *("--python", sys.executable, "--", str(port)),
        )
        wait_until_up(f"{url}/items/1")
        program = descendant_python(process.pid)
        # Threads that hold the interpreter's lock: else py-spy counts those that wait for a CPU or have just been in a system call.
        py_spy = subprocess.Popen(
            [
                *(Path(sys.executable).with_name("py-spy"), "record", "--pid", str(program), "--rate", "100"),
                *("--duration", str(int(LOAD_S)), "--format", "raw", "--gil", "--output", folder.path / "raw"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        answers = load(url, LOAD_S)
        said = py_spy.communicate()[0].decode()
        program_s = cpu_s(program)
        used_s = httpx.get(f"{url}/used", trust_env=False).json()
        with contextlib.suppress(httpx.TransportError):  # it dies before it answers
            httpx.get(f"{url}/stop", trust_env=False)
        finished = finish(process)

    assert finished.status == 128 + 15
    assert all(answer == answers[number % 50] for number, answer in enumerate(answers)), (
        "an answer was not the usual one"
    )
    assert len(backend.accepted) == len(set(backend.accepted)) >= 4
    profiles = [
        profile
        for request in backend.requests
        for profile in decode(request.body, request.headers["content-type"]).profiles
    ]
    began = [profile.began_at for profile in profiles]
    assert began == sorted(began)

    total = sum(profile.total_samples for profile in profiles)
    cpu = json.loads(finished.lines[-1])["cpu"]
    assert total == pytest.approx(100 * cpu["attributed_secs"], abs=2)
    # How much went by before the sampler was there depends on who else wants the processors; it is told as such, not lost.
    named_s = (
        cpu["attributed_secs"] + cpu["before_sampler_secs"] + cpu["gap_secs"] + sum(cpu["native_threads"].values())
    )
    assert named_s == pytest.approx(program_s, rel=0.03, abs=0.1), cpu
    assert cpu["lost_secs"] < 0.05 * program_s, cpu

    theirs = samples_by_py_spy((folder.path / "raw").read_text())
    ours, ours_in_all = samples_of(profiles)
    assert theirs, said
    assert hottest(ours) == hottest(theirs), (ours, theirs)
    seen = sum(ours_in_all[name] for name in used_s)
    for name, used in used_s.items():
        assert ours_in_all[name] / seen == pytest.approx(used / sum(used_s.values()), abs=0.08), ours_in_all


def test_the_backend_down_for_three_intervals(folder):
    """Down: nine attempts and a growing buffer; up again: one delivery of everything, oldest first."""
    folder.write("idle.py", "import threading\nthreading.Event().wait(60)\n")
    with Backend() as backend:
        backend.stop()
        # Three attempts take 3 s, so an interval of 4 s leaves room for each to end.
        process = folder.start("python", "idle.py", "--report-endpoint", backend.url, "--report-interval", "4")
        assert process.stderr
        lines: list[str] = []
        failures = 0
        for line in iter(process.stderr.readline, b""):
            lines.append(line.decode().rstrip("\n"))
            failures += "Failed to report profiles" in lines[-1]
            if failures == 3 and not backend.is_listening:
                backend.start()
            if "Successfully" in lines[-1]:
                process.terminate()
        assert process.wait(DEADLINE_S) == 143
    said = "\n".join(lines)
    assert len(re.findall(r"⚠️ Attempt \d/3 failed: HTTP request failed: connection refused", said)) == 9, said
    assert re.findall(r"added to buffer \(total: (\d)\)", said)[:4] == ["1", "2", "3", "4"]
    assert re.findall(r"📤 Sending (\d) profiles", said)[:4] == ["1", "2", "3", "4"]
    assert "✅ Successfully reported 4 profiles" in said
    assert said.count("   Profiles will be retried in next batch") == 3
    first = backend.requests[0]
    assert len(first.profile_ids) == 4
    batch = decode(first.body, first.headers["content-type"])
    began = [profile.began_at for profile in batch.profiles]
    assert began == sorted(began)
