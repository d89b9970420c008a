"""Command line and environment -> one frozen `Settings`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

COMMAND = "multi_lang_profiler"
STATUS_THRESHOLD = 3
"""All went well, but a function took more than `--fail-if` allows."""
AGENT_VERSION = "0.1.0"
EXIT_DEADLINE_S = 8.0
"""From the program's end to ours, whatever hangs: a backend, a disk, who reads our lines."""
DEFAULT_ENDPOINT = "https://quality-web-app.pages.dev/api/v0/profiles"


class Language(StrEnum):
    """The values are the payload's names."""

    PYTHON = "Python"
    TYPESCRIPT = "TypeScript"
    JAVASCRIPT = "JavaScript"
    JAVA = "Java"
    GO = "Go"


LANGUAGE_BY_ENDING = {
    ".py": Language.PYTHON,
    ".pyw": Language.PYTHON,
    ".js": Language.JAVASCRIPT,
    ".cjs": Language.JAVASCRIPT,
    ".mjs": Language.JAVASCRIPT,
    ".jsx": Language.JAVASCRIPT,
    ".ts": Language.TYPESCRIPT,
    ".cts": Language.TYPESCRIPT,
    ".mts": Language.TYPESCRIPT,
    ".tsx": Language.TYPESCRIPT,
    ".java": Language.JAVA,
    ".go": Language.GO,
}


ENDINGS_OF_BOTH = (".pb.gz", ".pprof")
"""Of files that hold CPU time and wall time beside each other."""


class Mode(StrEnum):
    CPU = "cpu"
    WALL = "wall"


class Secret:
    """Text that no line, screen, traceback or repr shows; `reveal()` gives it to the one place that sends it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__


class Access(NamedTuple):
    """What opens the backend's door, beside a key that was given as such."""

    key_file: Path | None = None
    headers: tuple[tuple[str, Secret], ...] = ()
    client_cert: Path | None = None
    client_key: Path | None = None
    """None: it is in the file of the certificate."""
    ca_file: Path | None = None
    """The authorities to trust instead of the system's."""


class ReportSettings(NamedTuple):
    """Where reports go, how often, and what they carry."""

    endpoint: str
    interval_s: float = 300.0
    max_buffer: int = 100
    """Profiles kept in memory and, apart from them, in the spool."""
    format: str = "protobuf"
    api_key: Secret | None = None
    jitter: float = 0.0
    """Fraction of the interval, 0 to 1, over which agents that were started together spread their reports."""
    attempt_deadline_s: float = 10.0
    """Total time of one attempt, whatever the backend does."""
    exit_deadline_s: float = EXIT_DEADLINE_S
    """Total time from the program's end to the agent's."""
    spool_folder: Path | None = None
    """None: profiles do not outlive the agent."""
    labels: tuple[tuple[str, str], ...] = ()
    access: Access = Access()


class Threshold(NamedTuple):
    """`--fail-if NAME>40%`: a share of a function that a run must not exceed."""

    text: str
    """As the user wrote it."""
    function: str
    """As the table of hot functions names it."""
    limit_percent: float
    total: bool = False
    """Of the time with the function anywhere on the stack, not only running itself."""
    inclusive: bool = False
    """The limit itself is too much, too (`>=`)."""
    of_unseen: bool = False
    """`unseen>10%`: not a function, but the CPU time that is in none."""


class Service(NamedTuple):
    """A service that runs already and hands over profiles of itself."""

    url: str
    """Without what opens the door, so that it can be shown."""
    headers: tuple[tuple[str, Secret], ...] = ()
    query: Secret | None = None


class Settings(NamedTuple):
    """What one run was asked for, by options, variables and the settings file."""

    language: Language | None
    """None for a command, under which there may be programs of several."""
    program: str
    """File, module (`is_module`), class (Java), package folder (Go), as the user wrote it; a command's name."""
    arguments: tuple[str, ...] = ()
    """The program's own."""
    is_module: bool = False
    """`python -m PROGRAM`."""
    command: tuple[str, ...] = ()
    """The words as typed, of a command or, behind the runtime's name, of a language's own command line. They are what is run; the fields above
    then describe it."""
    pid: int | None = None
    """A process that runs already, to watch instead of starting one; the fields above then describe it."""
    service: Service | None = None
    """A Go service that is followed by its URL, instead of a process that we start or know."""
    force: bool = False
    """Attach also to a JVM that prints a warning about it."""
    runtime: str | None = None
    """The interpreter, `node`, `java` or `go` to use instead of the one found: a path or a name on PATH."""
    runtime_arguments: tuple[str, ...] = ()
    """Options for the runtime itself: the JVM's, `go build`'s."""
    mode: Mode = Mode.CPU
    java_inlined: bool = False
    """The Flight Recorder tells inlined methods from their callers."""
    async_profiler: str | None = None
    """Its library or folder, to sample Java with, or `off`; None: where the user has it."""
    rate_hz: int = 100
    follow_children: bool = True
    report: ReportSettings | None = None
    json_file: Path | None = None
    export_files: tuple[Path, ...] = ()
    history_folder: Path | None = None
    """Where runs are kept for `view`; None: this one is not."""
    summary_json: bool = False
    """The summary goes to stderr as a line of JSON, for scripts."""
    summary_file: Path | None = None
    """That line goes into this file."""
    fail_if: tuple[Threshold, ...] = ()
    screen: bool = False
    quiet: bool = False
    watch: bool = False
    duration_s: float | None = None
    """End the program, or leave the one attached to, after this long."""
    working_folder: Path = Path()
    """Absolute; paths below it are shown relative to it."""

    @property
    def tells_waiting(self) -> bool:
        """Where a sampler can, it tells beside CPU time how long threads waited: for wall time, or for who may look at both."""
        of_both = any(file.name.endswith(ENDINGS_OF_BOTH) for file in self.export_files)
        return self.screen or of_both or self.mode is Mode.WALL

    @property
    def is_attached(self) -> bool:
        """What is profiled runs already, and is not ours to start, to signal or to end."""
        return self.pid is not None or self.service is not None
