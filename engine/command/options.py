"""The command line and the environment, read into `Settings`. Every mistake is one clear line."""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..private import history_folder, state_folder
from ..reporting.endpoint import check_endpoint, check_key, warn_key_over_plain_http
from ..settings import AGENT_VERSION, COMMAND, DEFAULT_ENDPOINT, Language, Mode, ReportSettings, Settings
from .access_options import access_settings, add_access
from .arguments import UsageError, UsageParser
from .java_options import add_java, async_profiler, java_inlined
from .service_options import add_service, service_settings
from .words import USAGES, part_words, read_subject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeVar

    from ..settings import Threshold

    T = TypeVar("T")

RECOMMENDED_INTERVAL_S = 30.0
FORMATS = ("json", "protobuf", "pyroscope", "otlp")
"""The names of `wire.FORMATS`; that module is not loaded before the program has started."""
_DESCRIPTION = """\
Runs a Python, TypeScript/JavaScript, Java or Go program unchanged, shows live where its time goes, and reports profiles
to a backend without losing one. LANGUAGE is python, typescript, javascript (or py, ts, js, node), java or go; it may be
left out where the file's ending says it. Or runs any COMMAND, and profiles every such program under it: then all words from
the command on are the command's. So are those behind LANGUAGE from the runtime's own options on (java -jar app.jar)."""
_EXAMPLES = f"""\
examples:
  {COMMAND} python server.py                       watch a program in the terminal
  {COMMAND} python -m http.server -- 8000          a module, with arguments of its own
  {COMMAND} java MyApp.java --json run.json        save the whole run's profile
  {COMMAND} npm run dev                            any command, with every program that it starts
  {COMMAND} --no-tui -- make bench                 the same; -- where its name could be taken for something else
  {COMMAND} go test -bench . ./pkg                 a language's own command line
  {COMMAND} --pid 4711                             watch a Python or Java program that runs already
  {COMMAND} --pprof http://127.0.0.1:6060          follow a Go service by its net/http/pprof
  {COMMAND} python job.py --fail-if 'parse>40%'    end with 3 if parse() takes more than that
  {COMMAND} typescript server.js --no-tui --report-endpoint https://backend.example/api/v0/profiles
                                                          a quiet agent that reports each 5 minutes

more commands, each with a --help of its own:
  demo                see all of it at work: a small program, a backend, an outage
  view FILE [LATER]   open a saved run, or the difference of two
  doctor              check what profiling and reporting need here
  receive             a backend on this machine, to try reporting with
  mark [NAME]         mark this moment in the runs that are going on
  join [PID]          show a run that goes on elsewhere, on a screen here
  spool               list, send, drop or export what could not be delivered
  completion SHELL    completion for bash, fish or zsh

environment:
  PROFILER_ENDPOINT, PROFILER_INTERVAL, PROFILER_MAX_BUFFER_SIZE, PROFILER_FORMAT and PROFILER_API_KEY stand in for
  the --report-… options and --api-key; an option on the command line wins. PROFILER_API_KEY is the safe place for a
  key: a command line can be read by every user of the machine."""


class Parsed(NamedTuple):
    """What the words come to, and what to warn of."""

    settings: Settings
    warnings: tuple[str, ...] = ()


def parse(argv: Sequence[str], environment: Mapping[str, str], *, on_terminal: bool) -> Parsed:
    """Settings from the words behind the command's name. `on_terminal`: a screen could be shown.

    Raises `UsageError`; `--help` and `--version` print and raise `SystemExit(0)`.
    """
    parser = make_parser()
    words = part_words(argv, takes_value(parser))
    parser.takes_arguments = not {"--pid", "--pprof"} & set(words.ours)
    options = parser.parse_intermixed_args(with_default_endpoint(words.ours))
    service = service_settings(options, environment)
    subject = read_subject(options, words)
    language = subject.language
    runtime_arguments = _runtime_arguments(options, language)
    report, warnings = report_settings(options, environment)
    settings = Settings(
        language=language,
        program=subject.program,
        arguments=subject.arguments,
        is_module=subject.is_module,
        command=(*runtime_arguments, *subject.command) if subject.command else (),
        pid=options.pid,
        service=service,
        force=options.force,
        runtime=_runtime(options, language),
        runtime_arguments=(*runtime_arguments, *subject.runtime_arguments),
        mode=Mode(options.mode),
        java_inlined=java_inlined(options, language),
        async_profiler=async_profiler(options, language),
        rate_hz=options.rate,
        follow_children=not options.no_children,
        report=report,
        json_file=_writable(options.json, "--json"),
        export_files=tuple(_export_file(file) for file in options.export),
        history_folder=None if options.no_history else history_folder(),
        screen=on_terminal and not options.no_tui and not options.quiet,
        quiet=options.quiet,
        watch=options.watch,
        duration_s=options.duration,
        summary_json=options.summary == "json",
        summary_file=_writable(options.summary if options.summary != "json" else None, "--summary"),
        fail_if=tuple(_threshold(text) for text in options.fail_if),
        working_folder=subject.working_folder,
    )
    return Parsed(settings, warnings)


def make_parser() -> UsageParser:
    parser = UsageParser(
        prog=COMMAND,
        usage="\n       ".join(USAGES),
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)

    group = parser.add_argument_group("the program")
    group.add_argument(
        "--pid",
        metavar="PID",
        type=_pid,
        help="watch a Python or Java program that is running already, instead of starting one; it is left as it was",
    )
    group.add_argument(
        "--force",
        action="store_true",
        help="attach also to a Java (21 and newer) that prints a warning about it: with --pid, and under a command",
    )
    add_service(group)
    group.add_argument("-m", dest="module", metavar="MODULE", help="run a Python module, as python -m does")
    group.add_argument(
        "--python", metavar="PATH", help="the interpreter (default: $VIRTUAL_ENV's, else python3 on PATH)"
    )
    group.add_argument("--node", metavar="PATH", help="the Node.js to use (default: node on PATH)")
    group.add_argument("--java", metavar="PATH", help="the JVM to use (default: $JAVA_HOME's, else java on PATH)")
    group.add_argument("--go", metavar="PATH", help="the Go command to use (default: go on PATH)")
    for runtime, what in (("python", "the interpreter"), ("node", "Node.js"), ("java", "the JVM"), ("go", "go build")):
        group.add_argument(
            f"--{runtime}-arg",
            metavar="ARG",
            action="append",
            default=[],
            help=f"an option for {what}; may be repeated",
        )
    group.add_argument(
        "--watch", action="store_true", help="start the program again whenever one of its source files changes"
    )
    group.add_argument(
        "--duration",
        metavar="SECS",
        type=_seconds,
        help="end the program, or leave the one of --pid or --pprof, after this long",
    )

    group = parser.add_argument_group("sampling")
    group.add_argument(
        "--mode",
        choices=[mode.value for mode in Mode],
        default="cpu",
        help="what samples are of: time on the CPU, or all time (default: cpu); of Python and Node.js, W on the screen shows the other, too",
    )
    group.add_argument(
        "--rate", metavar="HZ", type=_rate, default=100, help="samples per second and thread, 1 to 10000 (default: 100)"
    )
    add_java(group)
    group.add_argument(
        "--no-children", action="store_true", help="leave out the processes and workers the program starts"
    )

    add_reporting(parser)

    group = parser.add_argument_group("output")
    group.add_argument("--json", metavar="FILE", help="save the whole run's profile as JSON")
    group.add_argument(
        "--export",
        metavar="FILE",
        action="append",
        default=[],
        help="save the run as .html (a page for any browser), .speedscope.json, .firefox.json (Firefox Profiler), .pb.gz (pprof), .folded or .json",
    )
    group.add_argument(
        "--no-history", action="store_true", help="do not keep this run; else view shows the last 20 when given no file"
    )
    group.add_argument(
        "--summary",
        metavar="json|FILE",
        help="json: the summary as a line of JSON, the last on stderr; FILE: that line into a file",
    )
    group.add_argument(
        "--fail-if",
        metavar="NAME>NUM%",
        action="append",
        default=[],
        help="end with 3 if the program ended with 0, but this function's share is more than that: of self time, or of "
        "total time as total:NAME>NUM%%; unseen>NUM%%: the share of the CPU time that is in no function; may be repeated",
    )
    group.add_argument(
        "--no-tui", action="store_true", help="no screen: lines on stderr, the program's output untouched"
    )
    group.add_argument("--quiet", action="store_true", help="no screen, warnings only")
    group.add_argument(
        "--version", action="version", version=f"{COMMAND} {AGENT_VERSION}", help="print the version and end"
    )
    group.add_argument("-h", "--help", action="help", help="print this and end")
    return parser


def add_reporting(parser: argparse.ArgumentParser) -> None:
    """The options that `report_settings` reads."""
    group = parser.add_argument_group("reporting (off unless an endpoint is given)")
    group.add_argument(
        "--report-endpoint", metavar="URL", help=f"where to POST profiles; without URL: {DEFAULT_ENDPOINT}"
    )
    group.add_argument("--report-interval", metavar="SECS", help="time between reports (default: 300)")
    group.add_argument(
        "--report-max-buffer",
        metavar="NUM",
        help="profiles kept while the backend is away, 1 to 1000; the oldest is discarded (default: 100)",
    )
    group.add_argument("--report-format", metavar="FORMAT", help=f"{' or '.join(FORMATS)} (default: protobuf)")
    group.add_argument(
        "--report-jitter", metavar="FRACTION", help="spread reports over this part of the interval, 0 to 1 (default: 0)"
    )
    group.add_argument("--api-key", metavar="KEY", help="sent as Authorization: Bearer KEY; better in PROFILER_API_KEY")
    add_access(group)
    group.add_argument(
        "--label", metavar="NAME=VALUE", action="append", default=[], help="sent with every profile; may be repeated"
    )
    group.add_argument(
        "--spool",
        metavar="DIR",
        help="where undelivered profiles outlive us (default: $XDG_STATE_HOME/multi_lang_profiler)",
    )
    group.add_argument("--no-spool", action="store_true", help="keep undelivered profiles in memory only")


def takes_value(parser: argparse.ArgumentParser) -> dict[str, bool]:
    """For each option of the parser's whether a value follows it."""
    # argparse has no public way to ask.
    return {name: action.nargs != 0 for action in parser._actions for name in action.option_strings}  # noqa: SLF001


def with_default_endpoint(words: list[str]) -> list[str]:
    """`--report-endpoint` alone means the default; what follows it is its URL only if it looks like one."""
    result: list[str] = []
    for at, word in enumerate(words):
        result.append(word)
        if word == "--report-endpoint" and (at + 1 == len(words) or not _is_url(words[at + 1])):
            result[-1] = f"--report-endpoint={DEFAULT_ENDPOINT}"
    return result


def _is_url(word: str) -> bool:
    return "://" in word or word.startswith("unix:")


def _runtime_name(language: Language) -> str:
    return "node" if language in (Language.JAVASCRIPT, Language.TYPESCRIPT) else language.value.lower()


def _runtime(options: argparse.Namespace, language: Language | None) -> str | None:
    if language is None:
        _refuse_runtime_options(options)
        return None
    runtime: str | None = getattr(options, _runtime_name(language))
    return runtime


def _refuse_runtime_options(options: argparse.Namespace) -> None:
    """A command finds its runtimes itself, and what it starts is what is wanted of it."""
    if options.no_children:
        raise UsageError(
            "--no-children goes with a program of one language; of a command all that it starts is profiled"
        )
    for runtime in ("python", "node", "java", "go"):
        if getattr(options, runtime) is not None:
            raise UsageError(f"--{runtime} goes with a program of one language; a command names its own runtime")
        if getattr(options, f"{runtime}_arg"):
            raise UsageError(f"--{runtime}-arg goes with a program of one language; give it in the command itself")


def _runtime_arguments(options: argparse.Namespace, language: Language | None) -> tuple[str, ...]:
    return () if language is None else tuple(getattr(options, f"{_runtime_name(language)}_arg"))


def report_settings(
    options: argparse.Namespace, environment: Mapping[str, str]
) -> tuple[ReportSettings | None, tuple[str, ...]]:
    """Settings from the options of `add_reporting` and the variables that stand in for them; and what to warn of."""

    def value(option: str, variable: str, read: Callable[[str], T], default: T) -> T:
        given, name = getattr(options, option.removeprefix("--").replace("-", "_")), option
        if given is None:
            given, name = environment.get(variable) or None, variable
        if given is None:
            return default
        try:
            return read(given)
        except ValueError as error:
            raise UsageError(f"{name}: {error}") from None

    endpoint = value("--report-endpoint", "PROFILER_ENDPOINT", check_endpoint, "")
    interval_s = value("--report-interval", "PROFILER_INTERVAL", _interval, 300.0)
    max_buffer = value("--report-max-buffer", "PROFILER_MAX_BUFFER_SIZE", _buffer_size, 100)
    wire_format = value("--report-format", "PROFILER_FORMAT", _format, "protobuf")
    access = access_settings(options, environment)
    key = None if access.key_file else value("--api-key", "PROFILER_API_KEY", check_key, None)
    jitter = value("--report-jitter", "PROFILER_JITTER", _fraction, 0.0)
    labels = _labels(options.label)
    spool, without_spool = _spool_folder(options)
    if not endpoint:
        return None, ()
    warnings = []
    if interval_s < RECOMMENDED_INTERVAL_S:
        warnings.append(
            f"A report interval of {interval_s:g} seconds is short; {RECOMMENDED_INTERVAL_S:g} or more is recommended"
        )
    if warning := warn_key_over_plain_http(endpoint, bool(key or access.key_file or access.headers)):
        warnings.append(warning)
    if without_spool:
        warnings.append(without_spool)
    report = ReportSettings(
        endpoint,
        interval_s,
        max_buffer,
        wire_format,
        key,
        jitter=jitter,
        spool_folder=spool,
        labels=labels,
        access=access,
    )
    return report, tuple(warnings)


def _spool_folder(options: argparse.Namespace) -> tuple[Path | None, str]:
    """The folder, or none and why there is none although one is wanted."""
    if options.no_spool:
        if options.spool is not None:
            raise UsageError("--spool and --no-spool exclude each other")
        return None, ""
    if options.spool is not None:
        if not options.spool or (Path(options.spool).exists() and not Path(options.spool).is_dir()):
            raise UsageError(f"--spool: {options.spool!r} is not a folder")
        return Path(options.spool).absolute(), ""
    try:
        return state_folder(), ""
    except OSError as error:
        return None, f"Undelivered profiles are kept in memory only: {error}, or name a folder with --spool"


def _format(text: str) -> str:
    if text not in FORMATS:
        raise ValueError(f"{text!r} is no format; use {' or '.join(FORMATS)}")
    return text


def _number(text: str, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not a number of {what}")
    return number


def _interval(text: str) -> float:
    number = _number(text, "seconds")
    if not 0.1 <= number <= 31_536_000:
        raise ValueError(f"{text} seconds is out of range; use 0.1 to 31536000 (30 or more is recommended)")
    return number


def _buffer_size(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 1000:
        raise ValueError(f"{text!r} is not a whole number from 1 to 1000")
    return int(text)


def _fraction(text: str) -> float:
    number = _number(text, "fractions")
    if not 0 <= number <= 1:
        raise ValueError(f"{text} is not between 0 and 1")
    return number


def _seconds(text: str) -> float:
    try:
        number = _number(text, "seconds")
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if number <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not more than 0 seconds")
    return number


def _pid(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is not a process id")
    return int(text)


def _threshold(text: str) -> Threshold:
    from ..analysis.threshold import parse_threshold  # noqa: PLC0415 - most runs have none

    try:
        return parse_threshold(text)
    except ValueError as error:
        raise UsageError(f"--fail-if: {error}") from None


def _rate(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 10000")
    return int(text)


def _labels(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    if not texts:
        return ()
    from ..profile.profile import LABELS_BUDGET_BYTES, label_size_bytes  # noqa: PLC0415 - most runs have no labels
    from ..profile.stacks import MAX_NAME_LENGTH  # noqa: PLC0415

    labels = tuple(map(_label, texts))
    for name, label in labels:
        if max(len(name), len(label)) > MAX_NAME_LENGTH:
            raise UsageError(f"--label: {name[:40]!r} or its value is longer than {MAX_NAME_LENGTH} characters")
    size_bytes = sum(label_size_bytes(*label) for label in labels)
    if size_bytes > LABELS_BUDGET_BYTES:
        raise UsageError(
            f"--label: the labels take {size_bytes:,} bytes; a profile carries at most {LABELS_BUDGET_BYTES:,}"
        )
    return labels


def _label(text: str) -> tuple[str, str]:
    name, equals, label = text.partition("=")
    if not (name and equals):
        raise UsageError(f"--label: {text!r} is not of the form NAME=VALUE")
    return name, label


def _writable(file: str | None, option: str) -> Path | None:
    """The path to write at the end of the run; what would fail then is refused now."""
    if file is None:
        return None
    path = Path(file).absolute()
    if not file or path.is_dir():
        raise UsageError(f"{option}: {file!r} is a folder; name a file in it")
    if path.exists() and not path.is_file() and os.access(path, os.W_OK):
        return path  # a pipe or a device, /dev/fd/3 say
    if not path.parent.is_dir():
        raise UsageError(f"{option}: the folder {str(path.parent)!r} does not exist")
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise UsageError(f"{option}: {file!r} cannot be written: permission denied")
    return path


def _export_file(file: str) -> Path:
    from ..formats.files import check_ending  # noqa: PLC0415

    path = _writable(file, "--export")
    assert path is not None, "given a file, it gives a path"
    try:
        check_ending(path)
    except ValueError as error:
        raise UsageError(f"--export: {error}") from None
    return path
