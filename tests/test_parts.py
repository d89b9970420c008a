"""What `tests/run` leaves out is there, and is as little as it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.parts import LONG, NOT_YIELDING, YIELDING

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("pattern", LONG)
def test_what_is_left_out_by_name_is_there(pattern: str) -> None:
    """A test that was renamed is not left out, or in, by an old name."""
    file, _, name = pattern.partition("::")
    assert f"def {name.partition('[')[0].rstrip('*')}" in (ROOT / file).read_text()


def test_folders_that_yield_are_there() -> None:
    """And those of their files that do not."""
    assert all((ROOT / path).exists() for path in (*YIELDING, *NOT_YIELDING))
