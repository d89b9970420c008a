"""A real OpenTelemetry Collector: built from Go's modules, started, killed, and what it has written read again."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tests.engines.building import built
from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE_S = 60.0
CONFIG = """
receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:{port}
exporters:
  file:
    path: {file}
    # So that nothing is buffered: what was answered with 200 is in the file.
    rotation:
      max_megabytes: 4000
  # To the next Collector, waiting for its answer: it keeps nothing of its own.
  otlphttp:
    endpoint: {next}
    sending_queue:
      enabled: false
    retry_on_failure:
      enabled: false
service:
  telemetry:
    metrics:
      level: none
  pipelines:
    profiles:
      receivers: [otlp]
      exporters: [{exporter}]
"""
Stack = tuple[tuple[str, str, int], ...]
"""Function, file and line, leaf first."""


class Collector:
    """`start()` and `kill()` as often as one likes: it is always at the same port, and writes to the same file."""

    path, format = "/v1development/profiles", "otlp"

    def __init__(self, folder: Path, file: Path | None = None, next_one: Collector | None = None) -> None:
        """`next_one`: what it gets it passes on to that one, and writes nothing."""
        self.port = free_port()
        self.file = file or folder / "held.json"
        name = "forwarding" if next_one else "collector"
        self._config = folder / f"{name}.yaml"
        address, exporter = (
            (f"http://127.0.0.1:{next_one.port}", "otlphttp") if next_one else ("http://127.0.0.1:1", "file")
        )
        self._config.write_text(CONFIG.format(port=self.port, file=self.file, next=address, exporter=exporter))
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}"

    def start(self) -> None:
        gates = "--feature-gates=+service.profilesSupport"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [built("collector"), f"--config={self._config}", gates], stdout=log, stderr=log
            )
        ends_s = time.monotonic() + DEADLINE_S
        while time.monotonic() < ends_s:
            if self._process.poll() is not None:
                break
            if b"Everything is ready" in self._log.read_bytes():
                self._log.write_bytes(b"")
                return
            time.sleep(0.05)
        raise SystemExit(f"the Collector did not start: {self._log.read_text()[-1500:]}")

    def kill(self, number: int = signal.SIGKILL) -> None:
        """As by a crash of the machine's, or in order."""
        if self._process:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None

    def stored(self) -> set[str]:
        """Ids of the profiles in it."""
        found: set[str] = set()
        for request in self._requests():
            found |= {str(UUID(profile["profileId"])) for profile in _profiles(request)}
        return found

    def held(self) -> tuple[Counter[Stack], Counter[str], int]:
        """Nanoseconds by stack and by thread's name, of all that was written; and how many profiles there are."""
        stacks: Counter[Stack] = Counter()
        threads: Counter[str] = Counter()
        seen: set[str] = set()
        for request in self._requests():
            _add(request, stacks, threads, seen)
        return stacks, threads, len(seen)

    def _requests(self) -> Iterator[dict[str, Any]]:
        written = self.file.read_text() if self.file.exists() else ""
        for request in re.split(r'(?=\{"resourceProfiles")', written):
            # One that was cut short, by a kill or a full disk, was not answered with 200, and came again; the next stands right behind it.
            with contextlib.suppress(json.JSONDecodeError):
                yield json.loads(request)


def _add(request: dict[str, Any], stacks: Counter[Stack], threads: Counter[str], seen: set[str]) -> None:
    tables = request["dictionary"]
    strings, attributes = tables["stringTable"], tables["attributeTable"]
    for profile in _profiles(request):
        # Sent twice where the answer got lost: a backend tells them by their id, as the contract has it.
        if profile["profileId"] in seen:
            continue
        seen.add(profile["profileId"])
        for sample in profile.get("samples", []):
            at = sample.get("stackIndex", 0)
            ns = sum(map(int, sample["values"]))
            stacks[tuple(_frame(tables, index) for index in tables["stackTable"][at]["locationIndices"])] += ns
            told = {
                strings[attributes[index]["keyStrindex"]]: attributes[index]["value"]
                for index in sample.get("attributeIndices", [])
            }
            threads[told.get("thread.name", {}).get("stringValue", "")] += ns


def _profiles(request: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        profile
        for resource in request.get("resourceProfiles", [])
        for scope in resource.get("scopeProfiles", [])
        for profile in scope.get("profiles", [])
    ]


def _frame(tables: dict[str, Any], location: int) -> tuple[str, str, int]:
    [line] = tables["locationTable"][location]["lines"]
    function = tables["functionTable"][line["functionIndex"]]
    strings = tables["stringTable"]
    return (
        strings[function.get("nameStrindex", 0)],
        strings[function.get("filenameStrindex", 0)],
        int(line.get("line", 0)),
    )


def disk(folder: Path, size: str) -> Path | None:
    """A file system of that size at `folder`; None where we may not mount one."""
    folder.mkdir()
    mount = shutil.which("mount")
    if not mount:
        return None
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={size}", "none", folder], capture_output=True, check=False
    )
    return folder if done.returncode == 0 else None


def resize(folder: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)


def remove(folder: Path) -> None:
    subprocess.run(["umount", "-l", folder], check=False)
