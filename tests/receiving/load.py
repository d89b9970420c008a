"""What `receive` takes a second, what it keeps on disk, and how soon it answers while a large report comes in.

    python -m tests.receiving.load [--seconds N] [--against COMMAND]

Reports in JSON of a real program's profile, from eight clients at once. `--against` names the command of another build, measured in turns
with this one. Status 1 if more than 0.3 of the bytes that came are on disk.
"""

from __future__ import annotations

import argparse
import http.client
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from multi_lang_profiler.engine.formats.json_profile import profile_object
from tests.support import recordings
from tests.support.command import COMMAND

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 4.0
CLIENTS = 8
SIZES = (1, 10, 100)
LARGE = 1_000
"""Profiles in the report that comes in while others want an answer."""
MOST_ON_DISK = 0.3
_HEADERS = {"Content-Type": "application/json"}


class Reports:
    """Bodies of reports whose profiles have been seen by nobody."""

    def __init__(self, program: str) -> None:
        profile = profile_object(recordings.recording(program).profile())
        self._before, self._after = (
            part.encode() for part in json.dumps(profile, separators=(",", ":")).split(profile["profile_id"])
        )

    def body(self, profiles: int) -> bytes:
        bodies = (self._before + str(uuid.uuid4()).encode() + self._after for _ in range(profiles))
        return b'{"profiles":[%b],"reported_at":"2026-01-01T00:00:00Z","agent_version":"1"}' % b",".join(bodies)


@dataclass(frozen=True, slots=True)
class Measured:
    requests_per_s: float
    bytes_per_profile: float
    on_disk: float
    """Of the bytes that came."""


@contextmanager
def receiver(command: Path, database: Path) -> Iterator[tuple[str, int]]:
    process = subprocess.Popen(
        [command, "receive", "--listen", "127.0.0.1:0", "--database", database],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    url = next(word for word in process.stdout.readline().decode().split() if word.startswith("http"))
    threading.Thread(target=process.stdout.read, daemon=True).start()
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    try:
        yield address.hostname, address.port
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def post(connection: http.client.HTTPConnection, body: bytes) -> int:
    connection.request("POST", "/api/v0/profiles", body, _HEADERS)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def measure(command: Path, profiles: int, seconds: float, reports: Reports) -> Measured:
    sent: list[int] = []
    with tempfile.TemporaryDirectory(prefix="mlp-load-") as name:
        database = Path(name, "profiles.sqlite")
        with receiver(command, database) as address:
            ends_s = time.monotonic() + seconds

            def work() -> None:
                connection = http.client.HTTPConnection(*address, timeout=120)
                while time.monotonic() < ends_s:
                    body = reports.body(profiles)
                    if post(connection, body) == 200:
                        sent.append(len(body))
                connection.close()

            began_s = time.monotonic()
            clients = [threading.Thread(target=work) for _ in range(CLIENTS)]
            for client in clients:
                client.start()
            for client in clients:
                client.join()
            took_s = time.monotonic() - began_s
        kept = sum(file.stat().st_size for file in Path(name).iterdir())
    number = max(1, len(sent))
    return Measured(len(sent) / took_s, kept / number / profiles, kept / max(1, sum(sent)))


def answer_times_s(command: Path, reports: Reports) -> list[float]:
    """Of small reports, one after the other, while a large one is on its way; endless where one of them has no answer."""
    took: list[float] = []
    with tempfile.TemporaryDirectory(prefix="mlp-load-") as name, receiver(command, Path(name, "db")) as address:
        large = reports.body(LARGE)
        statuses: list[int] = []
        sender = threading.Thread(target=lambda: statuses.append(_status(address, large)))
        connection = http.client.HTTPConnection(*address, timeout=600)
        post(connection, reports.body(1))
        sender.start()
        while sender.is_alive():
            began_s = time.monotonic()
            try:
                post(connection, reports.body(1))
            except (http.client.HTTPException, OSError):
                took.append(float("inf"))
                break
            took.append(time.monotonic() - began_s)
        sender.join()
        if statuses != [200]:
            took.append(float("inf"))
    return took


def _status(address: tuple[str, int], body: bytes) -> int:
    try:
        return post(http.client.HTTPConnection(*address, timeout=600), body)
    except (http.client.HTTPException, OSError):
        return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.receiving.load")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--against", type=Path, metavar="COMMAND")
    options = parser.parse_args()
    reports, small_reports = Reports("flask_server"), Reports("small")
    builds = {"this build": COMMAND} | ({"the other": options.against} if options.against else {})
    print(f"A profile is {len(reports.body(1)):,} bytes of JSON; {CLIENTS} clients, {options.seconds:g} s each.\n")
    print("| build | profiles a request | requests/s | profiles/s | bytes on disk a profile | on disk / received |")
    print("|---|--:|--:|--:|--:|--:|")
    worst = 0.0
    for profiles in SIZES:
        for name, command in builds.items():
            found = measure(command, profiles, options.seconds, reports)
            print(
                f"| {name} | {profiles} | {found.requests_per_s:.1f} | {found.requests_per_s * profiles:.0f} "
                f"| {found.bytes_per_profile:,.0f} | {found.on_disk:.3f} |",
                flush=True,
            )
            if command == COMMAND:
                worst = max(worst, found.on_disk)
    print(f"\n| build | answers while a report of {LARGE} profiles comes in | median | slowest |\n|---|--:|--:|--:|")
    for name, command in builds.items():
        took = answer_times_s(command, small_reports)
        print(
            f"| {name} | {len(took)} | {1e3 * statistics.median(took):.0f} ms | {1e3 * max(took):.0f} ms |", flush=True
        )
    return 1 if worst > MOST_ON_DISK else 0


if __name__ == "__main__":
    sys.exit(main())
