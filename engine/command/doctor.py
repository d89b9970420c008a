"""`multi_lang_profiler doctor`: is everything there that profiling and reporting need, and what is to be done if not."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from ..private import cache_folder, state_folder
from ..reporting.sender import UNREAD
from ..reporting.spool_folder import SET_ASIDE, entries_aside
from ..samplers.sampler import CannotStart
from ..settings import COMMAND, Language, Settings
from ..text import reason, say
from .arguments import UsageError, UsageParser
from .options import add_reporting, report_settings, with_default_endpoint
from .words import LANGUAGES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Coroutine, Sequence

    from ..reporting.answer import Answer
    from ..reporting.transport import HttpTransport
    from ..settings import ReportSettings

_ASK_DEADLINE_S = 20.0
_TRIAL_S = 0.5
_TRIAL_DEADLINE_S = 20.0
_PYTHON_NAME = re.compile(r"(python|pypy|graalpy)3\.\d+")
_MIN_FREE_BYTES = 100 * 2**20
_TRIAL = f"""\
import time
until = time.process_time() + {_TRIAL_S}
while time.process_time() < until:
    sum(range(1000))
"""


class Health(StrEnum):
    """The values are the signs they are printed with."""

    GOOD = "✓"
    NOTED = "–"
    """Not as it could be, but nobody asked for it."""
    BAD = "✗"


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    health: Health
    text: str
    """What there is; if it is not good, what to do."""

    @property
    def line(self) -> str:
        return f"{self.health} {self.subject:<12}{self.text}"


def run(argv: Sequence[str]) -> int:
    """0 if all that was asked for works, else 1."""
    options = parser().parse_args(with_default_endpoint(list(argv)))
    wanted = {_language(name) for name in options.languages}
    report, warnings = report_settings(options, os.environ)
    findings = asyncio.run(_findings(wanted, report))
    for finding in findings:
        say(finding.line)
    for warning in warnings:
        say(f"⚠️ {warning}")
    return 1 if any(finding.health is Health.BAD for finding in findings) else 0


def parser() -> argparse.ArgumentParser:
    parser = UsageParser(
        prog=f"{COMMAND} doctor",
        description="Check what profiling and reporting need here, and say what to do about what is missing. Ends with 1 if "
        "something that was asked for does not work: a language that is named, the endpoint, the spool.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "languages", metavar="LANGUAGE", nargs="*", help="must work: python, typescript, javascript, java or go"
    )
    add_reporting(parser)
    return parser


async def _findings(wanted: set[Language], report: ReportSettings | None) -> list[Finding]:
    checks: list[Coroutine[None, None, list[Finding]]] = [
        _runtime("Python", {Language.PYTHON} & wanted, _python()),
        _runtime("Node.js", {Language.JAVASCRIPT, Language.TYPESCRIPT} & wanted, _node()),
        _runtime("Java", {Language.JAVA} & wanted, _java()),
        _runtime("Go", {Language.GO} & wanted, _go()),
        _austin(),
        _other_pythons(),
        _sampling(must_work=Language.PYTHON in wanted),
        _endpoint(report),
    ]
    found = [finding for findings in await asyncio.gather(*checks) for finding in findings]
    return [*found, *_folders(report), _terminal()]


def _language(name: str) -> Language:
    language = LANGUAGES.get(name.lower())
    if language is None:
        raise UsageError(f"{name!r} is no language; name python, typescript, javascript, java or go")
    return language


async def _runtime(subject: str, wanted: set[Language], check: Coroutine[None, None, str]) -> list[Finding]:
    try:
        return [Finding(subject, Health.GOOD, await check)]
    except CannotStart as error:
        return [Finding(subject, Health.BAD if wanted else Health.NOTED, str(error))]


async def _python() -> str:
    from ..samplers.python.launch import python_launch  # noqa: PLC0415 - what a check needs is its own

    interpreter = python_launch(_trial(Path(__file__)), os.environ).argv[0]
    return f"{await _version(interpreter, '-V')} ({interpreter})"


async def _node() -> str:
    from ..samplers.node.launch import OLDEST_SAMPLED  # noqa: PLC0415

    node = shutil.which("node")
    if node is None:
        raise CannotStart("Node.js was not found on PATH; install it or name it with --node")
    version = await _version(node, "--version")
    number = re.match(r"v(\d+)", version)
    if number and int(number[1]) < OLDEST_SAMPLED:
        raise CannotStart(f"Node.js {version} is too old to be sampled: install {OLDEST_SAMPLED} or newer ({node})")
    return f"Node.js {version} ({node})"


async def _java() -> str:
    from ..samplers.java.runtime import find_java  # noqa: PLC0415

    java = await find_java(None, os.environ)
    if java.missing_modules:
        raise CannotStart(f"{java.executable} was linked without {', '.join(java.missing_modules)}; use a whole JDK")
    if java.javac() is None:
        raise CannotStart(f"{java.executable} is there, but no javac: install a JDK (Debian: default-jdk-headless)")
    return f"Java {java.version} with {java.javac()} ({java.executable})"


async def _go() -> str:
    go = shutil.which("go")
    if go is None:
        raise CannotStart("Go was not found on PATH; install it or name it with --go")
    return f"{(await _version(go, 'version')).removeprefix('go version ')} ({go})"


async def _version(program: str, option: str) -> str:
    """What `program` says of itself. Raises `CannotStart` where it does not."""
    try:
        asked = await asyncio.create_subprocess_exec(
            program,
            option,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError as error:
        raise CannotStart(f"{program} cannot be started: {reason(error)}") from None
    try:
        said = (await asyncio.wait_for(asked.communicate(), _ASK_DEADLINE_S))[0].decode(errors="replace").strip()
    except TimeoutError:
        asked.kill()
        await asked.wait()
        raise CannotStart(f"{program} {option} does not answer") from None
    if asked.returncode:
        raise CannotStart(f"{program} {option} ends with status {asked.returncode}: {said.partition(chr(10))[0]}")
    return said.partition("\n")[0]


async def _austin() -> list[Finding]:
    from ..samplers.python.austin import installed_austins  # noqa: PLC0415

    # Our own reader needs nothing installed; the last trial shows whether it works here.
    found, unusable = await installed_austins()
    lines = [
        Finding(
            "Austin",
            Health.GOOD,
            f"{austin} is in reserve, for builds of Python {_span(austin.pythons)} that we cannot read ({austin.path})",
        )
        for austin in found
    ]
    return [*lines, *(Finding("Austin", Health.NOTED, why) for why in unusable)]


async def _other_pythons() -> list[Finding]:
    """The interpreters on PATH that a program may be run with, but not sampled; what each is, its name tells."""
    from ..samplers.python.interpreter import named_interpreter  # noqa: PLC0415
    from ..samplers.python.layout import NEWEST, OLDEST  # noqa: PLC0415

    found = []
    for path in _pythons_on_path():
        interpreter = named_interpreter(path.name)
        if interpreter is None or interpreter.version is None:
            continue
        if interpreter.implementation != "CPython" or not OLDEST <= interpreter.version <= NEWEST:
            why = f"CPython {_span((OLDEST, NEWEST))} can be; name one with --python"
            found.append(Finding("Python", Health.NOTED, f"{path} ({interpreter}) cannot be sampled: {why}"))
    return found


def _pythons_on_path() -> list[Path]:
    """`python3.14`, `pypy3.10` and their like, each name as the shell would find it."""
    names: dict[str, Path] = {}
    for folder in os.get_exec_path():
        with contextlib.suppress(OSError):
            for path in sorted(Path(folder).iterdir()):
                if _PYTHON_NAME.fullmatch(path.name) and os.access(path, os.X_OK) and path.is_file():
                    names.setdefault(path.name, path)
    return list(names.values())


async def _sampling(*, must_work: bool) -> list[Finding]:
    """Sample a Python program for real: only that shows that the kernel and the container let us."""
    from ..clock import SystemClock  # noqa: PLC0415
    from ..engine import Engine  # noqa: PLC0415
    from ..samplers.python.interpreter import why_strangers_are_closed  # noqa: PLC0415

    said: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(
            _trial(_write_trial(Path(folder))),
            SystemClock(),
            lambda event: said.append(event.line) if event.is_warning else None,
        )
        try:
            async with asyncio.timeout(_TRIAL_DEADLINE_S):
                await engine.run()
        except TimeoutError:
            said.append(f"the trial did not end within {_TRIAL_DEADLINE_S:g} seconds")
    snapshot = engine.snapshot()
    samples = snapshot.counts.total if snapshot else 0
    if samples:
        trial = Finding("Sampling", Health.GOOD, f"{samples} samples of a Python that ran for {_TRIAL_S:g} s")
    else:
        why = said[-1].removeprefix("⚠️ ") if said else "a Python that was busy gave no samples"
        trial = Finding("Sampling", Health.BAD if must_work else Health.NOTED, why)
    closed = why_strangers_are_closed()
    attach = Finding(
        "Attaching",
        Health.NOTED if closed else Health.GOOD,
        f"not to running programs (--pid): {closed}" if closed else "to running Pythons of this user (--pid)",
    )
    return [trial, attach]


async def _endpoint(report: ReportSettings | None) -> list[Finding]:
    if report is None:
        return [Finding("Endpoint", Health.NOTED, "none: nothing is reported (PROFILER_ENDPOINT, --report-endpoint)")]
    from ..reporting.transport import HttpTransport, TransportError  # noqa: PLC0415

    transport = HttpTransport.of(report)
    began_s = time.monotonic()
    try:
        answer = await _send_nothing(transport, report, report.format)
        took_ms = 1_000 * (time.monotonic() - began_s)
        if answer.is_delivery:
            text = (
                f"{report.endpoint} takes an empty {report.format} report {_access(report)} "
                f"(HTTP {answer.status}, {took_ms:.0f} ms{', gzip' if transport.packs else ''})"
            )
            return [Finding("Endpoint", Health.GOOD, text)]
        advice = ""
        if report.format == "protobuf" and answer.status in UNREAD:
            in_json = await _send_nothing(transport, report, "json")
            advice = (
                "; it takes JSON: use --report-format json"
                if in_json.is_delivery
                else "; it may not read protobuf, but does not take JSON, either"
            )
    except TransportError as error:
        return [Finding("Endpoint", Health.BAD, f"{report.endpoint} {_access(report)}: {error}")]
    finally:
        transport.close()
    return [Finding("Endpoint", Health.BAD, f"{report.endpoint} {_access(report)} answers {answer.error}{advice}")]


async def _send_nothing(transport: HttpTransport, report: ReportSettings, wire_format: str) -> Answer:
    """The answer to a report of no profiles. Raises `TransportError`."""
    from ..formats.wire import FORMATS  # noqa: PLC0415

    wire = FORMATS[wire_format]
    return await transport.post(wire.join((), datetime.now(UTC)), wire.content_type, report.attempt_deadline_s)


def _access(report: ReportSettings) -> str:
    """How it is asked, without what is secret."""
    from ..reporting.failure import proxy_of  # noqa: PLC0415

    access = report.access
    parts = [
        f"with the key of {access.key_file}"
        if access.key_file
        else "with the key"
        if report.api_key
        else "without a key"
    ]
    if access.headers:
        parts.append(f"the headers {', '.join(name for name, _ in access.headers)}")
    if access.client_cert:
        parts.append(f"the certificate {access.client_cert}")
    if access.ca_file:
        parts.append(f"the authorities of {access.ca_file}")
    if proxy := proxy_of(report.endpoint):
        parts.append(f"the proxy of {proxy}")
    return ", ".join(parts)


def _folders(report: ReportSettings | None) -> list[Finding]:
    spool, why_not = report.spool_folder if report else None, "--no-spool"
    if spool is None:
        try:
            spool = None if report else state_folder()
        except OSError as error:
            why_not = str(error)
    found = []
    if spool is None:
        found.append(
            Finding("Spool", Health.NOTED, f"off: what is undelivered at the end of a run is lost ({why_not})")
        )
    else:
        waiting, aside = len(list(spool.glob("*/*/*.profile"))), len(entries_aside(spool / SET_ASIDE))
        more = f", {waiting} profiles wait there" if waiting else ""
        more += f", {aside} are set aside ({COMMAND} spool)" if aside else ""
        found.append(_folder("Spool", spool, more, must_work=report is not None))
    try:
        found.append(_folder("Cache", cache_folder(), "", must_work=False))
    except OSError as error:
        found.append(Finding("Cache", Health.NOTED, f"none, so starts take longer: {error}"))
    return found


def _folder(subject: str, folder: Path, more: str, *, must_work: bool) -> Finding:
    there = next(place for place in (folder, *folder.parents) if place.exists())
    bad = Health.BAD if must_work else Health.NOTED
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Finding(subject, bad, f"{there} cannot be written: change its rights, or name another folder")
    free = shutil.disk_usage(there).free
    if free < _MIN_FREE_BYTES:
        return Finding(subject, bad, f"{folder}: only {free >> 20} MB are free on that disk")
    return Finding(subject, Health.GOOD, f"{folder}{more}")


def _terminal() -> Finding:
    name = os.environ.get("TERM", "")
    if not sys.stdout.isatty():
        return Finding("Terminal", Health.NOTED, "none: programs run without a screen here")
    if name in ("", "dumb"):
        return Finding("Terminal", Health.NOTED, f"TERM is {name!r}: no screen; set it to xterm-256color")
    size = os.get_terminal_size(sys.stdout.fileno())
    many = os.environ.get("COLORTERM") in ("truecolor", "24bit")
    colours = (
        "none (NO_COLOR)" if os.environ.get("NO_COLOR") else "16 million" if many else "256" if "256" in name else "16"
    )
    advice = [
        *(["80×24 or more shows more"] if size.columns < 80 or size.lines < 24 else []),
        *(["set LANG=C.UTF-8 for bars and lines"] if (sys.stdout.encoding or "").lower() != "utf-8" else []),
    ]
    text = "; ".join([f"{size.columns}×{size.lines}, {name}, colours: {colours}", *advice])
    return Finding("Terminal", Health.NOTED if advice else Health.GOOD, text)


def _write_trial(folder: Path) -> Path:
    program = folder / "trial.py"
    program.write_text(_TRIAL)
    return program


def _trial(program: Path) -> Settings:
    return Settings(Language.PYTHON, str(program), quiet=True, working_folder=program.parent)


def _span(pythons: tuple[tuple[int, int], tuple[int, int]]) -> str:
    return " to ".join(f"{major}.{minor}" for major, minor in pythons)
