"""What a terminal is given: every line one line, nothing in it that the terminal would obey; and no other way to it."""

from __future__ import annotations

import ast
import io
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.reporting.events import ReportFailed
from multi_lang_profiler.engine.text import printable, printable_json, say, short

ENGINE = Path(__file__).parent.parent / "engine"
PRINTERS = {"text.py", "analysis/headless.py", "command/demo_shop.py"}
"""Who may print: the helper, who prints events by it, and the demo's profiled program."""


@given(st.text())
def test_printable_is_one_harmless_line(text):
    """Nothing is left that moves a cursor, ends a line or turns what stands beside it; what is harmless stays as it is."""
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    if text.isprintable():
        assert shown == text


@given(st.text(), st.text())
def test_printable_json_says_the_same(name, value):
    """Escaped for a terminal, JSON is still JSON and says what it said."""
    document = {name: [value]}
    text = printable_json(json.dumps(document, ensure_ascii=False))
    assert text.isprintable()
    assert json.loads(text) == document


def test_say_prints_each_line_as_one():
    """A line's end within a line forges none; text that the stream's encoding lacks does not raise."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    say("⚠️ one\ntwo", "three", stream=stream)
    assert raw.getvalue() == b"?? one\\ntwo\nthree\n"


def test_short_cuts_what_is_endless():
    """Of a name of a megabyte a line shows its beginning."""
    assert len(short("x" * 2**20)) == 200
    assert short("\x1b[31m") == "\\x1b[31m"


def test_an_event_of_two_lines_says_so():
    """Only what is meant as two lines is printed as two."""
    assert ReportFailed(3).lines[1] == "   Profiles will be retried in next batch"
    assert ReportFailed(3).line == "\n".join(ReportFailed(3).lines)


def test_nothing_else_prints():
    """Every line of ours goes through the helper that escapes."""
    callers = {
        str(file.relative_to(ENGINE))
        for file in ENGINE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert callers <= PRINTERS
