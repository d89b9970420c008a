"""The search for the profiles that a backend refuses, among those that came in one batch with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..formats.wire import EncodedProfile

    Batch = tuple[EncodedProfile, ...]


def budget(profiles: int) -> int:
    """Requests that a search among so many may cost in one send: 2·log2(n), what it takes to find one."""
    return 2 * (profiles - 1).bit_length()


class RefusedParts:
    """Parts of batches that were refused as a whole, to be halved until single profiles are left.

    Both halves of a part are tried before either is halved again: one that the backend takes, anywhere, is soon found.
    """

    # Invariant: a profile is in one part at most: in `_singles`, in `_refused` (two or more), or in `_untried`.

    def __init__(self, path: int = 0) -> None:
        """`path`, another for each search, decides which half is halved first: none keeps to a path on which nothing is taken."""
        self._singles: list[tuple[EncodedProfile, int]] = []
        self._refused: list[Batch] = []
        self._untried: list[Batch] = []
        self._steps = 0
        self.status = 0
        """Of the last refusal."""
        self._path = path

    def __bool__(self) -> bool:
        return bool(self._singles or self._refused or self._untried)

    def add(self, part: Batch, status: int) -> None:
        """`part` has been refused."""
        self.status = status
        if len(part) == 1:
            self._singles.append((part[0], status))
        else:
            self._refused.append(part)

    def put_back(self, part: Batch) -> None:
        """Nothing has been learnt about `part`."""
        self._untried.append(part)

    def next_part(self) -> Batch | None:
        """What to try next; None if only single profiles are left."""
        if not self._untried:
            if not self._refused:
                return None
            part = self._refused.pop(-1 - ((self._path >> self._steps) & 1) % len(self._refused))
            self._steps += 1
            middle = len(part) // 2
            self._untried += [part[middle:], part[:middle]]
        return self._untried.pop()

    def take_singles(self) -> list[tuple[EncodedProfile, int]]:
        """The profiles that were refused alone, each with the status it met; they are no part of the search any more."""
        singles, self._singles = self._singles, []
        return singles

    def keep_only(self, profiles: Iterable[EncodedProfile]) -> None:
        """Forget those that have left the buffer since."""
        there = {profile.profile_id for profile in profiles}

        def rest(parts: list[Batch]) -> list[Batch]:
            left = (tuple(profile for profile in part if profile.profile_id in there) for part in parts)
            return [part for part in left if part]

        self._singles = [single for single in self._singles if single[0].profile_id in there]
        parts = rest(self._refused)
        self._refused = [part for part in parts if len(part) > 1]
        self._untried = rest(self._untried) + [part for part in parts if len(part) == 1]

    def others(self, profiles: Batch) -> Batch:
        """Those of `profiles` that are under no suspicion."""
        ours = {profile.profile_id for part in (*self._refused, *self._untried) for profile in part}
        ours |= {profile.profile_id for profile, _ in self._singles}
        return tuple(profile for profile in profiles if profile.profile_id not in ours)
