"""What the palette lists: every key that does something, by its description."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand

from .all_views import VIEWS
from .bindings import bindings_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from textual.app import App
    from textual.dom import DOMNode

    from .opened_views import OpenedViews


def commands_of(
    app: App[None], views: OpenedViews, run_in_view: Callable[[str, DOMNode, str], Awaitable[None]]
) -> Iterable[SystemCommand]:
    """Those of the whole screen, then those of each view, with its title; `run_in_view` brings a view to the front and does one of its actions."""
    for binding in bindings_of(app):
        if binding.id != "app.quit_anywhere":
            run = partial(app.run_action, binding.action, default_namespace=app)
            yield SystemCommand(binding.description, binding.tooltip, run)
    for key, kind in VIEWS.items():
        view = views.get(key)
        # Tables of one kind have the same keys.
        told: set[str | None] = set()
        for node in (view, *view.query("*")) if view else ():
            for binding in bindings_of(node):
                if binding.id not in told:
                    told.add(binding.id)
                    yield SystemCommand(
                        f"{kind.title}: {binding.description}",
                        binding.tooltip,
                        partial(run_in_view, key, node, binding.action),
                        discover=binding.show,
                    )
