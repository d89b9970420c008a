"""Names made harmless and fitted to cells; numbers in few cells."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from multi_lang_profiler.tui.text import (
    bar,
    clean,
    count,
    duration,
    fit,
    fit_command,
    fit_path,
    percent,
    pieces,
    size,
    sparkline,
    without_escape_codes,
    wrap,
)

ANY_TEXT = st.text(st.characters(codec=None), max_size=60)


@given(ANY_TEXT)
def test_clean_is_harmless(text: str) -> None:
    """No control, no direction mark, no surrogate survives, and what is clean already stays as it is."""
    cleaned = clean(text)
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in cleaned)
    assert not set(cleaned) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u200d\ufe0f\ufeff")
    cleaned.encode()
    assert clean(cleaned) == cleaned


def test_clean_shows_controls() -> None:
    """A control character is shown as its picture, so that a name with an escape code is seen to have one."""
    assert clean("\x1b[31mred\x1b[0m\t\n\x7f") == "␛[31mred␛[0m␉␊␡"
    assert clean("[red]x[/]") == "[red]x[/]"


@given(ANY_TEXT, st.integers(0, 40), st.sampled_from(["left", "right"]), st.sampled_from(["start", "end"]))
def test_fit_fills_exactly(text: str, width: int, align: str, keep: str) -> None:
    """A fitted text fills exactly its cells, also where characters are two cells wide or none."""
    assert cell_len(fit(clean(text), width, align=align, keep=keep)) == width


@given(ANY_TEXT, st.integers(1, 40))
def test_fit_keeps_what_fits(text: str, width: int) -> None:
    """What fits is only padded; what does not is marked with an ellipsis."""
    cleaned = clean(text)
    fitted = fit(cleaned, width)
    assert fitted.startswith(cleaned) if cell_len(cleaned) <= width else "…" in fitted


def test_fit_path() -> None:
    """Of a long path the first folders go; file and line stay as long as they can."""
    assert fit_path("flask/app.py:906", 16) == "flask/app.py:906"
    assert fit_path("shop/deep/app.py:906", 12) == "app.py:906  "
    assert fit_path("jinja2/environment.py:1269", 16) == "environment:1269"
    assert fit_path("python3.11/re/__init__.py:179", 16) == "re/__init__:179 "
    assert fit_path("a_very_long_name.py:906", 10) == "…_name:906"
    assert fit_path("<frozen importlib._bootstrap>:233", 25) == "importlib._bootstrap:233 "
    assert fit_path("/tmp/shop/odd.py:13", 18) == "shop/odd.py:13    "
    assert fit_path("/odd.py:13", 9) == "odd.py:13"
    assert fit_path("../.hidden", 8) == ".hidden "


def test_fit_command() -> None:
    """Of a long command the first folders of its program go: its name and its words tell which it is."""
    assert fit_command("/home/ada/shop/server.py --port 80", 40) == "/home/ada/shop/server.py --port 80"
    assert fit_command("/home/ada/shop/server.py --port 80", 26) == "shop/server.py --port 80"
    assert fit_command("server.py /home/ada/shop", 10) == "server.py /home/ada/shop"


@given(ANY_TEXT, st.integers(2, 30))
def test_pieces_and_wrap(text: str, width: int) -> None:
    """Pieces fit, and together are the text; wrapped lines fit, and lose no more than the spaces they were broken at."""
    cleaned = clean(text)
    cut = list(pieces(cleaned, width))
    assert "".join(cut) == cleaned
    assert all(cell_len(piece) <= width for piece in cut)
    lines = list(wrap(cleaned, width))
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == cleaned.replace(" ", "")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[1;31mred\x1b[0m text", "red text"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("10%\r50%\r100%", "100%"),
        ("a\tb", "a       b"),
        ("\x1b(B\x1b[?25lx", "x"),
        ("\x1b[31", "␛[31"),
        ("bell\x07", "bell␇"),
    ],
)
def test_without_escape_codes(line: str, shown: str) -> None:
    """Escape codes leave no trace and are never passed on; half a code is shown as text."""
    assert without_escape_codes(line) == shown


@given(ANY_TEXT)
def test_without_escape_codes_is_harmless(line: str) -> None:
    """Whatever a program prints, no escape character and no carriage return is left."""
    assert not set(without_escape_codes(line)) & {"\x1b", "\r", "\x9b", "\n"}


def test_numbers() -> None:
    """Numbers keep to the cells they are given."""
    assert [percent(n, 1000) for n in (0, 31, 420, 1000)] == ["    ", " 3.1", "42.0", " 100"]
    assert percent(1, 1_000_000) == "<0.1"
    assert [count(n) for n in (0, 999, 9_999, 12_345, 999_999, 1_234_567)] == [
        "0",
        "999",
        "9,999",
        "12.3k",
        "1.0M",
        "1.2M",
    ]
    assert [size(n) for n in (812, 14_200, 3_100_000)] == ["812 B", "14.2 KB", "3.1 MB"]
    assert [duration(s) for s in (0, 12.9, 187, 7_500, 356_400)] == ["0s", "12s", "3m 07s", "2h 05m", "4d 03h"]


@given(st.integers(0, 10**12))
def test_numbers_stay_narrow(number: int) -> None:
    """Counts take five cells at most, up to a million millions."""
    assert len(count(number)) <= 5


@given(st.floats(-0.5, 1.5), st.integers(1, 30))
def test_bar(share: float, width: int) -> None:
    """A bar fills its cells, is never empty above nothing, and never shorter for a larger share."""
    drawn = bar(share, width)
    assert len(drawn) == width
    assert (drawn.strip() == "") == (share <= 0)
    assert bar(1.0, width) == "█" * width


def test_sparkline_keeps_its_columns() -> None:
    """While a new column fills, those before it do not change."""
    values = [1.0, 2, 3, 4, 5, 6, 7, 8]
    full = sparkline(values, 4, per_column=2, floor=8)
    assert sparkline([*values, 8], 5, per_column=2, newest=1, floor=8)[:4] == full
    assert sparkline([], 3) == "   "
    assert len(sparkline(values, 3)) == 3


def test_sparkline_floor() -> None:
    """One sample in a quiet minute is no mountain."""
    assert sparkline([0, 1, 0], 3, floor=10) == " ▁ "
    assert sparkline([0, 1, 0], 3) == " ▇ "
