"""What calls generators and coroutines that had handed over by the time their callers were read: stacks that were met whole tell.

Where hundreds of tasks take turns, hardly any is: to read a stack takes longer than a turn. So where nothing is known of a coroutine's
callers they are looked for at once, from one frame to the next and as fast as may be, until it is met while it runs.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from .chain import GENERATOR, MARK, Passing
from .memory import Unreadable

if TYPE_CHECKING:
    from .chain import Chain, Chains
    from .code import Codes
    from .layout import Layout
    from .memory import Memory
    from .newest import Newest
    from .thread_state import ThreadState

_MAX_INNER = 8
_SEARCHES, _ATTEMPTS = 20, 25
"""For what calls one generator's code, and reads of each: half a millisecond in all."""
_FREE_SEARCHES, _STRIDE = 40, 8
"""Of a process; beyond that at one of so many looks that miss callers."""
_MAX_STEPS = 64


class Callers:
    """Of the generators of one process, as long as what is known of its code stays true."""

    def __init__(self, memory: Memory, layout: Layout, codes: Codes, chains: Chains, newests: Newest) -> None:
        self._memory = memory
        self._layout = layout
        self._codes = codes
        self._chains = chains
        self._newests = newests
        self._by_caller: dict[tuple[int, int], tuple[list[int], int]] = {}
        """Code of a generator and of one of its callers -> a stack that both were met on last, and where in that the callers begin."""
        self._last: dict[int, tuple[list[int], int]] = {}
        """The same by the generator's code alone."""
        self._searches: dict[int, int] = {}
        """Generator's code -> how often its callers were looked for."""
        self._missed = self._searched = 0
        """Looks that missed callers, and searches, ever."""

    def __len__(self) -> int:
        return len(self._by_caller)

    def forget(self) -> None:
        self._by_caller.clear()
        self._last.clear()
        self._searches.clear()

    def are_known(self, generator: int) -> bool:
        """Whether that code, a generator's, was met with what calls it."""
        return generator in self._last

    def learn(self, frames: list[int]) -> None:
        """Note what calls the generators of a stack that was just met, whole."""
        known = self._codes.by_address.get
        self._chains.learn_calls(tuple(frames[: 2 * _MAX_INNER : 2]))
        for at in range(0, min(len(frames), 2 * _MAX_INNER), 2):
            code = known(frames[at])
            if code is not None and code.is_generator:
                self._last[frames[at]] = frames, at + 2
                for caller in frames[at + 2 : at + 2 + 2 * _MAX_INNER : 2]:
                    self._by_caller[frames[at], caller] = frames, at + 2

    def around(self, inner: list[int], outer: list[int]) -> list[int]:
        """The stack of a generator that handed over while it was read, and of what ran below it then or later, with what mostly lies between them."""
        generator, below = inner[-2], outer[::2]
        if generator in below:
            # By now it runs again.
            return inner + outer[2 * below.index(generator) + 2 :]
        frames, at = self._by_caller.get((generator, outer[0]), ([], 0)) if outer else ([], 0)
        end = len(frames) - len(outer)
        if at < end and frames[end::2] == below:
            return inner + frames[at:end] + outer
        # What was met later may stand where nothing ever calls the generator.
        frames, at = self._last.get(generator, ([], 0))
        is_direct = bool(outer) and (generator, outer[0]) in self._chains.calls
        return inner + (outer if is_direct or not frames or frames[-2:-1] != (outer or frames)[-2:-1] else frames[at:])

    def mended(self, chain: Chain) -> list[int]:
        """Its frames, with those that are mostly between where it was broken."""
        begin = chain.broken if chain.is_mended else 0
        return self.around(chain.frames[:begin], chain.frames[begin:]) if begin else chain.frames

    def search(self, thread: ThreadState, size: int, want: int, chain: Chain) -> None:
        """Have the callers be known that are missing in `chain`, of that thread, which is read as `size` bytes with `want` of the chunk.

        Raises `Closed`.
        """
        if not chain.broken or (generator := chain.frames[chain.broken - 2]) in self._last:
            return
        self._missed += 1
        searches = self._searches.get(generator, 0)
        if searches >= _SEARCHES or self._searched > _FREE_SEARCHES + self._missed // _STRIDE:
            return
        self._searches[generator] = searches + 1
        self._searched += 1
        for _ in range(_ATTEMPTS):
            with suppress(Unreadable, Passing):
                if frames := self._run_through(thread, size, want):
                    self.learn(frames)
                    if generator in self._last:
                        return

    def _run_through(self, thread: ThreadState, size: int, want: int) -> list[int]:
        """The frames of the thread by now, if a generator runs in it and all are told: read one by one, each as soon as its address is known."""
        memory, layout = self._memory, self._layout
        fields, frame_bytes = layout.frame_fields, layout.frame_fields.size
        code_at, previous_at, instruction_at, owner_at = layout.frame_order
        view = memory.gather(thread.pieces, size)
        if layout.c_frame is None:
            frame = int.from_bytes(view[layout.current_frame : layout.current_frame + 8], "little")
        else:
            frame = self._newests.generator(thread, view)
        content = bytes(view[: thread.size])
        begin, end = thread.chunk, thread.chunk + want - frame_bytes
        inner: list[tuple[int, ...]] = []
        has_generator = False
        while not (begin <= frame <= end and has_generator):
            if not frame or len(inner) >= _MAX_STEPS:
                return []
            values = fields.unpack(memory.read(frame, frame_bytes))
            has_generator = has_generator or values[owner_at] == GENERATOR
            inner.append(values)
            frame = values[previous_at]
        frames: list[int] = []
        for values in inner:
            if values[owner_at] == MARK:
                continue
            address = values[code_at] & ~7
            code = self._codes.get(address)
            instruction = (values[instruction_at] - address - (layout.code_begin or 0)) // 2
            if not -1 <= instruction <= code.size or code.is_generator != (values[owner_at] == GENERATOR):
                return []
            frames += (address, instruction)
        chain = self._chains.walk(thread, frame, content, want, thread.places)
        return [] if chain.is_cut or chain.is_mended else frames + chain.frames
