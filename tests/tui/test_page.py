"""The screen's page says which keys there are."""

from __future__ import annotations

from multi_lang_profiler.tui.all_views import VIEWS
from tests.screen_keys import PAGE, bindings, table, written


def test_the_page_has_every_key() -> None:
    """The table of keys and ids is the one of the bindings, to the letter."""
    assert written() == table(), "python -m tests.screen_keys writes it"
    assert len({binding.id for binding in bindings()}) > 40


def test_the_page_names_every_view() -> None:
    for kind in VIEWS.values():
        assert f"**{kind.title}**".lower() in PAGE.read_text().lower()
