"""All views of the screen, each loaded when it is first opened: to load them all would be a third of what the first picture waits for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .views import View


class ViewKind(NamedTuple):
    title: str
    short: str
    """The title where cells are few, at most eight characters."""
    brief: str
    """The title where all are to stand in 80 columns."""
    module: str
    """In `widgets`."""
    name: str
    """Of the class in it."""
    side_panes: bool = False
    """Whether reporter, output and log stand beside it on a large screen; a view that needs the width says no."""

    def load(self) -> type[View]:
        kind: type[View] = getattr(import_module(f".widgets.{self.module}", __package__), self.name)
        return kind


HOT_FUNCTIONS = ViewKind("Hot functions", "Hot", "Hot", "functions", "FunctionsView", side_panes=True)
SOURCE = ViewKind("Source", "Source", "Source", "source", "SourceView")
DIFF = ViewKind("Diff", "Diff", "Diff", "diff", "DiffView")
REPORTER = ViewKind("Reporter", "Reporter", "Rep", "reporter", "ReporterView")
OUTPUT = ViewKind("Output", "Output", "Out", "output", "OutputView")
SANDWICH = ViewKind("Sandwich", "Sandwich", "Sand", "sandwich", "SandwichView")

VIEWS: Mapping[str, ViewKind] = {
    "1": HOT_FUNCTIONS,
    "2": SOURCE,
    "3": ViewKind("Call tree", "Tree", "Tree", "call_tree", "CallTreeView", side_panes=True),
    "4": ViewKind("Flame graph", "Flame", "Flame", "flame_graph", "FlameGraphView"),
    "5": ViewKind("Timeline", "Timeline", "Time", "timeline", "TimelineView"),
    "6": DIFF,
    "7": REPORTER,
    "8": OUTPUT,
    "9": ViewKind("Log", "Log", "Log", "log", "LogView"),
    "w": SANDWICH,
    "0": ViewKind("Threads", "Threads", "Threads", "threads", "ThreadsView"),
}
"""All views by the key that brings each to the front."""


def key_of(title: str) -> str:
    return next(key for key, kind in VIEWS.items() if title == kind.title)
