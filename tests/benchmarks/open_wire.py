"""What reports to open engines cost, which carry every stack of a window: in time beside the house's bounded protobuf, in bytes beside pyroscope-io's.

Time: of one window of a recorded real program, from its counts to the bytes in the buffer; there protobuf's part is mostly to choose what a profile
of 50 KB has room for. Beside it the encoding alone, which protobuf does of what was chosen. The floor is zlib alone, at its fastest, over the same bytes. Bytes: of the same
program, run for the same time under pyroscope-io and under this profiler, packed as they are sent; a row is a stack of a thread.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
import threading
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Self

from multi_lang_profiler.engine.formats import wire
from multi_lang_profiler.engine.profile.recording import whole_profile
from multi_lang_profiler.engine.varint import delimited
from multi_lang_profiler.proto import otlp_pb2, pprof_pb2, pyroscope_pb2
from tests.benchmarks.measure import alternate, timed_s
from tests.benchmarks.table import Table, at_most
from tests.support import recordings
from tests.support.command import COMMAND
from tests.support.wheels import wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from multi_lang_profiler.engine.profile.profile import Profile
    from tests.benchmarks.measure import Length

OPEN = ("pyroscope", "otlp")
PROGRAM = """
import json, sys, threading, time

def path(depth, number):
    return json.dumps([number] * 50) if not depth else (left if number >> depth & 1 else right)(depth - 1, number)

def left(depth, number):
    return path(depth, number)

def right(depth, number):
    return path(depth, number)

def work(seconds):
    until, number = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        path(6, number % 128)
        number += 1

threads = [threading.Thread(target=work, args=(float(sys.argv[1]),), name=f"load {n}") for n in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
UNDER_PYROSCOPE = """
import pyroscope, runpy, sys
address = sys.argv.pop(1)
pyroscope.configure(application_name="program", server_address=address, sample_rate=100, oncpu=True, gil_only=False)
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
pyroscope.shutdown()
"""


@dataclass(frozen=True, slots=True)
class Sent:
    size_bytes: int
    """Packed, as it was sent."""
    stacks: int
    """Of all windows."""


def tables(length: Length) -> Iterator[Table]:
    for name in recordings.NAMES:
        yield of_recording(name, length)
    seconds = length.sized(25.0, 4.0)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "program.py").write_text(PROGRAM)
        theirs = under_pyroscope_io(Path(folder), seconds)
        table = Table(f"Open wire: what is sent of {seconds:.0f} s of one program, in windows of 10 s")
        table.add("pyroscope-io", [theirs.size_bytes], "B")
        ours = {form: under_us(Path(folder), form, seconds) for form in OPEN}
        for form, sent in ours.items():
            table.add(form, [sent.size_bytes], "B", at_most(1, "ratio"), base="pyroscope-io")
        for name, sent in {"pyroscope-io": theirs, **ours}.items():
            table.add(f"{name}: rows of samples", [sent.stacks], "")
            table.add(f"{name}: a row", [sent.size_bytes / sent.stacks], "B")
    yield table


def of_recording(name: str, length: Length) -> Table:
    """What a window of that recording costs. A row is a stack of a thread, in protobuf a call stack of the profile."""
    window = recordings.recording(name)
    bounded, whole = window.profile(), whole_profile(window)
    rows = {"protobuf": len(bounded.call_stacks), **dict.fromkeys(OPEN, len(window.counts.by_stack))}
    table = Table(f"Open wire, {name}: every one of {rows['otlp']} rows, protobuf's {rows['protobuf']}")
    profiles = {"protobuf": bounded, **dict.fromkeys(OPEN, whole)}
    ways = {form: (window.profile if form == "protobuf" else partial(whole_profile, window)) for form in rows}
    calls: dict[str, Callable[[], object]] = {
        **{f"from the window: {form}": partial(made, ways[form], form) for form in rows},
        **{f"encoding alone: {form}": partial(wire.FORMATS[form].encode, profiles[form]) for form in rows},
        "zlib's fastest alone": partial(zlib.compress, raw_pprof(wire.encode(whole, "pyroscope").body), 1),
        "joining otlp": partial(wire.join, [wire.encode(whole, "otlp")], datetime.now(UTC)),
    }
    rounds = length.sized(50, 3)
    took = alternate({each: partial(timed_s, call) for each, call in calls.items()}, rounds * length.rounds)
    least = {each: [1e6 * min(s[at :: length.rounds]) for at in range(length.rounds)] for each, s in took.items()}
    for each, us in least.items():
        what, _, form = each.partition(": ")
        base = f"{what}: protobuf" if form in OPEN else None
        goals = (at_most(2, "ratio"),) if base and what == "from the window" else ()
        table.add(each, us, "µs", *goals, base=base)
    for form, count in rows.items():
        base = "a row: protobuf" if form in OPEN else None
        table.add(f"a row: {form}", [us / count for us in least[f"encoding alone: {form}"]], "µs", base=base)
    return table


def made(way: Callable[[], Profile], form: str) -> bytes:
    return wire.FORMATS[form].encode(way())


def raw_pprof(body: bytes) -> bytes:
    """Of a series of a push, without its packing."""
    push = pyroscope_pb2.PushRequest.FromString(delimited(1, body) + body)
    raw = push.series[0].samples[0].raw_profile
    return gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw


def under_pyroscope_io(folder: Path, seconds: float) -> Sent:
    path = str(wheel("pyroscope-io", "1.4.0"))
    with Sink() as sink:
        command = [sys.executable, "-c", UNDER_PYROSCOPE, sink.url, "program.py", str(seconds)]
        subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": path}, check=True, capture_output=True)
    return Sent(sum(map(len, sink.bodies)), sum(pushed_stacks(unpacked(body)) for body in sink.bodies))


def under_us(folder: Path, form: str, seconds: float) -> Sent:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PROFILER_", "XDG_"))}
    with Sink() as sink:
        # pyroscope-io sends every ten seconds, too.
        words = ["python", "program.py", "--no-tui", "--no-spool", "--no-history", "--report-interval", "10"]
        words += ["--report-format", form, "--report-endpoint", f"{sink.url}/report", "--", str(seconds)]
        environment = {**kept, "HOME": str(folder)}
        subprocess.run([COMMAND, *words], cwd=folder, env=environment, check=True, capture_output=True)
    count = pushed_stacks if form == "pyroscope" else exported_stacks
    # The first goes unpacked, until the answer says that it need not.
    return Sent(
        sum(len(gzip.compress(unpacked(body))) for body in sink.bodies),
        sum(count(unpacked(body)) for body in sink.bodies),
    )


def pushed_stacks(body: bytes) -> int:
    samples = [sample for series in pyroscope_pb2.PushRequest.FromString(body).series for sample in series.samples]
    return sum(len(pprof_pb2.Profile.FromString(unpacked(sample.raw_profile)).sample) for sample in samples)


def exported_stacks(body: bytes) -> int:
    scopes = [s for each in otlp_pb2.ExportRequest.FromString(body).resource_profiles for s in each.scope_profiles]
    return sum(len(profile.samples) for scope in scopes for profile in scope.profiles)


def unpacked(body: bytes) -> bytes:
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body


class Sink:
    """Takes whatever comes."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.send_header("Accept-Encoding", "gzip")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
