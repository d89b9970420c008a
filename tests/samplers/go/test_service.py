"""Go services that run already, followed by their net/http/pprof with the real command."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import ssl
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.formats import files as export
from tests.support.backend import Backend
from tests.support.command import COMMAND, DEADLINE_S, Folder, finish
from tests.support.go import ENVIRONMENT, PROGRAMS, go
from tests.support.ports import free_port
from tests.support.tmux import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("go")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, release: str) -> Path:
    executable: Path = tmp_path_factory.mktemp("service") / "service"
    build = [go(), "build", "-o", str(executable), "."]
    subprocess.run(build, cwd=PROGRAMS / "service", env={**os.environ, **ENVIRONMENT}, check=True, timeout=120)
    return executable


@contextlib.contextmanager
def service(executable: Path, how: str = "", port: int = 0) -> Iterator[str]:
    """Where it is, as host and port."""
    environment = {**os.environ, "PORT": str(port)}
    with subprocess.Popen([executable, how], stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout, "it was asked for"
        try:
            yield f"127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    (tmp_path / "run").mkdir()
    with Folder(tmp_path / "run") as made:
        yield made


def test_a_service_is_followed_as_any_program_is(built: Path, folder: Folder) -> None:
    """Its functions with their files, its labels and its rate are in exports, profile and summary; it does not notice our leaving."""
    with service(built) as place:
        words = ("--duration", "4", "--export", "run.pb.gz", "--json", "run.json", "--summary", "summary.json")
        done = folder.run("--pprof", f"http://{place}", "--no-tui", *words)
        again = folder.run("--pprof", place, "--quiet", "--duration", "1")
    assert (done.status, again.status, again.stderr) == (0, 0, "")
    recording = export.read(folder.path / "run.pb.gz")
    table = recording.table
    by_function = {"main.parse": 0, "main.render": 0}
    by_label = {"main.parse": 0, "main.render": 0}
    for (thread, stack), samples in recording.counts.by_stack.items():
        for function in {table.functions[member] for member in table.members[stack]}:
            if function.name in by_function:
                assert function.file == str(PROGRAMS / "service" / "main.go")
                by_function[function.name] += samples
                by_label[function.name] += samples * (table.threads[thread].labels == (("request", "parse"),))
    assert by_function["main.parse"] == by_label["main.parse"] > 20
    assert by_function["main.render"] > 20
    assert not by_label["main.render"]
    [profile] = json.loads((folder.path / "run.json").read_text())["profiles"]
    assert (profile["language"], profile["source_file"]) == ("Go", place)
    assert f"Left http://{place}, which runs on" in done.lines
    assert any(line.startswith("Watched ") and "100 Hz" in line for line in done.lines)


def test_a_service_is_on_the_screen_and_in_reports(built: Path, folder: Folder) -> None:
    """Functions, a mark, the work of one label alone, and reports with all of it, as of a program of our own; leaving harms nobody."""
    with Backend() as backend, service(built) as place:
        words = ["--pprof", f"http://{place}", "--report-endpoint", backend.url, "--report-format", "json"]
        screen = Terminal([str(COMMAND), *words], size=(120, 40), folder=folder.path, environment=folder.environment())
        with screen as shown:
            shown.wait_for(place, "main.parse", "main.render", "main.go:", "Next report in")
            shown.press("m")
            shown.wait_for("mark 1")
            shown.press("T")
            shown.wait_for("Whose samples to count", "request=parse")
            rows = [line for line in shown.text().splitlines() if " pid " in line]
            labelled = next(number for number, row in enumerate(rows) if "request=parse" in row)
            shown.press("Home", *["Down"] * labelled, "space")
            assert re.search("✓.*request=parse", shown.wait_for("✓"))
            shown.press("Enter")
            shown.wait_until(
                lambda text: "main.render" not in text and "main.parse" in text, "others are still counted"
            )
            shown.press("S")
            shown.wait_for("Successfully reported 1 profiles")
            shown.press("q")
            assert shown.status() == 0
        reported = [profile for request in backend.requests for profile in json.loads(request.body)["profiles"]]
        functions = {name for each in reported for name in each["runtime_analysis"]["function_stats"]}
        assert {"main.parse", "main.render"} <= functions
        assert folder.run("--pprof", place, "--quiet", "--duration", "1").status == 0


@pytest.mark.parametrize(
    ("how", "path", "line"),
    [
        ("bare", "", "answers with something that is no profile"),
        ("closed", "", "wants credentials (HTTP 401)"),
        ("moved", "", "has no CPU profile there (HTTP 404)"),
        ("busy", "", "is being profiled by somebody else (HTTP 500)"),
        ("slow", "", "WriteTimeout"),
        ("empty", "", "answers with nothing (HTTP 200)"),
        ("garbled", "", "its answer cannot be decompressed"),
        ("asleep", "", "gives no profile within 11 s"),
        ("", "/elsewhere/profile", "sends us elsewhere (HTTP 302)"),
        ("", "/memory/profile", "answers with a profile of something else than CPU time"),
    ],
)
def test_what_keeps_a_profile_from_coming_is_said(built: Path, folder: Folder, how: str, path: str, line: str) -> None:
    """One line that says what, of which service, and what to do; status 2."""
    with service(built, how) as place:
        done = folder.run("--pprof", f"http://{place}{path}", "--no-tui")
    assert done.status == 2
    [said] = [said for said in done.lines if line in said]
    assert f"http://{place}{path} " in said


def test_a_profile_that_comes_again_is_counted_once(built: Path, folder: Folder) -> None:
    """What stands before a service may keep its answers: nine seconds of CPU in two, and as many requests as could be sent, without a word."""
    with service(built, "cached") as place:
        done = folder.run("--pprof", f"http://{place}", "--no-tui", "--duration", "2.5", "--summary", "summary.json")
    assert done.status == 0
    [said] = [line for line in done.lines if "answers with the profile of before" in line]
    assert said.endswith("trying again until it works")
    summary = json.loads((folder.path / "summary.json").read_text())
    assert 10 < summary["samples"] <= 110
    assert summary["lost_samples"] < 10


def test_a_service_that_cannot_be_reached_is_said(folder: Folder, built: Path) -> None:
    """Nobody there, no such name, no TLS, a certificate that nobody knows: the line has the cause."""
    refused = folder.run("--pprof", f"http://127.0.0.1:{free_port()}", "--quiet")
    assert refused.status == 2
    assert "cannot be reached: connection refused" in refused.stderr
    nowhere = folder.run("--pprof", "http://nowhere.invalid", "--quiet")
    assert "cannot be reached: its name cannot be resolved" in nowhere.stderr
    with service(built) as place:
        plain = folder.run("--pprof", f"https://{place}", "--quiet")
    assert "the TLS handshake fails; a service without TLS has a URL that begins with http://" in plain.stderr
    with service(built, "private") as place:
        strange = folder.run("--pprof", f"https://{place}", "--quiet")
    assert strange.status == 2
    assert "its certificate is refused" in strange.stderr
    assert "SSL_CERT_FILE" in strange.stderr


def test_a_certificate_of_ones_own_is_trusted_when_it_is_named(folder: Folder, built: Path) -> None:
    """As the line about it says."""
    with service(built, "private") as place:
        host, port = place.split(":")
        own = folder.write("own.pem", ssl.get_server_certificate((host, int(port))))
        done = folder.run("--pprof", f"https://{place}", "--quiet", "--duration", "1", SSL_CERT_FILE=str(own))
    assert (done.status, done.stderr) == (0, "")


@pytest.mark.parametrize("way", ["user", "query", "option", "variable"])
def test_credentials_open_the_door_and_are_never_shown(built: Path, folder: Folder, way: str) -> None:
    """However they are given, they are in no line, no file and no process that we start."""
    with service(built, "closed") as place:
        url = {"user": f"http://admin:s3cret@{place}", "query": f"http://{place}?token=t0ken"}.get(
            way, f"http://{place}"
        )
        words = ["--pprof-header", "X-Token=t0ken"] if way == "option" else []
        variables = {"PROFILER_PPROF_HEADERS": "X-Token=t0ken"} if way == "variable" else {}
        words += ["--no-tui", "--duration", "1", "--json", "r.json", "--export", "r.folded"]
        done = finish(folder.start("--pprof", url, *words, stdin=subprocess.DEVNULL, **variables))
    assert done.status == 0
    shown = done.stderr + "".join(file.read_text() for file in folder.path.glob("r.*"))
    assert f"Left http://{place}, " in shown
    assert not any(secret in shown for secret in ("s3cret", "t0ken", "YWRtaW46"))


def test_a_service_that_comes_back_is_followed_on(built: Path, folder: Folder) -> None:
    """When it goes away that is said once, and once when it is back; SIGTERM is for us alone and ends with what we have."""
    port = free_port()
    with service(built, port=port) as place:
        ours = folder.start("--pprof", f"http://{place}", "--no-tui", "--export", "run.folded")
        _line_with(ours, "Following ")
    _line_with(ours, "trying again until it works")
    with service(built, port=port):
        _line_with(ours, "hands over its profile again")
        ours.send_signal(signal.SIGTERM)
        done = finish(ours)
    assert done.status == 0
    assert not any("trying again" in line for line in done.lines)
    assert "main.parse" in (folder.path / "run.folded").read_text()


def _line_with(process: subprocess.Popen[bytes], text: str) -> None:
    assert process.stderr, "it was asked for"
    ends_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < ends_s:
        line = process.stderr.readline().decode()
        if text in line:
            return
        assert line, "it has ended"
    raise AssertionError(f"no line with {text!r}")
