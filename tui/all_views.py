"""All views of the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .widgets.call_tree import CallTreeView
from .widgets.diff import DiffView
from .widgets.flame_graph import FlameGraphView
from .widgets.functions import FunctionsView
from .widgets.log import LogView
from .widgets.output import OutputView
from .widgets.reporter import ReporterView
from .widgets.sandwich import SandwichView
from .widgets.source import SourceView
from .widgets.threads import ThreadsView
from .widgets.timeline import TimelineView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .views import View

VIEWS: Mapping[str, type[View]] = {
    "1": FunctionsView,
    "2": SourceView,
    "3": CallTreeView,
    "4": FlameGraphView,
    "5": TimelineView,
    "6": DiffView,
    "7": ReporterView,
    "8": OutputView,
    "9": LogView,
    "w": SandwichView,
    "0": ThreadsView,
}
"""All views by the key that brings each to the front."""
