"""A real Grafana Pyroscope: started, stopped, and asked by its own queries what it has."""

from __future__ import annotations

import contextlib
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.engines.building import built_pyroscope
from tests.engines.engine import Engine, Held
from tests.support.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engines.engine import Stack

TYPE = "process_cpu:cpu:nanoseconds:cpu:nanoseconds"
SERVICE = '{service_name="program"}'
RINGS = (
    *("distributor.ring.instance-addr", "ingester.lifecycler.addr", "overrides-exporter.ring.instance-addr"),
    *("query-scheduler.ring.instance-addr", "query-frontend.instance-addr", "compactor.ring.instance-addr"),
    *("store-gateway.sharding-ring.instance-addr", "memberlist.bind-addr", "memberlist.advertise-addr"),
    *("server.http-listen-address", "server.grpc-listen-address"),
)


class Pyroscope(Engine):
    path, format = "/push.v1.PusherService/Push", "pyroscope"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "pyroscope")
        self._others = free_port(), free_port()
        self._data = folder / "data"
        self._data.mkdir()

    def command(self) -> list[str | Path]:
        grpc, members = self._others
        options = dict.fromkeys(RINGS, "127.0.0.1") | {
            "server.http-listen-port": self.port,
            "server.grpc-listen-port": grpc,
            "memberlist.bind-port": members,
            "pyroscopedb.data-path": self._data,
            "compactor.data-dir": self._data / "compactor",
            "storage.backend": "filesystem",
            "storage.filesystem.dir": self._data / "shared",
            "usage-stats.enabled": "false",
            "self-profiling.disable-push": "true",
        }
        return [built_pyroscope(), *(f"-{name}={value}" for name, value in options.items())]

    def environment(self) -> dict[str, str]:
        # It and today's library register two pages of one name.
        return {**os.environ, "GODEBUG": "httpmuxgo121=1"}

    def is_ready(self, said: bytes) -> bool:
        with contextlib.suppress(OSError, urllib.error.URLError):
            return self._get("/ready").strip() == b"ready"
        return False

    def held(self) -> Held:
        """All profiles merged, as its query API gives them."""
        now_ms = round(1_000 * time.time())
        asked = {"profile_typeID": TYPE, "label_selector": SERVICE, "start": now_ms - 3_600_000, "end": now_ms + 60_000}
        profile = json.loads(self._get("/querier.v1.QuerierService/SelectMergeProfile", json.dumps(asked).encode()))
        texts = profile["stringTable"]
        functions = {each["id"]: each for each in profile["function"]}
        frames = {each["id"]: [_frame(line, functions, texts) for line in each["line"]] for each in profile["location"]}
        stacks: Counter[Stack] = Counter()
        for sample in profile["sample"]:
            stack = tuple(frame for location in sample["locationId"] for frame in frames[location])
            stacks[stack] += int(sample["value"][0])
        return Held(stacks, None, None)

    def rendered(self) -> Counter[str]:
        """Function -> nanoseconds of its own, as the flame graph of its render API has them."""
        query = urllib.parse.urlencode(
            {"query": TYPE + SERVICE, "from": "now-1h", "until": "now", "format": "json", "max-nodes": 1_000_000}
        )
        flame = json.loads(self._get(f"/pyroscope/render?{query}"))["flamebearer"]
        own: Counter[str] = Counter()
        for level in flame["levels"]:
            for at in range(0, len(level), 4):
                own[flame["names"][level[at + 3]]] += level[at + 2]
        return +own

    def _get(self, path: str, body: bytes | None = None) -> bytes:
        headers = {"Content-Type": "application/json"} if body else {}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            told: bytes = answer.read()
        return told


def _frame(line: dict[str, Any], functions: dict[str, dict[str, Any]], texts: list[str]) -> tuple[str, str, int]:
    function = functions[line["functionId"]]
    return texts[int(function.get("name", 0))], texts[int(function.get("filename", 0))], int(line.get("line", 0))
