"""A view of a run's samples that can be filtered and frozen, and whose functions have places to copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ...engine.analysis.unseen import with_unseen
from ..run_text import why_no_samples
from ..views import View, samples_shown

if TYPE_CHECKING:
    from ...engine.analysis.snapshot import Snapshot


class SampledView(View):
    """Subclasses draw `shown` in `read` and say in their title whether they are frozen."""

    FILTER: ClassVar[str]
    """What the prompt for a pattern is called."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: Snapshot | None = None
        """The snapshot that is drawn; while paused an old one."""
        self.shows_unseen = False
        """Whether CPU time that no sample is of stands beside the functions."""
        self._whole: Snapshot | None = None
        """What `shown` is of."""
        self.bad_pattern = ""
        self.paused_s: float | None = None
        """When it was frozen."""

    @property
    def pattern(self) -> str:
        raise NotImplementedError

    def ask_pattern(self, pattern: str) -> None:
        """Read anew, with `pattern` for a filter."""
        raise NotImplementedError

    def read(self) -> None:
        """Draw `shown` as it is asked for."""
        raise NotImplementedError

    def draw_title(self, now_s: float) -> None:
        """`now_s` is on the clock of `Snapshot.taken_s`."""
        raise NotImplementedError

    def shows(self, snapshot: Snapshot) -> object:
        return samples_shown(snapshot), snapshot.ledger if self.shows_unseen else None

    def show(self, snapshot: Snapshot) -> None:
        if self.paused_s is None:
            self._whole = snapshot
            self.shown = self._as_asked(snapshot)
        self.read()

    def _as_asked(self, snapshot: Snapshot) -> Snapshot:
        # What no sample is of is no chosen thread's.
        return with_unseen(snapshot) if self.shows_unseen and self.host.threads is None else snapshot

    def range_chosen(self) -> None:
        # Whoever asks for another range wants to see it.
        self.paused_s = None
        self.remove_class("-paused")

    def time_chosen(self) -> None:
        self.range_chosen()

    def tick(self, now_s: float) -> None:
        if self.paused_s is not None:
            self.draw_title(now_s)

    @property
    def goes_on(self) -> bool:
        return self.paused_s is not None

    def empty(self, snapshot: Snapshot) -> str:
        return "" if snapshot.counts.total or self.paused_s is not None else why_no_samples(snapshot)

    def action_filter(self) -> None:
        before = self.pattern
        self.host.prompt(
            self.FILTER,
            before,
            lambda answer: self.ask_pattern(before if answer is None else answer),
            changed=self.ask_pattern,
            hint="part of a name or path, or ~regular expression",
        )

    def action_clear(self) -> None:
        self.ask_pattern("")

    def action_unseen(self) -> None:
        self.shows_unseen = not self.shows_unseen
        if self._whole is not None:
            self.shown = self._as_asked(self._whole)
            self.read()

    def action_pause(self) -> None:
        snapshot = self.host.snapshot
        if self.paused_s is not None:
            self.paused_s = None
            if snapshot is not None:
                self.show(snapshot)
        elif snapshot is not None:
            self.paused_s = snapshot.taken_s
            self.draw_title(snapshot.taken_s)
        self.set_class(self.paused_s is not None, "-paused")
