"""The command line and the environment: what they mean, and how their mistakes are told."""

from __future__ import annotations

import pytest

from multi_lang_profiler.engine.command.arguments import UsageError
from multi_lang_profiler.engine.command.options import Parsed, make_parser, parse
from multi_lang_profiler.engine.settings import DEFAULT_ENDPOINT, Language, Mode, ReportSettings, Settings

ENDPOINT = "https://backend.example/api/v0/profiles"


def settings(*words: str, **environment: str) -> Settings:
    return parse(words, environment, on_terminal=False).settings


def report(*words: str, **environment: str) -> ReportSettings:
    result = settings("python", "server.py", *words, **environment).report
    assert result is not None
    return result


def mistake(*words: str, **environment: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse(words, environment, on_terminal=False)
    return str(caught.value)


@pytest.mark.parametrize(
    ("words", "language"),
    [
        (("python", "a.py"), Language.PYTHON),
        (("py", "a"), Language.PYTHON),
        (("a.py",), Language.PYTHON),
        (("typescript", "server.js"), Language.TYPESCRIPT),
        (("ts", "a.ts"), Language.TYPESCRIPT),
        (("a.ts",), Language.TYPESCRIPT),
        (("node", "a.mjs"), Language.JAVASCRIPT),
        (("javascript", "a.cjs"), Language.JAVASCRIPT),
        (("js", "a.ts"), Language.TYPESCRIPT),
        (("a.js",), Language.JAVASCRIPT),
        (("java", "app.jar"), Language.JAVA),
        (("app.jar",), Language.JAVA),
        (("Main.java",), Language.JAVA),
        (("go", "./cmd/server"), Language.GO),
        (("main.go",), Language.GO),
    ],
)
def test_language(words, language):
    """The language is the one named, else the one that the file's ending says, in the payload's spelling."""
    assert settings(*words).language is language


def test_own_arguments():
    """Everything behind the first -- belongs to the program, whatever it looks like."""
    parsed = settings("python", "a.py", "--rate", "50", "--", "--rate", "9", "--", "-x")
    assert parsed.arguments == ("--rate", "9", "--", "-x")
    assert parsed.rate_hz == 50


def test_options_stand_anywhere():
    """Before the language, between it and the program, or behind: an option means the same."""
    told = {
        settings(*words)
        for words in (
            ("python", "a.py", "--rate", "50", "--quiet"),
            ("python", "--rate", "50", "a.py", "--quiet"),
            ("--quiet", "--rate=50", "python", "a.py"),
        )
    }
    assert len(told) == 1


def test_module():
    """-m names a Python module, with or without the language before it."""
    for words in (("python", "-m", "http.server"), ("-m", "http.server")):
        parsed = settings(*words, "--", "8000")
        assert (parsed.language, parsed.program, parsed.is_module) == (Language.PYTHON, "http.server", True)


def test_reporting_is_off_by_default():
    """Without an endpoint on the command line or in the environment nothing is reported, whatever else is set."""
    assert settings("a.py", "--report-interval", "60", PROFILER_API_KEY="k").report is None
    assert settings("a.py", PROFILER_ENDPOINT="").report is None


def test_endpoint_without_url_takes_the_default():
    """--report-endpoint alone, at the end or before another word that is no URL, means the default endpoint."""
    assert report("--report-endpoint").endpoint == DEFAULT_ENDPOINT
    assert report("--report-endpoint", "--rate", "5").endpoint == DEFAULT_ENDPOINT
    before = settings("--report-endpoint", "python", "a.py")
    assert before.report
    assert before.report.endpoint == DEFAULT_ENDPOINT
    assert before.program == "a.py"


def test_environment_stands_in_and_the_command_line_wins():
    """Every PROFILER_ variable has the meaning of its option, and an option on the command line wins over it."""
    environment = {
        "PROFILER_ENDPOINT": ENDPOINT,
        "PROFILER_INTERVAL": "60",
        "PROFILER_MAX_BUFFER_SIZE": "7",
        "PROFILER_FORMAT": "json",
        "PROFILER_API_KEY": "from-environment",
    }
    by_environment = report(**environment)
    assert (by_environment.endpoint, by_environment.interval_s, by_environment.max_buffer) == (ENDPOINT, 60, 7)
    assert by_environment.format == "json"
    assert by_environment.api_key
    assert by_environment.api_key.reveal() == "from-environment"
    given = report(
        *("--report-endpoint", "http://127.0.0.1:1/", "--report-interval", "90", "--report-max-buffer", "9"),
        *("--report-format", "protobuf", "--api-key", "given"),
        **environment,
    )
    assert (given.endpoint, given.interval_s, given.max_buffer) == ("http://127.0.0.1:1/", 90, 9)
    assert given.format == "protobuf"
    assert given.api_key
    assert given.api_key.reveal() == "given"


def test_defaults_are_the_documented_ones():
    """Interval, buffer, format, mode and rate are what the documentation says."""
    defaults = report("--report-endpoint", ENDPOINT)
    assert (defaults.interval_s, defaults.max_buffer, defaults.format, defaults.jitter) == (300, 100, "protobuf", 0)
    parsed = settings("a.py")
    assert (parsed.mode, parsed.rate_hz, parsed.screen) == (Mode.CPU, 100, False)


@pytest.mark.parametrize(
    ("option", "variable", "bad"),
    [
        ("--report-interval", "PROFILER_INTERVAL", ["abc", "0", "-5", "nan", "inf", "1e99"]),
        ("--report-max-buffer", "PROFILER_MAX_BUFFER_SIZE", ["0", "1001", "-1", "1.5", "many", "١"]),
        ("--report-format", "PROFILER_FORMAT", ["xml", "JSON"]),
        ("--api-key", "PROFILER_API_KEY", ["sécret\n", "clé-→"]),
        (
            "--report-endpoint",
            "PROFILER_ENDPOINT",
            ["file:///etc/passwd", "ftp://host/", "http://", "http://u:p@host/"],
        ),
    ],
)
def test_bad_report_values_name_their_source(option, variable, bad):
    """A bad value is one line that names the option, or the variable, that brought it; a key is never shown."""
    for value in bad:
        for line in (mistake("a.py", f"{option}={value}"), mistake("a.py", **{variable: value})):
            assert "\n" not in line
            assert line.startswith((f"{option}:", f"{variable}:"))
            if option == "--api-key":
                assert value not in line


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "no program given"),
        (("python",), "no program given"),
        (("a.py", "--unknown"), "unknown option '--unknown'; the program's own arguments go behind --"),
        (("a.py", "b"), "unexpected argument 'b'; the program's own arguments go behind --"),
        (("a.py", "--rate", "0"), "--rate: '0' is not a whole number from 1 to 10000"),
        (("a.py", "--rate", "x"), "--rate"),
        (("a.py", "--mode", "idle"), "--mode"),
        (("a.py", "--duration", "-1"), "--duration"),
        (("a.py", "--json", "/no/such/folder/x.json"), "--json: the folder '/no/such/folder' does not exist"),
        (("a.py", "--json", "/"), "--json: '/' is a folder"),
        (("a.py", "--label", "x"), "--label: 'x' is not of the form NAME=VALUE"),
        (("a.py", "--label", "=x"), "--label: '=x' is not of the form NAME=VALUE"),
        (("a.py", "--label", f"n={'v' * 513}"), "--label: 'n' or its value is longer than 512 characters"),
        (("a.py", "--spool", "/etc/passwd"), "--spool: '/etc/passwd' is not a folder"),
        (("a.py", "--spool", "/tmp", "--no-spool"), "--spool and --no-spool exclude each other"),
        (("a.py", "--java-inlined"), "--java-inlined is for Java, and this is Python"),
        (
            ("A.java", "--java-inlined", "--mode", "wall"),
            "--java-inlined and --mode wall exclude each other: it is CPU time that is told apart",
        ),
        (("-m", "x", "java"), "-m runs a Python module"),
        (("a.py", "--report-j", "1"), "unknown option '--report-j'"),
        (("a.py", "--report-jitter", "1.5"), "--report-jitter: 1.5 is not between 0 and 1"),
    ],
)
def test_mistakes_are_one_clear_line(words, says):
    """Every other mistake is one line that names the word at fault and what to do."""
    line = mistake(*words)
    assert says in line
    assert "\n" not in line


def test_labels_take_a_thousand_bytes():
    """Labels of 1,000 bytes in JSON are taken as they are; one byte more is refused with the number, nothing is cut silently."""

    def labels(last: str) -> list[str]:
        return ["--label", f"a={'é' * 246}", "--label", f"b={last}"]

    fits = "v" * 494  # "a":"éé…", takes 7 + 2 * 246 bytes, and "b":"vv…", 7 + 494
    found = report("--report-endpoint", ENDPOINT, *labels(fits)).labels
    assert found == (("a", "é" * 246), ("b", fits))
    assert mistake("a.py", *labels(fits + "v")) == (
        "--label: the labels take 1,001 bytes; a profile carries at most 1,000"
    )


def test_warnings():
    """A short interval, and a key over plain http to another machine, are accepted with a warning."""

    def warnings(*words: str) -> Parsed:
        return parse(("a.py", *words), {}, on_terminal=False)

    assert "5 seconds" in warnings("--report-endpoint", ENDPOINT, "--report-interval", "5").warnings[0]
    assert "http" in warnings("--report-endpoint", "http://backend.example/", "--api-key", "k").warnings[0]
    assert warnings("--report-endpoint", "http://127.0.0.1:9/", "--api-key", "k").warnings == ()
    assert warnings("--report-endpoint", ENDPOINT, "--api-key", "k").warnings == ()


def test_the_key_is_in_no_repr():
    """Settings can be printed in a traceback or a log without giving the key away."""
    assert "s3cret" not in repr(report("--report-endpoint", ENDPOINT, "--api-key", "s3cret"))


def test_screen_only_on_a_terminal():
    """The screen comes on a terminal unless it is refused; elsewhere a run is headless."""

    def screen(*words: str, terminal: bool) -> bool:
        return parse(("a.py", *words), {}, on_terminal=terminal).settings.screen

    assert screen(terminal=True)
    assert not screen(terminal=False)
    assert not screen("--no-tui", terminal=True)
    assert not screen("--quiet", terminal=True)


def test_every_option_has_help(capsys):
    """--help names every option with a text, and ends with status 0."""
    with pytest.raises(SystemExit) as ended:
        parse(("--help",), {}, on_terminal=False)
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for action in make_parser()._actions:
        for option in action.option_strings:
            assert option in text
            assert action.help


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--pprof", "ftp://h/"), "--pprof: the URL must begin with http:// or https://, not ftp:"),
        (("--pprof", "unix:/run/x"), "--pprof: the URL must begin with http:// or https://, not unix:"),
        (("--pprof", "http://u:secret@/x"), "--pprof: the URL names no host"),
        (("--pprof", "http://h", "python"), "--pprof follows a Go service that is running already; name no other"),
        (("--pprof", "http://h", "--pid", "1"), "--pprof follows a Go service that is running already; name no other"),
        (("--pprof", "http://h", "--watch"), "--pprof and --watch exclude each other"),
        (("--pprof", "http://h", "--pprof-header", "X"), "--pprof-header: a header is given as NAME=VALUE"),
        (("--pprof", "http://h", "--pprof-header", "X=\nsecret"), "--pprof-header: the value of the header X is empty"),
        (("a.py", "--pprof-header", "X=y"), "--pprof-header goes with --pprof"),
    ],
)
def test_mistakes_about_a_service_are_told_without_its_secrets(words, line):
    told = mistake(*words)
    assert told.startswith(line)
    assert "secret" not in told


def test_a_service_is_named_by_what_can_be_shown():
    """User and password become a header, a query is kept apart; the program's name is host and port."""
    read = settings("--pprof", "https://admin:s3cret@h:6060/x?token=y")
    assert read.service
    assert (read.language, read.program, read.service.url) == (Language.GO, "h:6060", "https://h:6060/x")
    assert "s3cret" not in repr(read)
    assert [(name, value.reveal()) for name, value in read.service.headers] == [
        ("Authorization", "Basic YWRtaW46czNjcmV0")
    ]
    assert read.is_attached
