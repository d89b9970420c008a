"""Pyroscope's push API as its own generated code has it, strictly read: started, killed, and what it has written read again."""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.formats.files import read
from tests.engines.building import built
from tests.engines.engine import Engine, Held
from tests.support.viewers import go_tool_pprof

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engines.engine import Stack


class PushStore(Engine):
    path, format = "/push.v1.PusherService/Push", "pyroscope"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "pushed")
        self.folder = folder / "pushed"
        self.folder.mkdir()

    def command(self) -> list[str | Path]:
        return [built("pyroscope"), f"127.0.0.1:{self.port}", self.folder]

    def is_ready(self, said: bytes) -> bool:
        return b"ready" in said

    def held(self) -> Held:
        """All that was written."""
        stacks: Counter[Stack] = Counter()
        threads: Counter[str] = Counter()
        seen: set[str] = set()
        for line in (self.folder / "held.jsonl").read_text().splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                profile = json.loads(line)
                if profile["ID"] in seen:
                    continue
                seen.add(profile["ID"])
                value = profile["Types"].index("cpu nanoseconds")
                for row in profile["Rows"]:
                    ns = row["Values"][value]
                    stacks[tuple((frame["Name"], frame["File"], frame["Line"]) for frame in row["Stack"])] += ns
                    threads[row["Labels"].get("thread_name", "")] += ns
        return Held(stacks, threads, len(seen))

    def queried(self, own: Path) -> str:
        """What `go tool pprof` makes of all that came, beside what it makes of our own export; empty if it is the same."""
        here, there = (_functions(*files) for files in (sorted(self.folder.glob("*.pb.gz")), [own]))
        period_s = read(own).period_s
        differing = {name for name in here | there if abs(here.get(name, 0) - there.get(name, 0)) > period_s / 2}
        return f"; go tool pprof differs in {sorted(differing)[:5]}" if differing or not here else ""


def _functions(*files: Path) -> dict[str, float]:
    """Function -> seconds of its own and of what it called."""
    told = go_tool_pprof("-top", "-nodecount=100000", "-nodefraction=0", "-unit=ns", *files)
    rows = re.findall(r"^ *(\d+)(?:ns)? +[\d.]+% +[\d.]+% +(\d+)(?:ns)? +[\d.]+% +(.+)$", told, re.MULTILINE)
    return {
        f"{kind} {name}": int(ns) / 1e9 for own, total, name in rows for kind, ns in (("own", own), ("total", total))
    }
