"""A thread of one interpreter, and where in memory its stack lay when it was read last."""

from __future__ import annotations

_MAX_READINGS = 64


class ThreadState:
    """What is known of one, to read its stack in one go the next time."""

    __slots__ = (
        *("_last_reading", "_readings", "asked_s", "chunk", "chunk_at", "holder", "holder_at", "ident", "is_fresh"),
        *("key", "last", "last_holder", "most", "near", "near_at", "outside", "pieces", "places", "reading", "room"),
        *("root", "size", "stack", "state", "tid", "used", "wanted_near"),
    )

    def __init__(self, state: int, tid: int, ident: int) -> None:
        self.state = state
        """The address of its state."""
        self.tid = tid
        self.ident = ident
        """What `threading.get_ident` gives."""
        self.key: tuple[object, ...] = ()
        """What `pieces`, of `size` bytes, were made of."""
        self.is_fresh = False
        """They have just been read."""
        self._readings: dict[tuple[object, ...], int] = {}
        self._last_reading = self.reading = 0
        """Another number whenever other places are read, be it more or less of them."""
        self.pieces = b""
        self.size = 0
        self.chunk_at = 0
        """Where in what is read the chunk begins."""
        self.near_at = 0
        """The same for the piece of the C stack."""
        self.holder_at = 0
        """The same for what points to the newest frame (3.11, 3.12)."""
        self.places: dict[int, int] = {}
        """The same for the frames outside."""
        self.stack = (0, 0)
        """Where its C stack begins and ends."""
        self.asked_s = float("-inf")
        """When that was asked last."""
        self.forget()

    def forget(self) -> None:
        self.holder = self.last_holder = 0
        self.near = self.wanted_near = (0, 0)
        """The piece of the C stack that is read: its beginning and its bytes."""
        self.chunk = 0
        """Where its frames lay when they were read last."""
        self.room = 0
        """Bytes that chunk has, once they are known."""
        self.used = 0
        """Bytes of them."""
        self.most = 0
        """The same where it was deepest of late: read no further, and looks would fail where it has just been called."""
        self.last: tuple[tuple[int, ...], ...] = ()
        """The frames of the last stacks that were whole, leaf first, the last stack first (before 3.11)."""
        self.root = 0
        """The code of the outermost of the first."""
        self.outside: tuple[int, ...] = ()
        """Where those lay that were neither in the chunk nor in that piece of the C stack."""

    def name_reading(self, places: tuple[object, ...]) -> None:
        """Give `reading` the number that it had for those places before."""
        if places not in self._readings:
            if len(self._readings) >= _MAX_READINGS:
                self._readings.clear()
            self._last_reading += 1
            self._readings[places] = self._last_reading
        self.reading = self._readings[places]

    def as_laid_out(self) -> ThreadState:
        """One that stays as this one is laid out now: what is read in that way can be walked later."""
        kept = ThreadState(self.state, self.tid, self.ident)
        kept.reading, kept.size, kept.chunk, kept.chunk_at = self.reading, self.size, self.chunk, self.chunk_at
        kept.near, kept.near_at, kept.places = self.near, self.near_at, self.places
        return kept
