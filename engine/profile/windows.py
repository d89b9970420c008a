"""The open window: closes it into a `Profile`, and keeps account of how much of it a sampler covered."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from ..processes import executable_name
from .names import FunctionNames
from .profile import MAX_FUNCTIONS, Profile, Sampling, Window, bounded_labels, make_profile
from .stacks import bounded, part_languages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from ..clock import Clock
    from ..settings import Settings
    from ..sources.sources import Sources
    from .book import Book
    from .definitions import Definitions
    from .ledger import Ledger
    from .recorder import Recorder
    from .recording import Recording
    from .stacks import StackCounts

UNBOUNDED = frozenset({"pyroscope", "otlp"})
"""Formats of open engines, which take every stack of a window: the bound of a profile is the house's own."""


class Coverage:
    """Seconds during which a sampler was at work."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._covered_s = 0.0
        self._since_s: float | None = None

    @property
    def active(self) -> bool:
        return self._since_s is not None

    def switch(self, active: bool) -> None:
        self._covered_s = self.total_s
        self._since_s = self._clock.monotonic() if active else None

    @property
    def total_s(self) -> float:
        return self._covered_s + (self._clock.monotonic() - self._since_s if self._since_s is not None else 0.0)


class Windows:
    """Cuts the run into windows, one after the other without a gap."""

    def __init__(
        self,
        settings: Settings,
        recorder: Recorder,
        ledger: Ledger,
        coverage: Coverage,
        sources: Sources,
        definitions: Definitions,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._recorder = recorder
        self._ledger = ledger
        self._coverage = coverage
        self._sources = sources
        self._definitions = definitions
        self._names = FunctionNames()
        self._executables: dict[int, str] = {}
        self._clock = clock
        self._run_began_at = self._began_at = clock.now()
        self._run_began_s = self._began_s = clock.monotonic()
        self._run_ended_s: float | None = None
        self._covered_s = self._run_covered_s = 0.0
        """Of `coverage`, when the open window and when the run began."""

    def begin(self, started_s: float) -> None:
        """The first window begins, as the program was started at `started_s` on the monotonic clock."""
        self.begin_run()
        self._run_began_at -= timedelta(seconds=self._run_began_s - started_s)
        self._run_began_s = started_s
        self._began_at, self._began_s = self._run_began_at, self._run_began_s

    def begin_run(self) -> None:
        """The program starts once more; the open window stays open."""
        self._run_began_at = self._clock.now()
        self._run_began_s = self._clock.monotonic()
        self._run_ended_s = None
        self._run_covered_s = self._coverage.total_s

    def end_run(self, ended_s: float) -> None:
        """The program ended at `ended_s`; what comes after that is not part of the run."""
        self._run_ended_s = ended_s

    @property
    def run_covered_s(self) -> float:
        """Seconds of the run during which a sampler was at work."""
        return self._coverage.total_s - self._run_covered_s

    @property
    def run_s(self) -> float:
        ended_s = self._clock.monotonic() if self._run_ended_s is None else self._run_ended_s
        return ended_s - self._run_began_s

    async def close(self, source_of: Callable[[str], Path | None]) -> list[Profile]:
        """Close the open window, begin the next, and give the closed one's profiles: one for each language that was sampled in it.

        `source_of` gives a language's main source file. Of a command under which nothing was sampled yet there is none.
        """
        counts, lost = self._recorder.close_window()
        book = self._ledger.close_window()
        now_s, covered_s = self._clock.monotonic(), self._coverage.total_s
        began_at, duration_s = self._began_at, now_s - self._began_s
        sampling = self._sampling(covered_s - self._covered_s, lost, book)
        self._began_at, self._began_s, self._covered_s = self._clock.now(), now_s, covered_s
        profiles = []
        for language, part in self._by_language(counts).items():
            window = Window(began_at, duration_s, part, sampling)
            profiles.append(await self._profile(window, language, source_of(language)))
            # What was lost, and where the tree's CPU time went, is told once.
            sampling = sampling._replace(lost_samples=0, ledger=None)
        return profiles

    async def whole_run(self, source_of: Callable[[str], Path | None], *, analysed: bool = True) -> Recording:
        """Everything since the program's start, for a file. `analysed`: with the static analysis, which takes its time."""
        from .recording import LanguagePart, Recording  # noqa: PLC0415 - loaded when there is something to save

        counts = self._recorder.run.copy()
        await self._definitions.locate(self._recorder.table, _hottest(self._recorder.table.leaves, counts))
        parts = []
        for language in self._by_language(counts):
            file = source_of(language)
            static = await self._sources.analysis(file) if analysed else None
            parts.append(LanguagePart(language, self._shown_source(file), static))
        main = parts[0] if parts else LanguagePart("", self._settings.program, None)
        return Recording(
            self._recorder.table,
            counts,
            language=", ".join(part.language for part in parts),
            source_file=main.source_file,
            static=main.static,
            parts=tuple(parts),
            began_at=self._run_began_at,
            duration_s=self.run_s,
            sampling=self._sampling(self.run_covered_s, self._recorder.lost_samples, self._ledger.book()),
            labels=self._labels,
            working_folder=str(self._settings.working_folder),
            names=self._names,
        )

    def _by_language(self, counts: StackCounts) -> dict[str, StackCounts]:
        """`counts` by language, most samples first. Of a command that was idle, none of the language it mostly ran before."""
        if self._settings.language is not None:
            return {self._settings.language.value: counts}
        table = self._recorder.table
        found = part_languages(counts, table)
        if not found:
            before = next(iter(part_languages(self._recorder.run, table)), None)
            return {before: counts} if before else {}
        return found

    @property
    def _labels(self) -> tuple[tuple[str, str], ...]:
        return self._settings.report.labels if self._settings.report else ()

    def _shown_source(self, source_file: Path | None) -> str:
        return self._sources.shown(str(source_file)) if source_file else self._settings.program

    def _sampling(self, covered_s: float, lost: int, book: Book) -> Sampling:
        return Sampling(self._settings.mode.value, float(self._settings.rate_hz), covered_s, lost, book)

    async def _profile(self, window: Window, language: str, source_file: Path | None) -> Profile:
        table = self._recorder.table
        await self._definitions.locate(table, _hottest(table.leaves, window.counts))
        labels = (*self._labels, *self._process_labels(window.counts))
        if self._settings.report is not None and self._settings.report.format in UNBOUNDED:
            return self._whole_profile(window, language, source_file, labels)
        static = await self._sources.analysis(source_file)
        # A second of work for the largest programs; the table only grows, and what the window counts does not change.
        return await asyncio.to_thread(
            make_profile,
            window,
            table,
            language=language,
            source_file=self._shown_source(source_file),
            static=static,
            place=lambda function: (self._sources.shown(table.functions[function].file), table.line_of(function)),
            labels=labels,
            names=self._names,
        )

    def _whole_profile(
        self, window: Window, language: str, source_file: Path | None, labels: tuple[tuple[str, str], ...]
    ) -> Profile:
        from .recording import Recording, whole_profile  # noqa: PLC0415 - as above

        return whole_profile(
            Recording(
                self._recorder.table,
                window.counts,
                language=language,
                source_file=bounded(self._shown_source(source_file)),
                began_at=window.began_at,
                duration_s=window.duration_s,
                sampling=window.sampling,
                labels=bounded_labels(labels),
                working_folder=str(self._settings.working_folder),
                executable=self._executable(window.counts),
            )
        )

    def _executable(self, counts: StackCounts) -> str:
        """Of the process that most of these samples are of; it may have ended, and then was looked at before."""
        pid = self._main_pid(counts)
        if pid and not self._executables.get(pid):
            self._executables[pid] = executable_name(pid)
        return self._executables.get(pid, "")

    def _main_pid(self, counts: StackCounts) -> int:
        """The process that most of these samples are of; 0 for none."""
        samples: Counter[int] = Counter()
        for (thread, _stack), count in counts.by_stack.items():
            samples[self._recorder.table.threads[thread].pid] += count
        return samples.most_common(1)[0][0] if samples else 0

    def _process_labels(self, counts: StackCounts) -> Iterator[tuple[str, str]]:
        """Of a command, which process most of these samples are of, and which thread of it; what the user has labelled so stays."""
        table = self._recorder.table
        given = {name for name, _ in self._labels}
        if table.processes and (pid := self._main_pid(counts)):
            note = table.processes.get(pid)
            samples: Counter[int] = Counter()
            for (thread, _stack), count in counts.by_stack.items():
                if table.threads[thread].pid == pid:
                    samples[thread] += count
            main = table.threads[samples.most_common(1)[0][0]]
            labels = {"pid": str(pid), "command": note.command if note else "", "thread": main.title}
            yield from ((name, text) for name, text in labels.items() if text and name not in given)


def _hottest(leaves: list[int], counts: StackCounts) -> Iterable[int]:
    by_function: dict[int, int] = {}
    for (_thread, stack), samples in counts.by_stack.items():
        by_function[leaves[stack]] = by_function.get(leaves[stack], 0) + samples
    return sorted(by_function, key=lambda function: -by_function[function])[:MAX_FUNCTIONS]
