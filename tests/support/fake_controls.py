"""Controls that show what a test gives them and remember what they were asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from multi_lang_profiler.engine.analysis.snapshot import Snapshot, Stretch


class FakeControls:
    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self.current = snapshot
        self.asked: list[str] = []
        self.leaving = False
        self.looks = 0
        self.size: tuple[int, int] | None = None

    def snapshot(self) -> Snapshot | None:
        return self.current

    def send_now(self) -> None:
        self.asked.append("send now")

    def mark(self, name: str) -> None:
        self.asked.append(f"mark {name}".strip())

    def restart(self) -> None:
        self.asked.append("restart")

    def export(self, file: Path, stretch: Stretch | None = None, mode: str | None = None) -> None:
        self.asked.append(
            f"export {file}" + (f" of {stretch.name}" if stretch else "") + (" as wall time" if mode == "wall" else "")
        )

    def open_source(self, path: str) -> None:
        self.asked.append(f"open source {path}")

    def look_at_threads(self) -> None:
        self.looks += 1

    def type_keys(self, keys: bytes) -> None:
        self.asked.append(f"type {keys!r}")

    def hold(self, *, held: bool) -> None:
        self.asked.append("hold" if held else "let go on")

    def resize(self, columns: int, rows: int) -> None:
        self.size = columns, rows

    def stop(self) -> None:
        self.asked.append("stop")
        self.leaving = True
