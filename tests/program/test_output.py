"""The program's output on the screen: its last lines, bounded, whatever the program writes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.analysis.snapshot import OutputLine
from multi_lang_profiler.engine.program.output import MAX_LINE_LENGTH, MAX_LINES, Output


@given(
    st.lists(st.text(st.characters(exclude_characters="\n\r\b\x1b", exclude_categories=["Cs"])), max_size=20), st.data()
)
def test_lines_come_whole_however_they_are_cut(lines, data):
    """Cut anywhere, also inside a character, the same lines come out."""
    written = "".join(f"{line}\n" for line in lines).encode()
    output = Output()
    while written:
        size = data.draw(st.integers(1, len(written)))
        output.take(written[:size], is_stderr=False)
        written = written[size:]
    assert [line.text for line in output.lines] == lines


def test_streams_are_kept_apart():
    """Half a line on stdout and half a line on stderr do not become one."""
    output = Output()
    output.take(b"out", is_stderr=False)
    output.take(b"err\n", is_stderr=True)
    output.take(b"put\n", is_stderr=False)
    assert output.lines == (OutputLine("err", is_stderr=True), OutputLine("output", is_stderr=False))


def test_bounded():
    """A flood leaves the last lines and the number of those gone; a line without end keeps its beginning."""
    output = Output()
    for at in range(30):
        output.take(b"".join(b"%d\n" % (at * 1000 + line) for line in range(1000)), is_stderr=False)
    assert len(output.lines) == MAX_LINES
    assert output.lines[-1].text == "29999"
    assert output.dropped == 30_000 - MAX_LINES
    for _ in range(200):
        output.take(b"x" * 65_536, is_stderr=True)
    assert output.lines[-1].text == "x" * MAX_LINE_LENGTH + "…"


def test_any_bytes():
    """Bytes that are no text are replaced, and escape codes stay as they came: the screen decides what it shows."""
    output = Output()
    output.take(b"\xff\xfe \x1b[31mred\r\n", is_stderr=False)
    assert output.lines[0].text == "\ufffd\ufffd \x1b[31mred"


@given(st.lists(st.text("ab#\r\b", max_size=12), max_size=8), st.data())
def test_what_was_written_over_is_gone_however_it_is_cut(parts, data):
    """A line is what a terminal shows of it, whatever pieces it comes in."""
    line = "".join(parts)
    output, written = Output(), line.encode()
    while written:
        size = data.draw(st.integers(1, len(written)))
        output.take(written[:size], is_stderr=False)
        written = written[size:]
    output.take(b"\n", is_stderr=False)
    cells: list[str] = []
    cursor = 0
    for character in line.rstrip("\r"):
        if character in "\r\b":
            cursor = 0 if character == "\r" else max(0, cursor - 1)
            continue
        cells[cursor : cursor + 1] = [character]
        cursor += 1
    assert output.lines[0].text == "".join(cells)


def test_a_progress_bar_is_its_last_state():
    """Many times as long as a line may be, and never finished: what counts is behind the last carriage return."""
    output = Output()
    for step in range(301):
        output.take(f"\r{step / 3:3.0f}%|{'#' * (step // 6):<50}| {step}/300".encode(), is_stderr=True)
    assert [line.text for line in output.lines] == [f"100%|{'#' * 50}| 300/300"]
    output.take(b"\r\x1b[Kdone\n", is_stderr=True)
    assert [line.text for line in output.lines] == ["done"]


def test_nothing_new_costs_nothing():
    """As long as nothing is printed the same tuple is given."""
    output = Output()
    output.take(b"a\n", is_stderr=False)
    assert output.lines is output.lines
