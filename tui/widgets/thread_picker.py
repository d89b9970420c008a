"""Chooses whose samples the views count: all threads or some; under a command, of all processes or some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, OptionList

from ...engine.analysis.ranking import thread_samples
from ..text import clean, fit, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ...engine.analysis.snapshot import Snapshot

MAX_OFFERED = 500


@dataclass(frozen=True, slots=True)
class _Row:
    """A thread, or a process with its threads."""

    threads: frozenset[int]
    text: str
    samples: int


class _Rows(OptionList):
    BINDINGS: ClassVar[list[BindingType]] = [
        # The list's own Enter is what a click is.
        Binding("enter", "screen.choose", "Show these", show=False)
    ]


class ThreadPicker(ModalScreen[frozenset[int] | None]):
    """Gives the threads chosen; None for all of them."""

    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [
        # Without priority, like the list's own keys: they would overtake the arrows that were typed before.
        Binding("space", "mark", "Mark", tooltip="Mark this thread, or take its mark off", id="threads.mark"),
        Binding(
            "enter", "choose", "Show these", tooltip="Count the samples of the threads marked", id="threads.choose"
        ),
        Binding("a", "all", "All threads", tooltip="Count the samples of all threads", id="threads.all"),
        Binding("escape", "keep", "Cancel", tooltip="Leave everything as it was", id="threads.keep"),
    ]

    def __init__(self, snapshot: Snapshot, chosen: frozenset[int] | None) -> None:
        super().__init__()
        self._snapshot = snapshot
        self._chosen = chosen
        samples = thread_samples(snapshot)
        self._offered = (_process_rows if snapshot.processes else _thread_rows)(snapshot, samples)[:MAX_OFFERED]
        self._marked = set(chosen or ())

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(Content("Whose samples to count"), classes="dialog-title")
            yield _Rows(*map(self._line, self._offered), compact=True, markup=False)
            yield Label(
                Content("space marks, enter shows the marked, a shows all; 0 in the views: what each does now"),
                classes="dialog-text",
            )

    def on_option_list_option_selected(self) -> None:
        # A click.
        self.action_mark()

    def action_mark(self) -> None:
        field = self.query_one(OptionList)
        if field.highlighted is not None:
            threads = self._offered[field.highlighted].threads
            # A process with all its threads; where some are marked, the others are, too.
            self._marked = self._marked - threads if threads <= self._marked else self._marked | threads
            for at, row in enumerate(self._offered):
                if row.threads & threads:
                    field.replace_option_prompt_at_index(at, self._line(row))

    def action_choose(self) -> None:
        highlighted = self.query_one(OptionList).highlighted
        if not self._marked and highlighted is not None:
            self._marked = set(self._offered[highlighted].threads)
        self.dismiss(frozenset(self._marked) or None)

    def action_all(self) -> None:
        self.dismiss(None)

    def action_keep(self) -> None:
        self.dismiss(self._chosen)

    def _line(self, row: _Row) -> Content:
        share = percent(row.samples, self._snapshot.counts.total)
        mark = "✓" if row.threads and row.threads <= self._marked else " "
        return Content(f" {mark} {share} %  {row.text} ")


def _thread_rows(snapshot: Snapshot, samples: Mapping[int, int]) -> list[_Row]:
    rows = []
    for thread, count in samples.items():
        known = snapshot.table.threads[thread]
        name = fit(clean(known.title) or "unnamed", 26)
        # Goroutines have no number.
        number = f" thread {known.tid}" if known.tid else ""
        rows.append(_Row(frozenset({thread}), f"{name} pid {known.pid}{number}", count))
    return [*_label_rows(snapshot, samples), *rows]


def _label_rows(snapshot: Snapshot, samples: Mapping[int, int]) -> list[_Row]:
    """Each label that several sets of them have: all work that the program calls so, whatever else it says of it."""
    labelled: dict[tuple[str, str], list[int]] = {}
    for thread in samples:
        for label in snapshot.table.threads[thread].labels:
            labelled.setdefault(label, []).append(thread)
    rows = [
        _Row(
            frozenset(threads),
            f"{fit(clean(f'{key}={value}'), 26)} label of {len(threads)} sets",
            sum(samples[thread] for thread in threads),
        )
        for (key, value), threads in labelled.items()
        if len(threads) > 1
    ]
    return sorted(rows, key=lambda row: -row.samples)


def _process_rows(snapshot: Snapshot, samples: Mapping[int, int]) -> list[_Row]:
    """The tree of processes, as they started each other, each with its threads where it has several; without what nothing was sampled of."""
    table = snapshot.table
    threads: dict[int, list[int]] = {}
    for thread in samples:
        threads.setdefault(table.threads[thread].pid, []).append(thread)
    children: dict[int, list[int]] = {}
    for pid, note in snapshot.processes.items():
        children.setdefault(note.parent if note.parent in snapshot.processes else 0, []).append(pid)
    children.setdefault(0, []).extend(pid for pid in threads if pid not in snapshot.processes)

    def below(pid: int, depth: int) -> list[_Row]:
        own = threads.get(pid, [])
        rows = [row for child in sorted(children.get(pid, [])) for row in below(child, depth + 1)]
        if not (own or rows):
            return []
        note = snapshot.processes.get(pid)
        command = "  " * depth + (clean(note.command) if note else "")
        language = ", ".join(dict.fromkeys(table.thread_languages[thread] for thread in own))
        state = "runs" if pid in snapshot.living else "ended"
        text = f"{fit(command, 34)} {fit(language, 10)} pid {pid} {state}"
        whole = _Row(frozenset(own), text, sum(samples[thread] for thread in own))
        single = []
        if len(own) > 1:
            indent = "  " * (depth + 1)
            for thread in own:
                known = table.threads[thread]
                name = f"{indent}· {clean(known.title) or 'unnamed'}"
                single.append(
                    _Row(frozenset({thread}), f"{fit(name, 34)} {' ' * 10} thread {known.tid}", samples[thread])
                )
        return [whole, *single, *rows]

    return [row for root in sorted(children[0]) for row in below(root, 0)]
