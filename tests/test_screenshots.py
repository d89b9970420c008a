"""The pictures in the README: one of each view, and nothing in them of the machine they were made on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from multi_lang_profiler.tui.all_views import VIEWS
from tests.screenshots import CELL, TOUR, TOUR_VIEWS, machine_words, picture_of, slim
from tests.support.moving_picture import moving

README = Path(__file__).parent.parent / "README.md"
PAGE = README.parent / "tui/README.md"
TITLES = [kind.title for kind in VIEWS.values()]


@pytest.mark.parametrize("title", TITLES)
def test_every_view_has_a_picture(title: str) -> None:
    """Each view has a picture, the screen's page shows it, and it shows that view; if not: `python -m tests.screenshots`."""
    picture = picture_of(title)
    assert picture.exists(), f"{picture.name} is missing; python -m tests.screenshots makes it"
    assert f"](../screenshots/{picture.name})" in PAGE.read_text()
    shown = re.sub(r"<[^>]+>|&#160;", " ", picture.read_text())
    assert all(kind.short in shown for kind in VIEWS.values()), "a view was added or renamed since the picture was made"


@pytest.mark.parametrize("title", TITLES)
def test_pictures_are_light_and_of_no_machine(title: str) -> None:
    """No picture shows a path of the machine it was made on, loads anything from elsewhere, or weighs much."""
    svg = picture_of(title).read_text()
    assert machine_words(svg) == []
    assert "url(http" not in svg
    assert len(svg) < 250_000


def test_no_picture_is_left_over() -> None:
    """What lies in the folder is a picture of a view that exists."""
    assert {file.name for file in picture_of(TITLES[0]).parent.iterdir()} == {
        TOUR.name,
        *(picture_of(t).name for t in TITLES),
    }


def test_slim_moves_texts_to_where_they_begin() -> None:
    """A text behind blanks stays in its cells without them."""
    text = f'<text x="12.2" y="142" textLength="{8 * CELL}" clip-path="url(#l)">&#160;&#160;4.4&gt;&#160;&#160;</text>'
    assert slim(text) == '<text x="36.6" y="142" textLength="48.8" clip-path="url(#l)">4.4&gt;</text>'


def test_the_moving_picture() -> None:
    """The README's picture moves by itself, shows no path of the machine, and has the views it promises."""
    svg = TOUR.read_text()
    assert f"](screenshots/{TOUR.name})" in README.read_text()
    assert svg.count('class="frame"') == 3 + len(TOUR_VIEWS)
    assert machine_words(svg) == []
    assert "url(" not in svg
    assert "<script" not in svg
    assert len(svg) < 700_000


def test_frames_take_turns() -> None:
    """Each frame has its own colours and its own moment."""
    frame = '<svg class="rich-terminal" viewBox="0 0 9 9">\n<style>\n.t-r1 { fill: red }\n</style>\n<defs>\n</defs>\n<text class="t-r1" clip-path="url(#t)">x</text>\n</svg>\n'
    svg = moving([frame, frame.replace("red", "blue")], 2)
    assert ".f0-r1 { fill: red }" in svg
    assert ".f1-r1 { fill: blue }" in svg
    assert re.findall(r"animation-delay:(\w+)", svg) == ["0s", "2s"]
    assert 'class="f1-r1">x' in svg
