"""When the screen looks for the next picture of the run: a wake-up costs more than what there is to do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_POLL_S, FIRST_UNTIL_S = 0.03, 5.0
"""Between two looks while there is no sample, and for how long."""
POLL_S, CALM_POLL_S = 0.25, 0.95
"""Between two looks: while pictures come often, one is late, or somebody presses keys; and else."""
HASTE_S = 2.0
"""So long after a key what comes of it may be awaited."""
SOON_S = 1.2
"""So long after a picture the next one may come any moment."""
GIVE_UP_S = 2.5
"""A picture that is so late does not come soon."""


class Cadence:
    def __init__(
        self, monotonic: Callable[[], float], has_news: Callable[[], bool], poll: Callable[[], object]
    ) -> None:
        """`poll` is to call `polled`; while the pauses are long it is called only if `has_news`, which costs next to nothing."""
        self._monotonic = monotonic
        self._has_news, self._poll = has_news, poll
        self._came_s = -GIVE_UP_S
        # Whoever started it looks at it: the first picture may have no samples yet.
        self._touched_s = self._began_s = monotonic()
        self._come_often = False
        self._next: asyncio.TimerHandle | None = None
        self._is_calm = False
        self.pause_s = 0.0
        """Until the next look."""

    def begin(self) -> None:
        """On the screen's loop, as all of it."""
        self._wait(FIRST_POLL_S, is_calm=True)

    def end(self) -> None:
        if self._next is not None:
            self._next.cancel()

    def touch(self) -> None:
        """A key or the mouse was touched: what comes of it is to be seen soon."""
        before_s, self._touched_s = self._touched_s, self._monotonic()
        if self._touched_s - before_s > HASTE_S:
            self._wait(POLL_S, is_calm=False)

    def polled(self, *, is_new: bool, is_empty: bool = False) -> None:
        """`is_new`: there was a new picture; `is_empty`: no sample is in any yet."""
        now_s = self._monotonic()
        if is_empty and now_s - self._began_s < FIRST_UNTIL_S:
            self._wait(FIRST_POLL_S, is_calm=True)
            return
        since_s = now_s - self._came_s
        if is_new:
            self._come_often, self._came_s = since_s < CALM_POLL_S - POLL_S, now_s
        is_awaited = self._come_often if is_new else since_s < GIVE_UP_S
        is_calm = not is_awaited and now_s - self._touched_s >= HASTE_S
        self._wait(CALM_POLL_S if is_calm else POLL_S, is_calm=is_calm)

    def _wait(self, pause_s: float, *, is_calm: bool) -> None:
        self.end()
        self._is_calm, self.pause_s = is_calm, pause_s
        # A timer of Textual's is a task, which wakes up three times.
        self._next = asyncio.get_running_loop().call_later(pause_s, self._look)

    def _look(self) -> None:
        if not self._is_calm or self._has_news():
            self._poll()
            return
        now_s = self._monotonic()
        if self.pause_s == FIRST_POLL_S and now_s - self._began_s < FIRST_UNTIL_S:
            self._wait(FIRST_POLL_S, is_calm=True)
        else:
            self._wait(POLL_S if now_s - self._came_s < SOON_S else CALM_POLL_S, is_calm=True)
