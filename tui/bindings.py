"""The keys that work on the whole screen, and how to find those of anything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.binding import Binding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from textual.binding import BindingType
    from textual.dom import DOMNode


OF_THE_MAIN_SCREEN = frozenset(
    {
        "open",
        "mark",
        "mark_named",
        "threads",
        "range",
        "weight",
        "cpu",
        "send_now",
        "restart",
        "export",
        "side",
        "help",
        "leave",
        "type",
        "edit",
        "copy",
        "suspend_process",
    }
)
"""Actions whose keys work only there."""
NOT_WHERE_THE_PROGRAM_READS = frozenset({"leave_anywhere", "command_palette"})
"""Ctrl+C and Ctrl+P are the program's, while it is typed to."""


@dataclass(frozen=True)
class ScreenKey(Binding):
    """A key of the main screen; all of them have priority.

    Textual runs those at once and passes all others through the focused widget's queue and its ancestors' first. So one kind alone keeps the order of
    what comes in a burst (`down down w`), and what is typed after `/` finds the field it is meant for. Lists of Textual's own take no priority keys:
    nor do the dialogs that have them.
    """

    priority: bool = True


def unseen_key(key_id: str) -> ScreenKey:
    """Of the views that can."""
    tooltip = "Show the CPU time that no sample is of beside the functions, by its names"
    return ScreenKey("U", "unseen", "Unseen", show=False, tooltip=tooltip, id=key_id)


def screen_bindings(titles: Mapping[str, str]) -> list[BindingType]:
    """`titles`: of the views, by the key that brings each to the front."""
    return [
        *(
            ScreenKey(
                key,
                f"open({key!r})",
                title,
                show=False,
                tooltip=f"Show {title}",
                id=f"app.view_{key}",
            )
            for key, title in titles.items()
        ),
        ScreenKey("m", "mark", "Mark", tooltip="Mark this moment: a new phase of the run begins", id="app.mark"),
        ScreenKey(
            "M",
            "mark_named",
            "Mark as …",
            show=False,
            tooltip="Mark this moment and name it",
            id="app.mark_named",
        ),
        ScreenKey(
            "T",
            "threads",
            "Threads",
            show=False,
            tooltip="Choose whose samples the views count",
            id="app.threads",
        ),
        ScreenKey(
            "z",
            "range",
            "Time range",
            show=False,
            tooltip="Choose the range of time that the views count",
            id="app.range",
        ),
        ScreenKey(
            "W",
            "weight",
            "CPU/wall",
            tooltip="Count wall time instead of CPU time in every view, or the other way round",
            id="app.weight",
        ),
        ScreenKey(
            "C",
            "cpu",
            "CPU ledger",
            show=False,
            tooltip="Show where the CPU time of all processes went, and what no sample is of",
            id="app.cpu",
        ),
        ScreenKey(
            "S", "send_now", "Send now", tooltip="Close the window and report without waiting", id="app.send_now"
        ),
        ScreenKey(
            "R",
            "restart",
            "Restart",
            show=False,
            tooltip="Start the program again; asks if it still runs",
            id="app.restart",
        ),
        ScreenKey(
            "E",
            "edit",
            "Edit",
            show=False,
            tooltip="Open the place under the cursor in your editor ($VISUAL or $EDITOR)",
            id="app.edit",
        ),
        ScreenKey(
            "y",
            "copy",
            "Copy",
            show=False,
            tooltip="Copy file:line of what is under the cursor; again: its name, its hottest stack",
            id="app.copy",
        ),
        ScreenKey(
            "I",
            "type",
            "Input",
            tooltip="Type on the program's terminal: answer what it asks, end its input, interrupt it",
            id="app.type",
        ),
        ScreenKey("e", "export", "Export", show=False, tooltip="Save the run so far to a file", id="app.export"),
        ScreenKey(
            "b",
            "side",
            "Side panes",
            show=False,
            tooltip="Show or hide reporter, output and log beside the view",
            id="app.side",
        ),
        ScreenKey("question_mark", "help", "Help", tooltip="Explain this view and its keys", id="app.help"),
        ScreenKey(
            "ctrl+z",
            "suspend_process",
            "Suspend",
            show=False,
            tooltip="Back to the shell, the program stopped as well; its fg goes on with both",
            id="app.suspend",
        ),
        ScreenKey("q", "leave", "Quit", tooltip="Leave; asks if the program still runs", id="app.quit"),
        ScreenKey(
            "ctrl+c,ctrl+q",
            "leave_anywhere",
            "Quit",
            show=False,
            tooltip="Leave; asks if the program still runs",
            id="app.quit_anywhere",
        ),
    ]


def bindings_of(node: DOMNode) -> Iterator[Binding]:
    """The bindings of ours (they have ids) that work while `node` has the keys."""
    for cls in type(node).__mro__:
        for binding in cls.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                yield binding
