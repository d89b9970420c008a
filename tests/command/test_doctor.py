"""The doctor: what it finds to be good, and how it says what is missing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.command.test_receive import Receiver
from tests.support.command import Folder


@pytest.fixture
def folder(tmp_path) -> Iterator[Folder]:
    with Folder(tmp_path) as folder:
        yield folder


def finding(lines: str, subject: str) -> str:
    return next(line for line in lines.splitlines() if line[2:].startswith(subject))


def test_all_is_well(folder):
    """Where a Python, Austin and a backend with the right key are there, the doctor has tried each, ends with 0 and leaves no trial behind."""
    receiver = Receiver(folder, "--api-key", "right")
    temporary = folder.path / "temporary"
    temporary.mkdir()
    finished = folder.run(
        "doctor", "python", "--report-endpoint", receiver.url, PROFILER_API_KEY="right", TMPDIR=str(temporary)
    )
    said = finished.stdout.decode()
    assert (finished.status, finished.stderr) == (0, ""), said
    assert finding(said, "Austin").startswith("✓ Austin      Austin ")
    assert " samples of a Python that ran for 0.5 s" in finding(said, "Sampling")
    assert f"✓ Endpoint    {receiver.url} takes an empty protobuf report with the key (HTTP 200" in said
    assert "0 profiles stored" in receiver.end()
    assert list(temporary.iterdir()) == []


def test_what_was_asked_for_and_is_missing(folder):
    """A language that is named and missing, a wrong key, a closed port: each is told with what to do, and the status is 1."""
    (folder.path / "empty").mkdir()
    finished = folder.run("doctor", "go", PATH=str(folder.path / "empty"))
    assert finished.status == 1
    assert "✗ Go          Go was not found on PATH; install it" in finished.stdout.decode()
    receiver = Receiver(folder, "--api-key", "right")
    finished = folder.run("doctor", "--report-endpoint", receiver.url, PROFILER_API_KEY="wrong")
    assert finished.status == 1
    assert "HTTP 401 Unauthorized: check the API key" in finding(finished.stdout.decode(), "Endpoint")
    assert "wrong" not in finished.stdout.decode()
    receiver.end()
    finished = folder.run("doctor", "--report-endpoint", receiver.url)
    assert (finished.status, "connection refused" in finding(finished.stdout.decode(), "Endpoint")) == (1, True)


def test_nothing_asked_for(folder):
    """Without wishes, what is missing is only noted and the status is 0; nothing is left in the home folder but the cache."""
    (folder.path / "empty").mkdir()
    finished = folder.run("doctor", PATH=str(folder.path / "empty"))
    assert finished.status == 0
    said = finished.stdout.decode()
    assert "✗" not in said
    assert finding(said, "Python").startswith("– Python      Python was not found on PATH")
    assert finding(said, "Terminal").startswith("– Terminal    none")
    assert [str(path.relative_to(folder.home)) for path in folder.home.rglob("*")] == [
        ".cache",
        ".cache/multi_lang_profiler",
    ]


def test_a_wrong_language(folder):
    """A language nobody knows is one line and status 2."""
    finished = folder.run("doctor", "cobol")
    assert (finished.status, len(finished.lines)) == (2, 1)
    assert "'cobol' is no language" in finished.stderr


def test_interpreters_that_cannot_be_sampled_are_told(folder):
    """Those on PATH that a program could be run with, but not seen: told by their names, without starting one."""
    tools = folder.path / "tools"
    tools.mkdir()
    for name in ("python3.99", "pypy3.10", "python3.99-config", "python3"):
        (tools / name).write_text(f"#!/bin/sh\necho $0 >>{folder.path}/started\n")
        (tools / name).chmod(0o755)
    said = folder.run("doctor", PATH=f"{tools}").stdout.decode()
    assert f"– Python      {tools / 'python3.99'} (Python 3.99) cannot be sampled: " in said
    assert f"– Python      {tools / 'pypy3.10'} (PyPy 3.10) cannot be sampled: " in said
    assert "python3.99-config" not in said
    started = (folder.path / "started").read_text()
    assert "python3.99" not in started
    assert "pypy" not in started
