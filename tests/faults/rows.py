"""All rows, in order."""

from __future__ import annotations

from . import network, pacing

ROWS = sorted((*network.ROWS, *pacing.ROWS), key=lambda row: row.number)
