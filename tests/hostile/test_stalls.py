"""Whatever stands still, the engine's loop does not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from .stalls import STATUS, Outcome, Stall, stalls, why_not

STALL_S = 6.0


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[tuple[str, bool], Outcome]:
    """All at once, for they mostly wait."""
    folder = tmp_path_factory.mktemp("stalls")
    with ExitStack() as stack:
        running = {}
        for is_told_to_end in (False, True):
            for what in stalls(is_told_to_end=is_told_to_end):
                if why_not(what) is None:
                    stall = Stall(
                        what, Path(folder, f"{what}{is_told_to_end:d}"), STALL_S, is_told_to_end=is_told_to_end
                    )
                    running[what, is_told_to_end] = stack.enter_context(stall)
        with ThreadPoolExecutor(len(running)) as pool:
            found = pool.map(lambda stall: stall.outcome(), running.values())
            return dict(zip(running, found, strict=True))


@pytest.mark.parametrize(
    ("what", "is_told_to_end"),
    [(what, is_told_to_end) for is_told_to_end in (False, True) for what in stalls(is_told_to_end=is_told_to_end)],
)
def test_reports_go_on_and_the_end_comes_in_time(what, is_told_to_end, outcomes, tmp_path):
    """With stderr, stdout, the disk, /proc or the terminal standing still: reports arrive, and the program's status is ours in time."""
    if why := why_not(what):
        pytest.skip(why)
    outcome = outcomes[what, is_told_to_end]
    if not outcome.reports_meanwhile or outcome.status != STATUS:
        # Nine at once are much for a machine that does other things, too: once more, alone.
        with Stall(what, tmp_path / what, STALL_S, is_told_to_end=is_told_to_end) as stall:
            outcome = stall.outcome()
    assert outcome.reports_meanwhile > 0
    assert outcome.status == STATUS
