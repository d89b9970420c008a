"""Source: a file as it was when the run began, each line with its time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment

from ...engine.analysis.function_lines import function_at
from ...engine.profile.line_counts import LineCounts
from ...engine.sources.sources import NO_TEXT
from ..bindings import ScreenKey
from ..highlight import Piece, coloured_lines, plain_lines
from ..places import Place
from ..run_text import why_no_samples
from ..text import clean, count, fit_path, plural
from ..views import View, samples_shown
from .source_table import SourceTable
from .title_line import TitleLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ...engine.analysis.snapshot import Snapshot


class SourceView(View):
    HELP = (
        "A source file as it was when the run began. self is the share of all samples in which the line itself was running, "
        "total the share in which it ran or called what ran.\n"
        "It opens at the function chosen in another view; without one, at the hottest function of the program's own file."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        ScreenKey("h", "hottest", "Hottest line", tooltip="Go to the hottest line of this file", id="source.hottest"),
        ScreenKey(
            "n", "next_hot(1)", "Next hot", tooltip="Go to the next hot line, from hot to cold", id="source.next_hot"
        ),
        ScreenKey(
            "N", "next_hot(-1)", "Hotter", show=False, tooltip="Go back to the hotter line", id="source.previous_hot"
        ),
        ScreenKey(
            "slash",
            "search",
            "Search",
            tooltip="Go to the next line that holds a text",
            id="source.search",
        ),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._path = ""
        self._line = 0
        """Where to put the cursor once the text is there; 0: leave it."""
        self._asked = False
        """A line was asked for since the last `show`: the shared selection is older news."""
        self._runs = 0
        """Which run's text this is."""
        self._text: str | None = None
        self._why_none = ""
        """Why there is no text of the file."""
        self._lines: list[list[Piece]] = []
        self._counts: LineCounts | None = None
        self._searched = ""

    def compose(self) -> ComposeResult:
        yield TitleLine()
        yield TitleLine(id="source-why")
        yield SourceTable(id="source-table")

    def show(self, snapshot: Snapshot) -> None:
        self._asked = False
        if not self._path:
            self._open_first(snapshot)
        elif self._runs not in (0, snapshot.program.runs):
            # The file may have been edited since.
            self.host.controls.open_source(self._path)
        self._runs = snapshot.program.runs
        text = snapshot.sources.get(self._path)
        if text is not None and text is not self._text:
            self._set_text(text)
        if self._counts is None or self._counts.file != self._path or self._counts.table is not snapshot.table:
            self._counts = LineCounts(snapshot.table, self._path)
        threads = self.host.threads
        samples = self._counts.count(snapshot.counts, threads)
        total = snapshot.counts.total
        if threads is not None:
            total = sum(n for (thread, _), n in snapshot.counts.by_stack.items() if thread in threads)
        table = self.query_one(SourceTable)
        why = self.query_one("#source-why", TitleLine)
        why.display = bool(self._why_none)
        why.show([Segment(clean(self._why_none), self.host.palette.warn)])
        table.show_lines(self._lines, samples, total, has_text=not self._why_none)
        if self._line and self._text is not None:
            table.look_at(self._line if self._why_none else min(self._line, len(self._lines)))
            self._line = 0
        self._show_title(snapshot, sum(line.self_samples for line in samples.values()), total)

    def shows(self, snapshot: Snapshot) -> object:
        return samples_shown(snapshot), self._path, self._line, id(snapshot.sources.get(self._path))

    def empty(self, snapshot: Snapshot) -> str:
        if self._path or snapshot.program.source_file or snapshot.counts.total:
            return ""
        return why_no_samples(snapshot)

    def place_here(self) -> Place | None:
        return Place(self._path, self.query_one(SourceTable).cursor_key or 0) if self._path else None

    def source_asked(self, path: str, line: int) -> None:
        self._asked = True
        self._go_to(path, line)

    def function_selected(self, function: int | None) -> None:
        snapshot = self.host.snapshot
        if function is None or snapshot is None or self._asked:
            return
        file = snapshot.table.functions[function].file
        if file:
            self._open(file, snapshot.table.line_of(function))

    def function_here(self) -> int | None:
        """What runs in the line under the cursor, or begins nearest above it."""
        snapshot, line = self.host.snapshot, self.query_one(SourceTable).cursor_key
        return function_at(snapshot.table, self._path, line) if snapshot is not None and line else None

    def action_hottest(self) -> None:
        hot = self.query_one(SourceTable).hot_lines()
        if hot:
            self.query_one(SourceTable).look_at(hot[0])

    def action_next_hot(self, step: int) -> None:
        table = self.query_one(SourceTable)
        hot = table.hot_lines()
        if hot:
            at = hot.index(table.cursor_key) + step if table.cursor_key in hot else 0
            table.look_at(hot[max(0, min(len(hot) - 1, at))])

    def action_search(self) -> None:
        self.host.prompt("Search", self._searched, self._search, hint="a text; again for the next line that holds it")

    def _search(self, wanted: str | None) -> None:
        if not wanted:
            return
        self._searched = wanted
        table = self.query_one(SourceTable)
        minds_capitals = any(letter.isupper() for letter in wanted)
        here = table.cursor_key or 1
        for step in range(1, len(self._lines) + 1):
            number = (here - 1 + step) % len(self._lines) + 1
            line = "".join(text for _, text in self._lines[number - 1])
            if wanted in (line if minds_capitals else line.lower()):
                table.look_at(number)
                return
        self.notify(f"{clean(wanted)} is not in this file", markup=False)

    def _go_to(self, path: str, line: int) -> None:
        if path != self._path:
            self._path, self._text, self._lines, self._why_none = path, None, [], ""
        self._line = max(1, line)

    def _open(self, path: str, line: int) -> None:
        self.host.controls.open_source(path)
        self._go_to(path, line)

    def _open_first(self, snapshot: Snapshot) -> None:
        """The program's own file, at its hottest function; if none of it was seen running, at its top."""
        source_file, table = snapshot.program.source_file, snapshot.table
        ranked = sorted(snapshot.self_samples, key=lambda function: -snapshot.self_samples[function])
        # Java names classes, not paths.
        wanted = {str(source_file), source_file.name} if source_file else None
        for function in ranked:
            file = table.functions[function].file
            if file and (wanted is None or file in wanted):
                self._open(file, table.line_of(function))
                return
        if source_file is not None:
            self._open(str(source_file), 1)

    def _set_text(self, text: str) -> None:
        self._text = text
        if text.startswith(NO_TEXT):
            self._lines, self._why_none = [], text.removeprefix(NO_TEXT)
            return
        self._lines, self._why_none = plain_lines(text), ""
        self.run_worker(self._colour(text, self._path), exclusive=True)

    async def _colour(self, text: str, path: str) -> None:
        lines = await asyncio.to_thread(coloured_lines, text, path)
        if text is self._text and len(lines) == len(self._lines):
            self._lines = lines
            if self.host.snapshot is not None:
                self.show(self.host.snapshot)

    def _show_title(self, snapshot: Snapshot, own: int, total: int) -> None:
        palette = self.host.palette
        path = self._path.removeprefix(f"{snapshot.program.working_folder}/")
        right: Sequence[Segment] = ()
        if self._text is None:
            facts = "   opening"
        else:
            lines = len(self._lines)
            facts = "" if self._why_none else f"   {count(lines)} {plural(lines, 'line')}"
            right = [Segment(f"{100 * own / total:.1f}% of all self time" if total else "", palette.dim)]

        def left(room: int) -> list[Segment]:
            # Of a long path the end is what tells.
            shown = fit_path(clean(path), max(8, room - len(facts))).rstrip()
            return [Segment(shown, palette.plain), Segment(facts, palette.dim)]

        self.query_one(TitleLine).show(left, right)
