"""All rows, in order."""

from __future__ import annotations

from . import disk, ending, inputs, names, network, pacing, programs, refusals

ROWS = sorted(
    (*network.ROWS, *pacing.ROWS, *disk.ROWS, *ending.ROWS, *programs.ROWS, *inputs.ROWS, *refusals.ROWS, *names.ROWS),
    key=lambda row: row.number,
)
