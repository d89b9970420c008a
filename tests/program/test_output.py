"""The program's output on the screen: its last lines, bounded, whatever the program writes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.analysis.snapshot import OutputLine
from multi_lang_profiler.engine.program.output import MAX_LINE_LENGTH, MAX_LINES, OWN_SCREEN, Output


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


def shown(written: bytes, *more: bytes) -> list[str]:
    output = Output()
    for each in (written, *more):
        output.take(each, is_stderr=True)
    return [line.text for line in output.lines]


def test_several_progress_bars_stay_where_they_are():
    """They go up to their lines and down again, as those of tqdm, Rich and Docker do, however what they write is cut."""
    rows = [f"{name} {step:3}%" for step in range(0, 101, 10) for name in ("first", "second")]
    tqdm = b"".join(
        f"\r{first}\x1b[K\n\r{second}\x1b[K\x1b[A".encode() for first, second in zip(rows[::2], rows[1::2], strict=True)
    )
    rich = b"\n".join(rows[at].encode() for at in (0, 1)) + b"".join(
        f"\r\x1b[2K\x1b[1A\x1b[2K{first}\n{second}".encode()
        for first, second in zip(rows[2::2], rows[3::2], strict=True)
    )
    docker = b"one\ntwo\n" + b"".join(
        b"\x1b[2A\x1b[2Kone %d\r\x1b[2B\x1b[1A\x1b[2Ktwo %d\r\x1b[1B" % (at, at) for at in range(9)
    )
    assert shown(b"before\n", tqdm) == ["before", "first 100%", "second 100%"]
    assert shown(b"before\n", tqdm, b"\n\nafter\n") == ["before", "first 100%", "second 100%", "after"]
    assert shown(b"before\n", rich, b"\nafter\n") == ["before", "first 100%", "second 100%", "after"]
    assert shown(docker) == ["one 8", "two 8"]
    for written, expected in ((tqdm, shown(tqdm)), (rich, shown(rich)), (docker, shown(docker))):
        assert shown(*(written[at : at + 1] for at in range(len(written)))) == expected


def test_what_is_erased_below_is_gone_and_nothing_above_is():
    """Nobody goes up into what an earlier run has printed, or further than is kept."""
    assert shown(b"a\nb\nc\x1b[2A\x1b[J") == ["a", ""]
    output = Output()
    output.take(b"of the first run\n", is_stderr=False)
    output.begin_run(2)
    output.take(b"mine\n\x1b[99A\rover\n", is_stderr=False)
    assert [line.text for line in output.lines] == ["of the first run", "over"]


@given(
    st.lists(st.sampled_from(["a", "bc", "\n", "\r", *(f"\x1b[{n}{kind}" for n in ("", 1, 3) for kind in "ABEFJKCD")]))
)
def test_any_moves(written):
    """Whatever a program writes, and on both streams in turns, there are lines, and as many as were begun."""
    output = Output()
    for at, each in enumerate(written):
        output.take(each.encode(), is_stderr=at % 3 == 0)
    assert len(output.lines) <= written.count("\n") + 2


def test_nothing_new_costs_nothing():
    """As long as nothing is printed the same tuple is given."""
    output = Output()
    output.take(b"a\n", is_stderr=False)
    assert output.lines is output.lines


def test_a_line_is_ended_where_the_program_stands():
    """`read -s -p PIN:` asks on stderr, and the newline after it comes on stdout: as on a terminal it ends that line, and makes no empty one."""
    output = Output()
    for text, is_stderr in (
        ("PIN: ", True),
        ("\n", False),
        ("4 digits\n", False),
        ("yes? ", True),
        ("no\r\n\n", False),
    ):
        output.take(text.encode(), is_stderr)
    assert [line.text for line in output.lines] == ["PIN: ", "4 digits", "no", "", "yes? "]


def test_where_only_the_cursor_stands_is_no_line():
    """After its bars tqdm goes back to the beginning of a line in which nothing stands."""
    output = Output()
    output.take(b"\x1b[?25h\x1b[1G", is_stderr=True)
    output.take(b"\n> go\n", is_stderr=False)
    assert output.lines == (OutputLine("", is_stderr=False), OutputLine("> go", is_stderr=False)), (
        "npm's spinner is gone"
    )
    output = Output()
    output.take(b"outer: 100%\n\r\x1b[0m\x1b[K\r", is_stderr=True)
    assert [line.text for line in output.lines] == ["outer: 100%"]


def test_a_screen_of_its_own_is_said_to_be_one():
    """What a program draws on the alternate screen (less, htop, vim) is left out, and a line stands for it; the lines before and after stay.

    However the pieces are cut.
    """
    drawn = "before\nunfinished\x1b[?1049h\x1b[22;0;0t\x1b[1;40r\x1b[H\x1b[2Jeverything\x1b[5;7Hat once\n\x1b[?1049l\x1b[23;0;0tafter\n"
    shown = ["before", "unfinished", OWN_SCREEN, "\x1b[23;0;0tafter"]
    for size in (1, 3, 7, 1_000):
        output = Output()
        for at in range(0, len(drawn), size):
            output.take(drawn[at : at + size].encode(), is_stderr=False)
            came = drawn[: at + size]
            assert output.has_own_screen is ("\x1b[?1049h" in came and "\x1b[?1049l" not in came)
        assert [line.text for line in output.lines] == shown
    output.take(b"\x1b[?25hx\x1b[?47hy", is_stderr=True)
    output.begin_run(2)
    output.take(b"again\n", is_stderr=True)
    assert [line.text for line in output.lines][-2:] == [OWN_SCREEN, "again"]
    output.take(b"\x1b[H\x1b[2J\x1b[3Jwatching\n\x1b[999;999H\x1b[6n\x1b[24;1Hstatus\n", is_stderr=True)
    assert not output.has_own_screen, "it is cleared and measured, and has a status line"
    output.take(b"".join(b"\x1b[%d;1Hrow" % row for row in range(1, 9)), is_stderr=True)
    assert output.has_own_screen, "top draws row by row, and goes to no other screen for it"
    assert OWN_SCREEN in [line.text for line in output.lines][-3:]
