"""What a ledger gives: where the CPU time of a stretch of the run went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from .json_object import JsonObject
from .stacks import valid_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_Key = TypeVar("_Key")
_DECIMALS = 6
GOOD_SHARE = 0.95
"""From here on a profile speaks for its program; below it users are told what it misses."""


class Book(NamedTuple):
    """Where the CPU time of a stretch of the run went, in seconds.

    Of a whole run no part is below zero but what is left over. Of a stretch one can be: a process that was "not sampled" so far moves to
    "before the sampler" once it is, and samples that were pending are attributed.
    """

    cpu_s: float = 0.0
    """Of all processes of the tree, ended ones included, as the kernel counts it."""
    attributed_s: float = 0.0
    """To functions: samples by the sampling period."""
    native_s: Mapping[str, float] = {}
    """Of threads of sampled processes that no sample is of, by group."""
    unsampled_s: Mapping[tuple[str, str], float] = {}
    """Of processes that were never sampled, by command and reason."""
    before_s: float = 0.0
    """Of sampled processes, before their sampler was there."""
    gaps_s: float = 0.0
    """Of sampled processes, while their sampler was away."""
    lost_s: float = 0.0
    """Samples that a sampler knows it failed to take."""
    pending_s: float = 0.0
    """What samplers may still hand over. It goes down when they do, so that of a stretch it can be negative."""

    @property
    def left_over_s(self) -> float:
        """What nobody knows. Below zero where more was attributed than the kernel counted."""
        return self.cpu_s - self.attributed_s - self.pending_s - sum(seconds for _, seconds in self.parts())

    @property
    def seen_share(self) -> float | None:
        """The part of the CPU time, 0 to 1, that is attributed to functions or will be; None where no CPU time was used."""
        if self.cpu_s <= 0:
            return None
        return min(1.0, max(0.0, (self.attributed_s + self.pending_s) / self.cpu_s))

    def parts(self) -> list[tuple[str, float]]:
        """What is not attributed but named, in a fixed order; without what is left over."""
        return [
            *((f"{group} (native threads)", seconds) for group, seconds in self.native_s.items()),
            *((f"{command} ({reason})", seconds) for (command, reason), seconds in self.unsampled_s.items()),
            ("before the sampler", self.before_s),
            ("gaps of the sampler", self.gaps_s),
            ("lost samples", self.lost_s),
        ]

    def since(self, earlier: Book) -> Book:
        """The stretch between `earlier`, a book of the same run, and this one."""
        return self._with(earlier, -1)

    def plus(self, other: Book) -> Book:
        """Two stretches together."""
        return self._with(other, 1)

    def _with(self, other: Book, sign: int) -> Book:
        numbers = {
            name: getattr(self, name) + sign * getattr(other, name)
            for name in self._fields
            if name not in ("native_s", "unsampled_s")
        }
        return Book(
            **numbers,
            native_s=_summed(self.native_s, other.native_s, sign),
            unsampled_s=_summed(self.unsampled_s, other.unsampled_s, sign),
        )

    def as_object(self) -> dict[str, Any]:
        """For JSON. All in seconds; the parts add up to `cpu_secs`, but for what rounding to microseconds leaves."""
        share = self.seen_share
        return {
            "cpu_secs": round(self.cpu_s, _DECIMALS),
            "attributed_secs": round(self.attributed_s, _DECIMALS),
            "seen_percent": None if share is None else round(100 * share, 1),
            "native_threads": {group: round(seconds, _DECIMALS) for group, seconds in self.native_s.items()},
            "processes_not_sampled": [
                {"command": command, "reason": reason, "secs": round(seconds, _DECIMALS)}
                for (command, reason), seconds in self.unsampled_s.items()
            ],
            "before_sampler_secs": round(self.before_s, _DECIMALS),
            "gap_secs": round(self.gaps_s, _DECIMALS),
            "lost_secs": round(self.lost_s, _DECIMALS),
            "pending_secs": round(self.pending_s, _DECIMALS),
            "left_over_secs": round(self.left_over_s, _DECIMALS),
        }


def book_from_object(item: JsonObject) -> Book:
    """What `as_object` wrote. Raises `ValueError` where it is not whole."""
    threads = item.child("native_threads", {})
    rows = [JsonObject(row, f"{item.place}.processes_not_sampled") for row in item.array("processes_not_sampled", [])]
    return Book(
        cpu_s=item.number("cpu_secs"),
        attributed_s=item.number("attributed_secs"),
        native_s={valid_text(group): threads.difference(group) for group in threads.fields},
        unsampled_s={(row.text("command"), row.text("reason", "")): row.difference("secs") for row in rows},
        before_s=item.difference("before_sampler_secs", 0.0),
        gaps_s=item.difference("gap_secs", 0.0),
        lost_s=item.difference("lost_secs", 0.0),
        pending_s=item.difference("pending_secs", 0.0),
    )


def _summed(rows: Mapping[_Key, float], others: Mapping[_Key, float], sign: int) -> dict[_Key, float]:
    keys = dict.fromkeys((*rows, *others))
    summed = {key: rows.get(key, 0.0) + sign * others.get(key, 0.0) for key in keys}
    return {key: seconds for key, seconds in summed.items() if seconds}
