"""A whole run as it is saved to a file and opened again."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

from .book import Book, book_from_object
from .course import course_from_object, course_object
from .java_packages import without_package
from .profile import Profile, Sampling, Window, make_profile, new_profile_id
from .stacks import Frame, StackCounts, StackTable, part_languages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from ..sources.static_analysis import StaticAnalysis
    from .course import Moment
    from .history import TimelinePoint
    from .json_object import JsonObject
    from .names import FunctionNames
    from .slices import Slice


class LanguagePart(NamedTuple):
    """What a run of several languages says of one of them; the fields are as in `Recording`."""

    language: str
    source_file: str
    static: StaticAnalysis | None


@dataclass(frozen=True, slots=True)
class Recording:
    """A run, or a part of one, as files hold it."""

    table: StackTable
    """May go on growing."""
    counts: StackCounts
    """Samples of the run; must not change any more."""
    language: str
    """As in the contract: `Python`; of several, `Python, Java`; empty where a file does not say."""
    source_file: str
    """As shown: relative to the working folder."""
    began_at: datetime
    duration_s: float
    sampling: Sampling
    static: StaticAnalysis | None = None
    labels: tuple[tuple[str, str], ...] = ()
    working_folder: str = ""
    """Absolute. Paths below it are shown relative to it where a format shows paths to people."""
    parts: tuple[LanguagePart, ...] = ()
    """By language, most samples first; none where nobody told them apart."""
    slices: tuple[Slice, ...] = field(default=(), repr=False)
    """The same samples over time; none where nobody knows."""
    waited: StackCounts | None = field(default=None, repr=False)
    """Sampling periods in which threads did not run, which make wall time of CPU time; must not change any more. None where nobody knows."""
    names: FunctionNames | None = field(default=None, compare=False, repr=False)
    """Those that the run's reports have used."""
    timeline: tuple[TimelinePoint, ...] = field(default=(), compare=False, repr=False)
    """The whole run in a bounded number of points; empty where nobody knows."""
    marks: tuple[Moment, ...] = ()
    executable: str = field(default="", compare=False)
    """The file's name that most of it ran in, `python3.11`; empty where nobody knows."""
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Path -> text, of files that came with the run: a page has the program's own in it."""

    @property
    def period_s(self) -> float:
        """What one sample stands for."""
        return 1 / self.sampling.rate_hz

    def shown(self, file: str) -> str:
        return file.removeprefix(f"{self.working_folder.rstrip('/')}/") if self.working_folder else file

    def profile(self) -> Profile:
        """The run as one profile, of bounded size like all profiles."""
        return self._profile(self.counts, LanguagePart(self.language, self.source_file, self.static), self.sampling)

    def profiles(self) -> list[Profile]:
        """The run as profiles of one language each."""
        if len(self.parts) < 2:
            return [self.profile()]
        counts = part_languages(self.counts, self.table)
        # What was lost is told once.
        samplings = [self.sampling] + [self.sampling._replace(lost_samples=0, ledger=None)] * (len(self.parts) - 1)
        return [
            self._profile(counts[part.language], part, sampling)
            for part, sampling in zip(self.parts, samplings, strict=True)
        ]

    def _profile(self, counts: StackCounts, part: LanguagePart, sampling: Sampling) -> Profile:
        table = self.table
        return make_profile(
            Window(self.began_at, self.duration_s, counts, sampling),
            table,
            language=part.language,
            source_file=part.source_file,
            static=part.static,
            place=lambda function: (self.shown(table.functions[function].file), table.line_of(function)),
            labels=self.labels,
            names=self.names,
        )


@dataclass(frozen=True, slots=True)
class WindowProfile(Profile):
    """All of a window, for formats that are not bounded as the house's own are: of functions and call stacks it has none but those in `whole`."""

    whole: Recording | None = field(default=None, compare=False, repr=False)


def whole_of(profile: Profile) -> Recording:
    """Every stack of `profile`'s window, thread by thread, where they are known; else what the profile itself has."""
    whole = profile.whole if isinstance(profile, WindowProfile) else None
    return whole or from_profiles([profile])


def whole_profile(whole: Recording) -> WindowProfile:
    """The profile of a window, for formats that take `whole`. What a bounded profile sums up of it, these do not ask for: it is left out."""
    return WindowProfile(
        profile_id=new_profile_id(),
        language=whole.language,
        source_file=whole.source_file,
        began_at=whole.began_at,
        duration_s=whole.duration_s,
        total_samples=whole.counts.total,
        functions=(),
        functions_executed=0,
        call_stacks=(),
        sampling=whole.sampling,
        static=None,
        labels=whole.labels,
        whole=whole,
    )


def facts(recording: Recording) -> dict[str, Any]:
    """What the formats of other tools have no place for, as an object for JSON: with it a file gives the same run back."""
    sampling = recording.sampling
    return {
        "language": recording.language,
        "source_file": recording.source_file,
        "began_at": recording.began_at.isoformat(),
        "duration_secs": recording.duration_s,
        "mode": sampling.mode,
        "rate_hz": sampling.rate_hz,
        "covered_secs": sampling.covered_s,
        "lost_samples": sampling.lost_samples,
        "labels": dict(recording.labels),
        "working_folder": recording.working_folder,
        **({"executable": recording.executable} if recording.executable else {}),
        **({"cpu": sampling.ledger.as_object()} if sampling.ledger else {}),
        **(
            {"course": course_object(recording.table, recording.timeline, recording.marks)}
            if recording.timeline or recording.marks
            else {}
        ),
    }


def from_facts(facts: JsonObject, table: StackTable, counts: StackCounts) -> Recording:
    """The run of which `facts()` and a file's stacks speak. Raises `ValueError` where the facts are not whole."""
    labels = facts.child("labels")
    rate_hz = facts.number("rate_hz")
    if not rate_hz:
        raise ValueError(f"{facts.place}.rate_hz is 0")
    timeline, marks = course_from_object(facts.child("course"), table) if "course" in facts.fields else ((), ())
    return Recording(
        table,
        counts,
        language=facts.text("language"),
        source_file=facts.text("source_file"),
        began_at=facts.time("began_at"),
        duration_s=facts.number("duration_secs"),
        sampling=Sampling(
            facts.text("mode"),
            rate_hz,
            covered_s=facts.number("covered_secs"),
            lost_samples=facts.integer("lost_samples"),
            ledger=book_from_object(facts.child("cpu")) if facts.fields.get("cpu") is not None else None,
        ),
        labels=tuple(sorted((key, labels.text(key)) for key in labels.fields)),
        working_folder=facts.text("working_folder"),
        executable=facts.text("executable", ""),
        timeline=timeline,
        marks=marks,
    )


def without_facts(
    table: StackTable,
    counts: StackCounts,
    began_at: datetime,
    *,
    mode: str = "cpu",
    rate_hz: float = 100.0,
    duration_s: float | None = None,
) -> Recording:
    """The run in a file that some other tool wrote, as far as the file tells: unless it does, a sample is 10 ms of CPU time."""
    if duration_s is None:
        duration_s = counts.total / rate_hz
    return Recording(
        table,
        counts,
        language="",
        source_file="",
        began_at=began_at,
        duration_s=duration_s,
        sampling=Sampling(mode, rate_hz, covered_s=duration_s),
    )


def from_profiles(profiles: Iterable[Profile]) -> Recording:
    """What profiles of one run, in the order of time, say together. Raises `ValueError` if there are none.

    Self samples are exact. Samples whose call stacks a profile had no room for are counted without their callers.
    """
    windows = tuple(profiles)
    if not windows:
        raise ValueError("it holds no profiles")
    whole, counts = StackTable(), StackCounts()
    languages = dict.fromkeys(window.language for window in windows)
    table = whole
    for window in windows:
        if len(languages) > 1:
            table = whole.of_language(window.language)
        thread = table.thread(0, 0)
        missing = [stats.self_samples for stats in window.functions]
        for stack in window.call_stacks:
            frames = [table.frame(_frame(window, function, line)) for function, line in stack.frames]
            counts.add(thread, table.stack(frames), stack.samples)
            missing[stack.frames[-1][0]] -= stack.samples
        for function, samples in enumerate(missing):
            if samples > 0:
                counts.add(thread, table.stack([table.frame(_frame(window, function, 0))]), samples)
    first, last = windows[0], windows[-1]
    # Of several languages the same stretch of time has a profile for each.
    stretches = {window.began_at: window for window in windows}.values() if len(languages) > 1 else windows
    latest = {window.language: window for window in windows}.values()
    return Recording(
        whole,
        counts,
        language=", ".join(languages),
        source_file=last.source_file if len(languages) == 1 else first.source_file,
        began_at=first.began_at,
        duration_s=sum(window.duration_s for window in stretches),
        sampling=Sampling(
            last.sampling.mode,
            last.sampling.rate_hz,
            covered_s=sum(window.sampling.covered_s for window in stretches),
            lost_samples=sum(window.sampling.lost_samples for window in windows),
            ledger=_together([window.sampling.ledger for window in windows]),
        ),
        static=last.static,
        labels=last.labels,
        parts=tuple(LanguagePart(each.language, each.source_file, each.static) for each in latest)
        if len(languages) > 1
        else (),
    )


def _together(books: list[Book | None]) -> Book | None:
    """Of several languages' profiles of one window one knows, for all."""
    known = [book for book in books if book is not None]
    return reduce(Book.plus, known) if known else None


def _frame(profile: Profile, function: int, line: int) -> Frame:
    stats = profile.functions[function]
    return Frame(without_package(stats.name, stats.file), stats.file, line, stats.line)
