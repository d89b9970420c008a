"""What every view looks like, at three sizes, on a run and a moment that do not change.

Accepted pictures lie in `__snapshots__`. After a change that is meant to be seen: `pytest tests/tui/test_pictures.py --snapshot-update`,
and look at each of them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.tui.all_views import VIEWS
from tests.support.screen import Screen
from tests.support.snapshots import ended, hostile_snapshot, reporter_off, reporter_retrying, shop_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from textual.app import App

    SnapCompare = Callable[..., bool]

SIZES = [(80, 24), (120, 40), (200, 50)]


@pytest.fixture(autouse=True)
def same_clock_everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times of day are shown on the user's clock: here, always UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("key", VIEWS, ids=lambda key: VIEWS[key].short.lower())
def test_view(snap_compare: SnapCompare, key: str, size: tuple[int, int]) -> None:
    """Each view of the running shop looks as it was accepted."""
    assert snap_compare(Screen().app, press=[key], terminal_size=size)


@pytest.mark.parametrize(
    ("name", "press"),
    [
        ("paused, filtered, own code", ["p", "o", "slash", *"shop", "enter", "down"]),
        ("filter being typed", ["slash", *"~^s"]),
        ("threads", ["T"]),
        ("help", ["question_mark"]),
        ("quit", ["q"]),
        ("sorted by name", ["n"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_state(snap_compare: SnapCompare, name: str, press: list[str]) -> None:
    """What keys bring about looks as it was accepted."""
    assert name
    assert snap_compare(Screen().app, press=press)


def retrying() -> App[None]:
    return Screen(shop_snapshot()._replace(reporter=reporter_retrying())).app


def light() -> App[None]:
    app = Screen().app
    app.theme = "profiler-light"
    return app


@pytest.mark.parametrize(
    ("make", "press", "size"),
    [
        pytest.param(retrying, [], (80, 24), id="retrying"),
        pytest.param(retrying, ["7"], (120, 40), id="retrying, reporter"),
        pytest.param(lambda: Screen(ended(shop_snapshot(), exit_status=137)).app, [], (80, 24), id="ended"),
        pytest.param(
            lambda: Screen(shop_snapshot()._replace(reporter=reporter_off())).app, ["7"], (80, 24), id="no reporter"
        ),
        pytest.param(lambda: Screen(hostile_snapshot()).app, [], (80, 24), id="hostile names"),
        pytest.param(lambda: Screen(hostile_snapshot()).app, ["8"], (80, 24), id="hostile output"),
        pytest.param(light, [], (120, 40), id="light"),
        pytest.param(lambda: Screen().app, [], (20, 5), id="tiny"),
    ],
)
def test_situation(
    snap_compare: SnapCompare, make: Callable[[], App[None]], press: list[str], size: tuple[int, int]
) -> None:
    """Situations a run gets into look as they were accepted."""
    assert snap_compare(make(), press=press, terminal_size=size)
