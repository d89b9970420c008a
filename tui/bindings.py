"""The keys that work on the whole screen, and how to find those of anything else."""

from __future__ import annotations

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
    }
)
"""Actions whose keys work only there."""
NOT_WHERE_THE_PROGRAM_READS = frozenset({"leave_anywhere", "command_palette"})
"""Ctrl+C and Ctrl+P are the program's, while it is typed to."""


def screen_bindings(titles: Mapping[str, str]) -> list[BindingType]:
    """`titles`: of the views, by the key that brings each to the front."""
    return [
        # Keys that hand the keys to something else have priority: Textual runs those before it passes the next key on, so
        # that fast typing and pasting (`/name`) arrive where they were meant to. `check_action` takes them back where one types.
        *(
            Binding(
                key,
                f"open({key!r})",
                title,
                show=False,
                priority=True,
                tooltip=f"Show {title}",
                id=f"app.view_{key}",
            )
            for key, title in titles.items()
        ),
        Binding("m", "mark", "Mark", tooltip="Mark this moment: a new phase of the run begins", id="app.mark"),
        Binding(
            "M",
            "mark_named",
            "Mark as …",
            show=False,
            priority=True,
            tooltip="Mark this moment and name it",
            id="app.mark_named",
        ),
        Binding(
            "T",
            "threads",
            "Threads",
            show=False,
            priority=True,
            tooltip="Choose whose samples the views count",
            id="app.threads",
        ),
        Binding(
            "z",
            "range",
            "Time range",
            show=False,
            priority=True,
            tooltip="Choose the range of time that the views count",
            id="app.range",
        ),
        Binding(
            "C",
            "cpu",
            "CPU ledger",
            show=False,
            priority=True,
            tooltip="Show where the CPU time of all processes went, and what no sample is of",
            id="app.cpu",
        ),
        Binding("S", "send_now", "Send now", tooltip="Close the window and report without waiting", id="app.send_now"),
        Binding(
            "R",
            "restart",
            "Restart",
            show=False,
            tooltip="Start the program again; asks if it still runs",
            id="app.restart",
        ),
        Binding(
            "E",
            "edit",
            "Edit",
            show=False,
            tooltip="Open the place under the cursor in your editor ($VISUAL or $EDITOR)",
            id="app.edit",
        ),
        Binding(
            "y",
            "copy",
            "Copy",
            show=False,
            tooltip="Copy file:line of what is under the cursor; again: its name, its hottest stack",
            id="app.copy",
        ),
        Binding(
            "I",
            "type",
            "Input",
            priority=True,
            tooltip="Type on the program's terminal: answer what it asks, end its input, interrupt it",
            id="app.type",
        ),
        Binding(
            "e", "export", "Export", show=False, priority=True, tooltip="Save the run so far to a file", id="app.export"
        ),
        Binding(
            "b",
            "side",
            "Side panes",
            show=False,
            tooltip="Show or hide reporter, output and log beside the view",
            id="app.side",
        ),
        Binding(
            "question_mark", "help", "Help", priority=True, tooltip="Explain this view and its keys", id="app.help"
        ),
        Binding("q", "leave", "Quit", priority=True, tooltip="Leave; asks if the program still runs", id="app.quit"),
        Binding(
            "ctrl+c,ctrl+q",
            "leave_anywhere",
            "Quit",
            show=False,
            priority=True,
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
