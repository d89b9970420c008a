"""All rows, in order."""

from __future__ import annotations

from . import disk, ending, inputs, network, pacing, programs

ROWS = sorted(
    (*network.ROWS, *pacing.ROWS, *disk.ROWS, *ending.ROWS, *programs.ROWS, *inputs.ROWS), key=lambda row: row.number
)
