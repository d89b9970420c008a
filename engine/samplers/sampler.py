"""What a sampler is: the protocol between the engine and one runtime.

    launch = await sampler.prepare()   # what to start; compiles and checks what it must
    ...the engine starts the program...
    await sampler.sample(process)      # counts go to the recorder until the program has ended
    await sampler.flush()              # at any time: hand over what is held back, before a signal is forwarded, for a mark
    await sampler.close()              # always called once: end helpers, remove files

A sampler yields counts, says how often it looked, and knows nothing of windows, reports or screens. Whatever happens to it, the program runs on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from ..events import Note

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ..clock import Clock
    from ..events import Emit
    from ..profile.ledger import Ledger
    from ..profile.recorder import Recorder
    from ..settings import Settings
    from .helper_process import HelperProcess


class CannotStart(Exception):
    """The program cannot be started at all: its file or its runtime is missing. The text is one clear line."""

    def __init__(self, text: str, *, status: int = 2) -> None:
        super().__init__(text)
        self.status = status
        """What we end with."""


class SamplingFailed(Exception):
    """The sampler cannot go on. The text says what happened, to what, and what to do."""

    def __init__(self, text: str, *, final: bool = False) -> None:
        super().__init__(text)
        self.final = final
        """Trying again cannot help (an interpreter too new, say); else the engine starts the sampler again with backoff."""


class Launch(NamedTuple):
    """How to start the program so that it can be sampled."""

    argv: tuple[str, ...]
    """Empty for a program that runs already."""
    environment: Mapping[str, str] = {}
    """Variables to set beside the user's own."""
    source_file: Path | None = None
    """The file that static analysis and the report's `source_file` speak of."""
    unprofiled: str | None = None
    """Why the program will run without being sampled, as one clear line; None if it will be sampled."""
    executable: str | None = None
    """The file to run where the first word does not lead to it."""
    source_of: Callable[[str], Path | None] | None = None
    """For programs in several languages: the source file of each language's main program, as far as it is known by now."""
    programs: Callable[[], str] = str
    """What runs now, for a command: `Python ×5, Node.js ×2`."""


class Process(NamedTuple):
    """The program as the engine started it."""

    pid: int
    started_s: float
    """On `Clock.monotonic`."""


class Context(NamedTuple):
    """What a sampler is made with."""

    settings: Settings
    recorder: Recorder
    emit: Emit
    clock: Clock
    sampling: Callable[[bool], None]
    """Called with True when samples begin to come, with False when they cease: the windows say what they cover."""
    private_folder: Callable[[], Path]
    """A folder of this run alone, mode 0700, made at the first call and removed after `close`: for sockets and helpers."""
    cache_folder: Callable[[], Path]
    """The user's cache folder for what can be kept between runs (compiled agents), made at the first call."""
    ledger: Ledger
    """To be told which processes and threads are sampled, since when, and why others are not; knows the processes of the tree."""
    lookers: list[HelperProcess]
    """Of a Python program that was started early: the helper that looks at it already, to be taken by who needs it first."""
    made: Mapping[str, int] = {}
    """Of a program that was started early: what was opened for its sampler, by the names of files in the private folder."""

    def doubt(self, why: str) -> None:
        """Say why shares of this run are not to be trusted: in a line, once, and wherever the run's figures stand."""
        if why not in self.recorder.doubts:
            self.recorder.doubts.append(why)
            self.emit(Note(why))


class Sampler(Protocol):
    @property
    def name(self) -> str:
        """What takes the samples, with its version if known: shown to the user."""

    async def prepare(self) -> Launch:
        """Say how to start the program. Raises `CannotStart`."""

    async def sample(self, process: Process) -> None:
        """Sample until the program ends, then return with all samples handed over.

        Raises `SamplingFailed`; then the engine may call it again while the program still runs.
        """

    async def flush(self) -> None:
        """Hand over samples that the runtime holds back; returns within 0.3 s, also if there is nobody to ask."""

    async def close(self) -> None:
        """End what was started; never raises for what the program did."""
