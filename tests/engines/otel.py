"""A real OpenTelemetry Collector: built from Go's modules, started, killed, and what it has written read again."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tests.engines.building import built
from tests.engines.engine import Engine, Held

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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


class Collector(Engine):
    path, format = "/v1development/profiles", "otlp"

    def __init__(self, folder: Path, file: Path | None = None, next_one: Collector | None = None) -> None:
        """`next_one`: what it gets it passes on to that one, and writes nothing."""
        name = "forwarding" if next_one else "collector"
        super().__init__(folder, name)
        self.file = file or folder / "held.json"
        self._config = folder / f"{name}.yaml"
        address, exporter = (
            (f"http://127.0.0.1:{next_one.port}", "otlphttp") if next_one else ("http://127.0.0.1:1", "file")
        )
        self._config.write_text(CONFIG.format(port=self.port, file=self.file, next=address, exporter=exporter))

    def command(self) -> list[str | Path]:
        return [built("collector"), f"--config={self._config}", "--feature-gates=+service.profilesSupport"]

    def is_ready(self, said: bytes) -> bool:
        return b"Everything is ready" in said

    def stored(self) -> set[str]:
        """Ids of the profiles in it."""
        found: set[str] = set()
        for request in self._requests():
            found |= {str(UUID(profile["profileId"])) for profile in _profiles(request)}
        return found

    def held(self) -> Held:
        """All that was written."""
        held = Held()
        seen: set[str] = set()
        for request in self._requests():
            _add(request, held, seen)
        held.profiles = len(seen)
        return held

    def _requests(self) -> Iterator[dict[str, Any]]:
        written = self.file.read_text() if self.file.exists() else ""
        for request in re.split(r'(?=\{"resourceProfiles")', written):
            # One that was cut short, by a kill or a full disk, was not answered with 200, and came again; the next stands right behind it.
            with contextlib.suppress(json.JSONDecodeError):
                yield json.loads(request)


def _add(request: dict[str, Any], held: Held, seen: set[str]) -> None:
    stacks, threads = held.stacks, held.threads
    assert threads is not None
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
