"""The app as tests run it: on made-up snapshots, with a clock that stands still until it is moved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from multi_lang_profiler.tui.app import ProfilerApp

from .fake_controls import FakeControls
from .snapshots import RUN_S, STARTED_AT, STARTED_S, shop_snapshot

if TYPE_CHECKING:
    from datetime import datetime

    from textual.pilot import Pilot
    from textual.widget import Widget

    from multi_lang_profiler.engine.snapshot import Snapshot

NO_SETTINGS = Path("/nonexistent/screen.toml")


class StandingClock:
    """Shows the moment the made-up snapshots were taken."""

    def __init__(self) -> None:
        self.at_s = STARTED_S + RUN_S

    def monotonic(self) -> float:
        return self.at_s

    def now(self) -> datetime:
        return STARTED_AT

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError  # a screen does not wait on this clock


class Screen:
    """An app with the fakes it stands on."""

    def __init__(self, snapshot: Snapshot | None = None, *, settings: Path = NO_SETTINGS) -> None:
        self.controls = FakeControls(snapshot or shop_snapshot())
        self.clock = StandingClock()
        self.app = ProfilerApp(self.controls, clock=self.clock, settings=settings)


def text_of(widget: Widget) -> str:
    """What `widget` shows, line by line, without the blanks at the lines' ends."""
    lines = widget.render_lines(widget.size.region)
    return "\n".join(line.text.rstrip() for line in lines)


async def show(pilot: Pilot[None], screen: Screen, snapshot: Snapshot) -> None:
    """Let the engine publish `snapshot` and the app take it."""
    screen.controls.current = snapshot
    screen.app.poll()
    await pilot.pause()
