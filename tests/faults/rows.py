"""All rows, in order."""

from __future__ import annotations

from . import disk, inputs, network, pacing

ROWS = sorted((*network.ROWS, *pacing.ROWS, *disk.ROWS, *inputs.ROWS), key=lambda row: row.number)
