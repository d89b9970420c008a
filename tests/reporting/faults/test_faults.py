"""Every row of the table of faults, case by case; `python -m tests.reporting.faults` prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .rows import ROWS

if TYPE_CHECKING:
    from pathlib import Path

    from .table import Case

CASES = [pytest.param(case, id=f"{row.number}-{case.__name__}") for row in ROWS for case in row.cases]


@pytest.mark.parametrize("case", CASES)
async def test_fault(case: Case, tmp_path: Path) -> None:
    """The row's promise is kept, nothing is lost, and the key is shown nowhere."""
    await case(tmp_path)


def test_table_is_whole() -> None:
    """Each of the faults has at least one case; 31 and 32 are harm to the program, and proven elsewhere."""
    assert [row.number for row in ROWS if row.cases] == [*range(1, 31), *range(33, 38)]
