"""The small store: what it acknowledges it has, it has once, and it answers whatever comes."""

from __future__ import annotations

import asyncio
import base64
import gzip
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from multi_lang_profiler.engine.receiving import handler
from multi_lang_profiler.engine.receiving.handler import Backend
from multi_lang_profiler.engine.receiving.report import pack, read_report, unpack
from multi_lang_profiler.engine.receiving.store import CannotOpen, Retention, Store, size_bytes, tidy
from tests.command.test_receive import Receiver, report
from tests.receiving.load import Reports
from tests.support.command import Folder

KILLS = 10
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    with Folder(tmp_path) as folder:
        yield folder


@pytest.fixture(scope="module")
def reports() -> Reports:
    return Reports("flask_server")


def stored_ids(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as opened:
        return {row[0] for row in opened.execute("SELECT profile_id FROM profiles")}


def test_a_report_is_stored_once(folder: Folder, reports: Reports) -> None:
    """A hundred profiles in one report take a third of its bytes at most, and are all there, each with its report."""
    receiver = Receiver(folder, "--database", "db")
    body = reports.body(100)
    assert receiver.post(body, JSON).json()["profiles_received"] == 100
    assert receiver.post(body, JSON).json()["profiles_received"] == 100
    assert "100 profiles stored, 100 duplicates dropped" in receiver.end()
    database = folder.path / "db"
    assert database.stat().st_size < 0.3 * len(body)
    assert len(stored_ids(database)) == 100
    with closing(sqlite3.connect(database)) as opened:
        ((packed, content_type),) = opened.execute("SELECT body, content_type FROM reports")
        assert len(unpack(packed, content_type).profiles) == 100


def test_a_command_is_one_agent_whichever_of_its_processes_worked_most(folder: Folder, reports: Reports) -> None:
    """A window's labels say in which process and thread most of it was; another with the next window is no other agent."""
    receiver = Receiver(folder, "--database", "db")
    for pid, thread in (("17", "MainThread"), ("18", "worker-1")):
        document = json.loads(reports.body(1))
        document["profiles"][0]["labels"] = {"service": "shop", "command": "gunicorn", "pid": pid, "thread": thread}
        receiver.post(json.dumps(document).encode(), JSON)
    receiver.end()
    with closing(sqlite3.connect(folder.path / "db")) as opened:
        ((agents,),) = opened.execute("SELECT count(DISTINCT agent) FROM profiles")
    assert agents == 1


def test_kill_9_under_load_loses_nothing_acknowledged(folder: Folder) -> None:
    """Ten times killed while six clients report: every profile that was acknowledged is in the database."""
    acknowledged: list[str] = []
    database = folder.path / "db"
    for _ in range(KILLS):
        receiver = Receiver(folder, "--database", "db")
        address = urlsplit(receiver.url)
        assert address.hostname

        def client(host: str = address.hostname, port: int = address.port or 0) -> None:
            while True:
                name = str(uuid.uuid4())
                body, headers = report("json", name, f"{name}-2")
                connection = http.client.HTTPConnection(host, port, timeout=20)
                try:
                    with closing(connection):
                        connection.request("POST", "/api/v0/profiles", body, headers)
                        answer = connection.getresponse()
                        answer.read()
                except (http.client.HTTPException, OSError):
                    return
                if answer.status == 200:
                    acknowledged.extend(profile["profile_id"] for profile in json.loads(body)["profiles"])

        before = len(acknowledged)
        clients = [threading.Thread(target=client) for _ in range(6)]
        for each in clients:
            each.start()
        ends_s = time.monotonic() + 30
        while len(acknowledged) < before + 40:
            assert time.monotonic() < ends_s
            time.sleep(0.005)
        receiver.process.send_signal(signal.SIGKILL)
        receiver.process.wait()
        for each in clients:
            each.join()
    receiver = Receiver(folder, "--database", "db")
    receiver.end()
    assert len(acknowledged) >= 40 * KILLS
    assert {*acknowledged} <= stored_ids(database)


def test_keys_in_any_coding(folder: Folder) -> None:
    """Several keys, one of them not ASCII, as a token in Latin-1 or UTF-8 or as a browser's password; anything else is a 401."""
    (folder.path / "keys").write_text("schlüssel\n\nthird\n", encoding="utf-8")
    receiver = Receiver(folder, "--api-key", "first", "--api-key-file", "keys")
    body, headers = report("json", "a")

    def status(authorization: bytes) -> int:
        return httpx.post(
            receiver.url,
            content=body,
            headers=[(b"Authorization", authorization), *((k.encode(), v.encode()) for k, v in headers.items())],
            trust_env=False,
        ).status_code

    for key in (b"first", b"third", "schlüssel".encode("latin-1"), "schlüssel".encode()):
        assert status(b"Bearer " + key) == 200
        assert status(b"Basic " + base64.b64encode(b"me:" + key)) == 200
    for wrong in (b"Bearer \xfc\xff", b"Bearer", b"\xfc", b"Basic \xfc", b"Bearer schl", b"Basic Zmlyc3Q=", b""):
        assert status(wrong) == 401
    page = receiver.url.removesuffix("/api/v0/profiles") + "/"
    assert httpx.get(page, trust_env=False).status_code == 401
    assert httpx.get(page, auth=("me", "first"), trust_env=False).status_code == 200
    receiver.end()


def test_a_key_that_no_header_carries_is_refused_at_the_start(folder: Folder) -> None:
    """Such a key could never be sent; it is not shown."""
    finished = folder.run("receive", "--api-key", "ключ")
    assert (finished.status, len(finished.lines)) == (2, 1)
    assert "ключ" not in finished.stderr


def test_the_body_is_asked_for_when_it_is_wanted(folder: Folder) -> None:
    """Expect: 100-continue: a report is asked for; one without the key, too large or elsewhere is refused before it is sent."""
    receiver = Receiver(folder, "--api-key", "key")
    body, _ = report("json", "a")
    address = urlsplit(receiver.url)

    def ask(*lines: str, path: str = "/api/v0/profiles", size: int = len(body)) -> tuple[socket.socket, bytes]:
        client = socket.create_connection((address.hostname, address.port or 0), timeout=20)
        head = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {size}", "Expect: 100-continue", *lines]
        client.sendall("\r\n".join((*head, "", "")).encode())
        return client, client.recv(65_536)

    client, answer = ask("Authorization: Bearer key", "Content-Type: application/json")
    assert answer.startswith(b"HTTP/1.1 100 ")
    client.sendall(body)
    assert client.recv(65_536).startswith(b"HTTP/1.1 200 ")
    client.close()
    for asked, status in (
        (ask(), b"401"),
        (ask("Authorization: Bearer key", path="/x"), b"404"),
        (ask("Authorization: Bearer key", size=2**30), b"413"),
    ):
        assert asked[1].startswith(b"HTTP/1.1 " + status)
        asked[0].close()
    receiver.end()


def test_gzip(folder: Folder) -> None:
    """A packed report is taken, and the answer says that it may be; what is no gzip, or unpacks without end, is refused."""
    receiver = Receiver(folder)
    body, headers = report("json", "a", "b")
    answer = receiver.post(gzip.compress(body), {**headers, "Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["profiles_received"]) == (200, 2)
    assert answer.headers["Accept-Encoding"] == "gzip"
    bomb = gzip.compress(b" " * 2**26)
    for packed in (b"no gzip", bomb, gzip.compress(body)[:-9]):
        assert receiver.post(packed, {**headers, "Content-Encoding": "gzip"}).status_code == 400
    assert receiver.post(body, {**headers, "Content-Encoding": "br"}).status_code == 415
    receiver.end()


def test_a_full_disk_is_told(folder: Folder) -> None:
    """What cannot be stored is never acknowledged: 507 (or 503), one line, no traceback; with room again it goes on."""
    small = folder.path / "small"
    small.mkdir()
    mount = f"mount -t tmpfs -o size=300k tmpfs {small} && exec "
    shell = ["unshare", "-Urm", "sh", "-c"]
    if subprocess.run([*shell, mount + "true"], check=False, capture_output=True).returncode:
        shell, mount = ["bash", "-c"], "ulimit -f 200; exec "
    command = f"{mount} {handler_command()} receive --listen 127.0.0.1:0 --database {small / 'db'}"
    process = subprocess.Popen([*shell, command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+/profiles", process.stdout.readline().decode())
        assert found
        statuses = []
        for number in range(40):
            noise = {"x" * 20 + os.urandom(2_000).hex(): "y" for _ in range(8)}
            body, headers = report("json", f"{number}")
            document = json.loads(body)
            document["profiles"][0]["labels"] = noise
            statuses.append(
                httpx.post(
                    found[0], content=json.dumps(document), headers=headers, timeout=20, trust_env=False
                ).status_code
            )
        assert statuses[0] == 200
        assert {*statuses} <= {200, 503, 507}
        assert statuses[-1] != 200
        page = httpx.get(found[0].removesuffix("/api/v0/profiles") + "/", trust_env=False)
        assert f"{statuses.count(200)} profiles in" in page.text
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert errors == b""


def handler_command() -> str:
    from tests.support.command import COMMAND

    return str(COMMAND)


def test_the_page(folder: Folder) -> None:
    """GET / shows the newest profiles, the agents and the sums; nothing in it is a script or what a program called itself."""
    receiver = Receiver(folder)
    body, headers = report("json", "a")
    document = json.loads(body)
    document["profiles"][0] |= {"source_file": "<script>alert(1)</script>", "labels": {"service": "<b>api</b>"}}
    receiver.post(json.dumps(document).encode(), headers)
    receiver.post(*report("protobuf", "b", "c"))
    answer = httpx.get(receiver.url.removesuffix("/api/v0/profiles") + "/", trust_env=False)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "3 profiles in 2 reports" in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "<script" not in answer.text
    assert "<b>" not in answer.text
    assert "app.py @ 127.0.0.1" in answer.text
    assert "Pyroscope" in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    receiver.end()


def test_view_from_the_store(folder: Folder, reports: Reports) -> None:
    """Range, language and agent make one run of what came; what they leave nothing of is one line."""
    receiver = Receiver(folder, "--database", "db")
    receiver.post(reports.body(3), JSON)
    receiver.end()
    one = folder.run("view", "--from", "db", "--language", "py", "--since", "2000-01-01", "--agent", "127.0.0.1")
    assert one.status == 0
    document = json.loads(reports.body(1))["profiles"][0]
    samples = document["runtime_analysis"]["total_samples"]
    assert f"; {3 * samples} samples" in one.stdout.decode()
    for words in (("--language", "go"), ("--agent", "nobody"), ("--until", "2000-01-01")):
        none = folder.run("view", "--from", "db", *words)
        assert (none.status, len(none.lines)) == (2, 1)
        assert "no profiles of that range, language and agent" in none.stderr
    assert "goes with --from" in folder.run("view", "x.json", "--since", "1h").stderr


def test_retention(tmp_path: Path) -> None:
    """The oldest reports go, by age or by size, and the file gets smaller; what is left is whole."""
    file = tmp_path / "db"
    store = Store(str(file))
    for number in range(40):
        body, headers = report("json", f"{number}")
        document = json.loads(body)
        document["profiles"][0]["labels"] = {os.urandom(4_000).hex(): "x"}
        read = read_report(json.dumps(document).encode(), headers["Content-Type"], "", "here")
        assert store.add(read).result(20).new == 1
    store.close()
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        before = size_bytes(database)
        assert tidy(database, Retention(size_bytes=before // 2)) > 0
        assert size_bytes(database) <= before // 2
        left = [row[0] for row in database.execute("SELECT report FROM profiles ORDER BY id")]
        assert left == [row[0] for row in database.execute("SELECT id FROM reports ORDER BY id")]
        assert left[-1] == 40
        database.execute("UPDATE reports SET received_at = 0 WHERE id < 40")
        tidy(database, Retention(age_s=3_600))
        assert database.execute("SELECT id FROM reports").fetchall() == [(40,)]


def test_a_stranger_to_us_is_left_alone(tmp_path: Path) -> None:
    """A database of something else, or a file that is none, is refused and stays as it was."""
    with closing(sqlite3.connect(tmp_path / "other")) as other, other:
        other.execute("CREATE TABLE profiles (mine TEXT)")
    with closing(sqlite3.connect(tmp_path / "first")) as first, first:
        first.execute(
            "CREATE TABLE profiles (profile_id TEXT PRIMARY KEY, report BLOB NOT NULL, content_type TEXT NOT NULL)"
        )
    (tmp_path / "text").write_text("not a database at all, but long enough to be looked at closely\n" * 50)
    for name, says in (("other", "of something else"), ("first", "name another file"), ("text", "not a database")):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(CannotOpen, match=says):
            Store(str(tmp_path / name))
        assert (tmp_path / name).read_bytes() == before


def test_a_database_of_the_first_version_can_still_be_viewed(folder: Folder, reports: Reports) -> None:
    """Nothing is added to it, a line says what to do; `view --from` opens it, each profile once though its whole report stood beside each."""
    body = reports.body(3)
    profiles = json.loads(body)["profiles"]
    with closing(sqlite3.connect(folder.path / "first")) as first, first:
        first.execute(
            "CREATE TABLE profiles (profile_id TEXT PRIMARY KEY, began_at TEXT, report BLOB NOT NULL, content_type TEXT NOT NULL)"
        )
        first.executemany(
            "INSERT INTO profiles VALUES (?, ?, ?, 'application/json')",
            [(each["profile_id"], each["timestamp"], body) for each in profiles],
        )
    samples = sum(each["runtime_analysis"]["total_samples"] for each in profiles)
    run = folder.run("view", "--no-tui", "--from", "first")
    assert f"{samples} samples" in run.stdout.decode(), run.stderr
    assert folder.run("view", "--no-tui", "--from", "first", "--language", "Go").status == 2
    refused = folder.run("receive", "--database", "first")
    assert "name another file for what comes from now on; view --from FILE opens this one" in refused.stderr


async def test_too_many_at_once_are_asked_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond what it can hold it answers 503 with Retry-After at once, and takes the same reports later."""
    monkeypatch.setattr(handler, "MAX_WAITING", 2)
    held = threading.Event()
    with closing(Store(":memory:")) as store:
        store.ask(lambda _: held.wait(20))
        backend = Backend(store)
        server = await asyncio.start_server(backend.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/v0/profiles"
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:

            async def post(name: str) -> httpx.Response:
                body, headers = report("json", name)
                return await client.post(url, content=body, headers=headers)

            waiting = [asyncio.create_task(post(name)) for name in ("a", "b")]
            while backend._waiting < 2:
                await asyncio.sleep(0.005)
            refused = await post("c")
            assert refused.status_code == 503
            assert int(refused.headers["Retry-After"]) >= 1
            held.set()
            assert [(await each).status_code for each in waiting] == [200, 200]
            assert (await post("c")).status_code == 200
        server.close()
    assert backend.stored == 3


def test_packing_keeps_every_byte() -> None:
    """What is unpacked is what was packed; damage is told."""
    body, headers = report("json", "a")
    assert unpack(pack(body), headers["Content-Type"]).profiles
    with pytest.raises(ValueError, match="damaged"):
        unpack(pack(body)[:-4] + b"\0\0\0\0", headers["Content-Type"])
