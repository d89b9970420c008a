"""When the screen looks for the next picture of the run: a wake-up costs more than what there is to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

POLL_S, CALM_POLL_S = 0.25, 0.95
"""Between two looks: while pictures come often, one is late, or somebody presses keys; and else."""
HASTE_S = 2.0
"""So long after a key what comes of it may be awaited."""
GIVE_UP_S = 2.5
"""A picture that is so late does not come soon."""


class Cadence:
    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._came_s = -GIVE_UP_S
        # Whoever started it looks at it: the first picture may have no samples yet.
        self._touched_s = monotonic()
        self._come_often = False

    def touch(self) -> bool:
        """A key or the mouse was touched, for the first time in a while or not."""
        before_s, self._touched_s = self._touched_s, self._monotonic()
        return self._touched_s - before_s > HASTE_S

    def pause_s(self, *, is_new: bool) -> float:
        """Until the next look; `is_new`: there was a new picture at this one."""
        now_s = self._monotonic()
        since_s = now_s - self._came_s
        if is_new:
            self._come_often, self._came_s = since_s < CALM_POLL_S - POLL_S, now_s
        is_awaited = self._come_often if is_new else since_s < GIVE_UP_S
        return POLL_S if is_awaited or now_s - self._touched_s < HASTE_S else CALM_POLL_S
