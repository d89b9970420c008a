"""Which range of time the user asks for: from the list, typed, or as one to compare with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.analysis.ranges import NO_TIME, BadRange, has_time, parse_range
from .widgets.range_picker import RangeChoice, RangePicker

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..engine.analysis.ranges import TimeRange
    from .app import ProfilerApp

HINT = "1:03-1:17, 63-77, 1:03- to go on, or 10s for the newest ten seconds"


def ask_range(app: ProfilerApp, compare: Callable[[TimeRange | None], None]) -> None:
    """Offer the ranges of the run. What is chosen is counted, or handed to `compare`."""
    if app.whole is None:
        return
    if not has_time(app.whole):
        app.notify(NO_TIME, severity="warning", markup=False)
        return

    def use(wanted: TimeRange | None, choice: RangeChoice) -> None:
        if choice.as_other:
            compare(wanted)
        else:
            app.choose_range(wanted)

    def typed(text: str | None, choice: RangeChoice) -> None:
        if not text:
            return
        try:
            use(parse_range(text), choice)
        except BadRange as error:
            app.notify(str(error), severity="warning", markup=False)

    def picked(choice: RangeChoice | None) -> None:
        if choice is None:
            return
        if choice.typed:
            app.prompt("Time range", "", lambda text: typed(text, choice), hint=HINT)
        else:
            use(choice.range, choice)

    app.push_screen(RangePicker(app.whole), picked)
