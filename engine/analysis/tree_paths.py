"""What of a stack a call tree keeps: recursion and libraries folded, one function in focus or left out.

A path is a stack's functions, root first, as indexes into `StackTable.functions`. Whatever is folded, every sample keeps its function
that ran, or the nearest caller of it that is kept; only a focus leaves samples out.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from ..profile.places import CodeKind

if TYPE_CHECKING:
    from collections.abc import Sequence

Path = list[int]


class Fold(StrEnum):
    """Which frames in the middle of stacks are left out."""

    PLUMBING = "plumbing"
    """What a runtime does to import and start code: nobody looks for it there."""
    LIBRARIES = "libraries"
    """Of each run of frames that are not the program's own, all but the first and the last."""
    NOTHING = "nothing"


def without_recursion(path: Sequence[int]) -> Path:
    """A function that is called again below itself is the same frame: what lies between is left out."""
    kept: Path = []
    place: dict[int, int] = {}
    for function in path:
        at = place.get(function)
        if at is None:
            place[function] = len(kept)
            kept.append(function)
        else:
            for left_out in kept[at + 1 :]:
                del place[left_out]
            del kept[at + 1 :]
    return kept


def from_function(path: Sequence[int], function: int) -> Path | None:
    """From the first call of `function` on."""
    return list(path[path.index(function) :]) if function in path else None


def until_function(path: Sequence[int], function: int) -> Path | None:
    """Up to the first call of `function`: who called it."""
    return list(path[: path.index(function) + 1]) if function in path else None


def without_plumbing(path: Sequence[int], plumbing: Sequence[bool]) -> Path:
    """The leaf stays whatever it is: it has the sample."""
    return [function for at, function in enumerate(path) if at == len(path) - 1 or not plumbing[function]]


def without_inner_libraries(path: Sequence[int], kinds: Sequence[CodeKind]) -> Path:
    """Of neighbours that are not the program's own, the first (what was called) and the last (what ran, or called back)."""
    own = CodeKind.OWN
    return [
        function
        for at, function in enumerate(path)
        if kinds[function] is own
        or at in (0, len(path) - 1)
        or kinds[path[at - 1]] is own
        or kinds[path[at + 1]] is own
    ]
