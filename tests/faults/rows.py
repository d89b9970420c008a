"""All rows, in order."""

from __future__ import annotations

from . import disk, ending, inputs, network, pacing

ROWS = sorted((*network.ROWS, *pacing.ROWS, *disk.ROWS, *ending.ROWS, *inputs.ROWS), key=lambda row: row.number)
