"""The app as tests run it: on made-up snapshots, with a clock that stands still until it is moved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.widgets import ContentSwitcher

from multi_lang_profiler.tui.app import ProfilerApp

from .fake_controls import FakeControls
from .snapshots import STARTED_AT, shop_snapshot

if TYPE_CHECKING:
    from datetime import datetime

    from textual.pilot import Pilot
    from textual.widget import Widget

    from multi_lang_profiler.engine.analysis.snapshot import Snapshot

NO_SETTINGS = Path("/nonexistent/screen.toml")


class StandingClock:
    """Shows the moment a snapshot was taken, until it is moved."""

    def __init__(self, at_s: float) -> None:
        self.at_s = at_s

    def monotonic(self) -> float:
        return self.at_s

    def now(self) -> datetime:
        return STARTED_AT

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError  # a screen does not wait on this clock


class Screen:
    """An app with the fakes it stands on."""

    def __init__(self, snapshot: Snapshot | None = None, *, settings: Path = NO_SETTINGS) -> None:
        snapshot = snapshot or shop_snapshot()
        self.controls = FakeControls(snapshot)
        self.clock = StandingClock(snapshot.taken_s)
        self.app = ProfilerApp(self.controls, clock=self.clock, settings=settings)


def text_of(widget: Widget) -> str:
    """What `widget` shows, line by line, without the blanks at the lines' ends."""
    lines = widget.render_lines(widget.size.region)
    return "\n".join(line.text.rstrip() for line in lines)


async def show(pilot: Pilot[None], screen: Screen, snapshot: Snapshot) -> None:
    """Let the engine publish `snapshot` and the app take it."""
    screen.controls.current = snapshot
    # On a slow machine the app leaves pictures out; here each is looked at.
    screen.app._next_show_s = 0.0
    screen.app.poll()
    await pilot.pause()


def front(screen: Screen) -> str | None:
    """The id of what is in front."""
    return screen.app.query_one("#views", ContentSwitcher).current


def title(screen: Screen) -> str:
    return text_of(screen.app.query_one("#view-1").children[0])
