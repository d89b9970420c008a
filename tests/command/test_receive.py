"""The backend to try reporting with: what it stores, refuses and prints, and the faults it plays."""

from __future__ import annotations

import re
import signal
import sqlite3
import uuid
from collections.abc import Iterator

import httpx
import pytest

from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.formats import wire
from multi_lang_profiler.engine.profile.profile import Profile, Sampling
from tests.support.command import Folder, finish

CONTENT_TYPES = {name: wire.FORMATS[name].content_type for name in ("json", "protobuf")}


def id_of(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def a_profile(name: str) -> Profile:
    return Profile(
        id_of(name), "Python", "app.py", SystemClock().now(), 2.0, 0, (), 0, (), Sampling("cpu", 100.0, 2.0), None
    )


def report(format_name: str, *names: str) -> tuple[bytes, dict[str, str]]:
    profiles = [wire.encode(a_profile(name), format_name) for name in names]
    return wire.join(profiles, SystemClock().now()), {"Content-Type": CONTENT_TYPES[format_name]}


class Receiver:
    def __init__(self, folder: Folder, *words: str) -> None:
        self.process = folder.start("receive", "--listen", "127.0.0.1:0", *words)
        assert self.process.stdout
        first = self.process.stdout.readline().decode()
        found = re.search(r"http://127\.0\.0\.1:\d+/api/v0/profiles", first)
        assert found, first
        self.url = found[0]

    def post(self, body: bytes, headers: dict[str, str]) -> httpx.Response:
        return httpx.post(self.url, content=body, headers=headers, timeout=20, trust_env=False)

    def end(self) -> str:
        self.process.send_signal(signal.SIGINT)
        finished = finish(self.process)
        assert (finished.status, finished.stderr) == (0, "")
        return finished.stdout.decode()


@pytest.fixture
def folder(tmp_path) -> Iterator[Folder]:
    with Folder(tmp_path) as folder:
        yield folder


def test_both_formats_are_stored_once(folder):
    """Profiles come in JSON and protobuf, one report holds several, and a profile that comes again is dropped."""
    receiver = Receiver(folder, "--database", "profiles.sqlite")
    for format_name in CONTENT_TYPES:
        for _ in range(2):
            answer = receiver.post(*report(format_name, f"{format_name}-1", f"{format_name}-2"))
            assert answer.status_code == 200
            assert answer.json()["status"] == "success"
            assert answer.json()["profiles_received"] == 2
    printed = receiver.end()
    assert printed.count("app.py (Python) 2.0 s, 0 samples") == 8
    assert "4 profiles stored, 4 duplicates dropped" in printed
    with sqlite3.connect(folder.path / "profiles.sqlite") as database:
        ids = {row[0] for row in database.execute("SELECT profile_id FROM profiles")}
    assert ids == {id_of(name) for name in ("json-1", "json-2", "protobuf-1", "protobuf-2")}


def test_a_database_outlives_the_receiver(folder):
    """A receiver started again on its database still knows what it has."""
    for _ in range(2):
        receiver = Receiver(folder, "--database", "profiles.sqlite")
        receiver.post(*report("json", "same"))
        printed = receiver.end()
    assert "0 profiles stored, 1 duplicates dropped" in printed


def test_key(folder):
    """With a key, a report without it or with another is refused with 401 and not stored."""
    receiver = Receiver(folder, "--api-key", "right")
    body, headers = report("json", "a")
    for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "right"}):
        assert receiver.post(body, {**headers, **wrong}).status_code == 401
    assert receiver.post(body, {**headers, "Authorization": "Bearer right"}).status_code == 200
    assert "1 profiles stored" in receiver.end()


def test_what_is_no_report(folder):
    """Other paths, methods, types and bytes get an answer that says what is wrong."""
    receiver = Receiver(folder)
    body, headers = report("json", "a")
    assert receiver.post(b"{", headers).status_code == 400
    assert receiver.post(b"\xff\xff", {"Content-Type": CONTENT_TYPES["protobuf"]}).status_code == 400
    assert receiver.post(body, {"Content-Type": "text/plain"}).status_code == 400
    assert httpx.get(receiver.url, trust_env=False).status_code == 405
    assert httpx.post(receiver.url + "/x", content=body, headers=headers, trust_env=False).status_code == 404
    assert receiver.post(b" " * (33 * 2**20), headers).status_code == 413
    assert "0 profiles stored" in receiver.end()


def test_faults_are_played_in_order(folder):
    """--fail answers the first reports as told, stores none of those, and then behaves."""
    receiver = Receiver(folder, "--fail", "500,close,503,ok,429")
    seen: list[int | str] = []
    for number in range(6):
        try:
            seen.append(receiver.post(*report("json", str(number))).status_code)
        except httpx.RemoteProtocolError:
            seen.append("closed")
    assert seen == [500, "closed", 503, 200, 429, 200]
    assert "2 profiles stored" in receiver.end()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--listen", "nowhere"), "--listen: 'nowhere' is not of the form HOST:PORT"),
        (("--fail", "500,sometimes"), "--fail: 'sometimes' is neither"),
        (("--port", "1"), "unknown option '--port'"),
    ],
)
def test_mistakes(folder, words, says):
    """A wrong option is one line and status 2."""
    finished = folder.run("receive", *words)
    assert finished.status == 2
    assert says in finished.stderr
    assert len(finished.lines) == 1


def test_an_address_in_use(folder):
    """An address that is taken is one line and status 1."""
    receiver = Receiver(folder)
    address = receiver.url.removeprefix("http://").partition("/")[0]
    finished = folder.run("receive", "--listen", address)
    assert finished.status == 1
    assert f"cannot listen on {address}: address already in use" in finished.stderr
    receiver.end()
