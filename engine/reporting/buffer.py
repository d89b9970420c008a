"""The bounded buffer of encoded profiles: oldest out, removal by identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..formats.wire import EncodedProfile


class Buffer:
    """Profiles in the order of their windows, at most `limit` of them.

    While a send is under way its batch stands apart, so that nobody has to say what becomes of it before the backend
    has: a batch that is delivered has pushed nothing out, and one that comes back is trimmed then. The buffer
    can therefore hold up to twice `limit` profiles for as long as one send lasts.
    """

    # Invariant: len(_waiting) <= limit; _in_flight is empty or was, as a whole, older than all of _waiting.

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._waiting: dict[str, EncodedProfile] = {}
        self._in_flight: dict[str, EncodedProfile] = {}

    def __len__(self) -> int:
        """Profiles the buffer holds if the send under way fails."""
        return min(len(self._in_flight) + len(self._waiting), self.limit)

    @property
    def is_sending(self) -> bool:
        """Between `begin_send()` and `end_send()`."""
        return bool(self._in_flight)

    @property
    def room(self) -> int:
        return self.limit - len(self)

    def held(self) -> tuple[EncodedProfile, ...]:
        """All that is neither delivered nor discarded, oldest first."""
        return (*self._in_flight.values(), *self._waiting.values())

    def add(self, profile: EncodedProfile) -> tuple[EncodedProfile, ...]:
        """Put `profile` last; gives what was discarded for it."""
        self._waiting[profile.profile_id] = profile
        return self._trim()

    def add_older(self, profiles: Iterable[EncodedProfile]) -> int:
        """Put `profiles`, oldest first, before all others as far as there is room, and give how many; not while a send is under way."""
        assert not self._in_flight, "older profiles would come behind the batch in flight"
        taken = tuple(profiles)[: self.room]
        self._waiting = {profile.profile_id: profile for profile in taken} | self._waiting
        return len(taken)

    def begin_send(self) -> tuple[EncodedProfile, ...]:
        """The batch to send: everything, oldest first. `end_send()` must follow."""
        assert not self._in_flight, "never two sends at once"
        self._in_flight, self._waiting = self._waiting, {}
        return tuple(self._in_flight.values())

    def remove(self, profiles: Iterable[EncodedProfile]) -> None:
        """Take out of the batch in flight what the backend has, or will never have."""
        for profile in profiles:
            del self._in_flight[profile.profile_id]

    def end_send(self) -> tuple[EncodedProfile, ...]:
        """Take back what is left of the batch; gives what was discarded because there is no room for it any more."""
        self._waiting = self._in_flight | self._waiting
        self._in_flight = {}
        return self._trim()

    def _trim(self) -> tuple[EncodedProfile, ...]:
        over = len(self._waiting) - self.limit
        if over <= 0:
            return ()
        oldest = [profile_id for profile_id, _ in zip(self._waiting, range(over), strict=False)]
        return tuple(self._waiting.pop(profile_id) for profile_id in oldest)
