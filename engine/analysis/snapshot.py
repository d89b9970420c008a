"""The frozen picture of a run that a screen or a headless summary reads.

The engine makes one a few times a second. It costs a few dictionary copies, whatever the size of the program; what a view
needs beyond that (a ranking, a tree) is computed from it by the reader, with the functions of `ranking` and `calltree`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from ..profile.book import Book
    from ..profile.history import TimelinePoint
    from ..profile.locks import LockLooks
    from ..profile.slices import Slice
    from ..profile.stacks import ProcessNote, StackCounts, StackTable
    from ..profile.tasks import Task


class ProgramPhase(StrEnum):
    PREPARING = "preparing"
    RUNNING = "running"
    ENDED = "ended"
    FAILED_TO_START = "failed to start"
    SAVED = "saved"
    """Read from a file."""

    @property
    def is_over(self) -> bool:
        """No thread of the program does anything any more."""
        return self in (ProgramPhase.ENDED, ProgramPhase.FAILED_TO_START, ProgramPhase.SAVED)


class ReporterPhase(StrEnum):
    OFF = "off"
    WAITING = "waiting"
    """For the next interval."""
    ATTEMPTING = "attempting"
    RETRY_WAIT = "waiting to retry"
    STOPPED = "stopped"


class ProgramState(NamedTuple):
    """What the program is, and how it fares."""

    phase: ProgramPhase
    language: str
    command: str
    """As the user would type it, without the options that are ours."""
    source_file: Path | None
    working_folder: Path
    pid: int | None = None
    started_s: float = 0.0
    """On the monotonic clock."""
    ended_s: float | None = None
    exit_status: int | None = None
    """As a shell gives it: 128+N for signal N. None also where nobody knows: of a saved run, of an attached program."""
    cpu_cores: float = 0.0
    """CPU time per second over the last second, of the program and its children: 1.0 is one busy core."""
    runs: int = 1
    """How often it was started (`--watch` starts it again)."""
    watched: bool = False
    """A changed source file starts it again (`--watch`)."""
    attached: bool = False
    """It was running already (`--pid`): leaving does not end it."""
    joined: bool = False
    """Another process profiles it: this one only looks on."""
    error: str = ""
    """Why it could not be started, or could not be sampled."""
    input: InputState | None = None
    """None: nothing can be typed."""


class InputState(NamedTuple):
    """How the program takes what is typed on its terminal, as the terminal's settings say."""

    by_line: bool
    """Enter hands over a line; else it gets every key."""
    echoes: bool
    waiting: bool
    """It reads now, as far as the kernel tells: who waits for several things at once is only seen by its prompt."""
    prompt: str = ""
    """The line it stands in, while it waits."""
    own_screen: bool = False
    """It draws on a screen of its own, which nobody sees here."""

    @property
    def asks(self) -> bool:
        """It waits for what the user can see it ask."""
        return self.waiting and not self.own_screen

    @property
    def hidden(self) -> bool:
        """A password: the line is not to be seen."""
        return self.by_line and not self.echoes


class KernelThread(NamedTuple):
    """A thread as the kernel counts it."""

    pid: int
    tid: int
    name: str
    """15 characters of it."""
    state: str
    """`running`, `waiting`, `disk`, `stopped` or `ended`, when it was looked at."""
    cpu_s: float
    cores: float
    """CPU time per second, since the look before."""


class SamplingState(NamedTuple):
    """How it is sampled."""

    sampler: str
    mode: str
    asked_hz: float
    achieved_hz: float | None
    """How often a running thread was looked at a second, over the last seconds; None while the program is idle or not sampled."""
    active: bool
    covered_s: float
    lost_samples: int
    doubts: tuple[str, ...] = ()
    """Why shares are not to be trusted, each as a line."""


class Attempt(NamedTuple):
    """One attempt to deliver, as the reporter's history shows it."""

    began_at: datetime
    number: int
    """1 to 3."""
    profiles: int
    took_s: float
    error: str
    """Empty for a delivery."""


class ReporterState(NamedTuple):
    """How the reports fare."""

    phase: ReporterPhase
    endpoint: str = ""
    format: str = ""
    interval_s: float = 0.0
    buffered: int = 0
    buffer_limit: int = 0
    buffered_bytes: int = 0
    spooled: int | None = None
    """Profiles in the spool that are ours; None without a spool."""
    next_report_s: float | None = None
    """When the next report is due, on the monotonic clock."""
    attempt: int = 0
    """The attempt under way or just failed, 1 to `attempts`; 0 between sends."""
    attempts: int = 3
    in_flight: int = 0
    """Profiles in the batch being sent."""
    phase_began_s: float = 0.0
    retry_at_s: float | None = None
    last_delivery_at: datetime | None = None
    last_error: str = ""
    """Of the last failed attempt; stays until a delivery."""
    accepted: int = 0
    """Those taken over from earlier runs included."""
    delivered: int = 0
    discarded: int = 0
    set_aside: int = 0
    """Refused by the backend one by one, and kept on disk to be looked at."""
    lost: int = 0
    """Undelivered at the end and not on disk; 0 before it. Then accepted == delivered + discarded + `kept_on_disk` + lost."""
    deliveries: int = 0
    failed_sends: int = 0
    history: tuple[Attempt, ...] = ()
    """The last 200 attempts, oldest first."""

    @property
    def kept_on_disk(self) -> int:
        """What outlives us: undelivered profiles that the next run sends, and those set aside."""
        return (self.spooled or 0) + self.set_aside


class LogLine(NamedTuple):
    """A line of our own log."""

    at: datetime
    text: str
    is_warning: bool


class OutputLine(NamedTuple):
    """A line that the program wrote."""

    text: str
    """Without the line's end; escape codes are still in it and must be shown as text or left out."""
    is_stderr: bool
    run: int = 1
    """Which of the program's runs printed it: see `ProgramState.runs`."""


class Mark(NamedTuple):
    """A named moment; phases lie between marks."""

    name: str
    at_s: float
    """In seconds since the program's start."""
    counts: StackCounts
    """Of the run until then; never changes."""
    duration_s: float
    """Seconds sampled until then."""
    rate_hz: float | None = None
    """Of a saved run's samples; None: as in this run."""
    waited: StackCounts | None = None
    """As `Waiting.counts`, until then; None where nobody tells."""


class Waiting(NamedTuple):
    """What samplers tell beside the samples: how long threads did not run, and where they stood. See `weights`."""

    languages: frozenset[str]
    """Those whose samplers tell, as the table has them; the others' wall time is not known, or not their CPU time."""
    counts: StackCounts
    """Of the run so far; a copy, never changes."""
    recent: tuple[Mapping[int, int], ...] = ()
    """Of the same seconds as `Snapshot.recent`, by function."""


class Stretch(NamedTuple):
    """A part of a run that is counted by itself."""

    name: str
    """As people call it: `1:03–1:17`, `since deploy`, `last 10 s`."""
    from_s: float
    """In seconds since the program's start."""
    to_s: float
    covered_s: float
    """How long of it a sampler was at work."""
    counts: StackCounts
    """Its samples; never changes."""
    goes_on: bool = False
    """It ends with the newest sample, and grows with the run."""


class Snapshot(NamedTuple):
    """A picture of the run so far, for a screen, a summary or a script."""

    taken_s: float
    """On the monotonic clock."""
    taken_at: datetime
    program: ProgramState
    sampling: SamplingState
    reporter: ReporterState
    table: StackTable
    """Shared and growing; ids in this snapshot stay valid in it."""
    counts: StackCounts
    """Of this run so far; a copy, never changes."""
    self_samples: Mapping[int, int]
    """Function -> samples with it running; a copy."""
    total_samples: Mapping[int, int]
    """Function -> samples with it on the stack; a copy."""
    thread_counts: Mapping[int, int]
    """Function -> number of threads it was seen on; a copy."""
    processes: Mapping[int, ProcessNote] = {}
    """By pid, of a command: those that were seen under it; a copy."""
    living: frozenset[int] = frozenset()
    """The pids of those that run now."""
    kernel_threads: tuple[KernelThread, ...] = ()
    """Of all processes that live, about once a second while somebody asks for them (`Controls.look_at_threads`)."""
    waiting: Waiting | None = None
    """None where no sampler tells."""
    locks: Mapping[int, LockLooks] = {}
    """Stack -> looks at threads that stood there, by what became of the interpreter's lock: of processes with several threads, of the whole run."""
    tasks: tuple[Task, ...] = ()
    """Of event loops, where a runtime tells (asyncio's, of Python 3.14 and newer), about once a second."""
    recent: tuple[Mapping[int, int], ...] = ()
    """The last 60 seconds, oldest first: function -> self samples in that second."""
    timeline: tuple[TimelinePoint, ...] = ()
    """The whole run in at most 600 points; early ones are merged as it grows."""
    slices: tuple[Slice, ...] = ()
    """The stacks of the whole run over time; none of a saved run whose file does not say when its samples were taken."""
    stretch: Stretch | None = None
    """What `counts` and all that is made of them, `recent` and `ledger` are of; None: the whole run. See `ranges.RangeReader`."""
    ledger: Book | None = None
    """Where the CPU time of the run went; None where nobody knows, of a saved run of before there was a ledger say."""
    unseen: Mapping[str, int] = {}
    """Part of the ledger -> the stack that stands for it where it is shown beside the functions; see `unseen`."""
    marks: tuple[Mark, ...] = ()
    previous_run: Mark | None = None
    """With `--watch`: the counts of the last run before this one that was worth comparing with, in the same table; with `view`: the file to compare with."""
    log: tuple[LogLine, ...] = ()
    """The last 1,000."""
    output: tuple[OutputLine, ...] = ()
    """The program's last 5,000 lines, while there is a screen."""
    output_dropped: int = 0
    """Lines that were pushed out of `output`."""
    sources: Mapping[str, str] = {}
    """Path -> the text as it was when the run began, for files asked for."""
