"""How a run went, second by second, as an object for JSON: what stacks alone do not tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .history import TimelinePoint
from .stacks import Frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .json_object import JsonObject
    from .stacks import StackTable

_MAX_POINTS = 10_000
"""Read of a file; we write a tenth of that."""
_MAX_S = 1e10


class Moment(NamedTuple):
    """A mark, without what was counted until then."""

    name: str
    at_s: float
    """In seconds since the program's start."""


def course_object(table: StackTable, points: Sequence[TimelinePoint], marks: Sequence[Moment]) -> dict[str, Any]:
    """`functions`: name, file, first line. `points`: beginning, length, busy cores, samples, then function and samples in turn.

    `waited`, where that is known: of each point, likewise.
    """
    functions: dict[int, int] = {}
    rows = [
        [
            round(point.at_s, 3),
            round(point.duration_s, 3),
            round(point.cpu_cores, 3),
            point.samples,
            _pairs(point.self_samples, functions),
        ]
        for point in points
    ]
    waited = [[point.waited, _pairs(point.waited_self, functions)] for point in points]
    return {
        "functions": [[*table.functions[function], table.line_of(function)] for function in functions],
        "points": rows,
        **({"waited": waited} if any(point.waited for point in points) else {}),
        "marks": [[mark.name, round(mark.at_s, 3)] for mark in marks],
    }


def course_from_object(item: JsonObject, table: StackTable) -> tuple[tuple[TimelinePoint, ...], tuple[Moment, ...]]:
    """What `course_object` wrote, with functions as `table` numbers them. Raises `ValueError` where it is not whole."""
    try:
        known = [
            table.frames[table.frame(Frame(str(name), str(file), 0, int(line)))].function
            for name, file, line in item.array("functions")
        ]
        rows = item.array("points")[:_MAX_POINTS]
        waited = item.array("waited", [])[:_MAX_POINTS] or [[0, []]] * len(rows)
        points = tuple(
            TimelinePoint(
                float(at_s),
                float(duration_s),
                float(cores),
                int(samples),
                _by_function(of_functions, known),
                waited=int(periods),
                waited_self=_by_function(of_waited, known),
            )
            for (at_s, duration_s, cores, samples, of_functions), (periods, of_waited) in zip(rows, waited, strict=True)
            if 0 <= at_s < _MAX_S and 0 < duration_s < _MAX_S and 0 <= cores < _MAX_S
        )
        marks = tuple(Moment(str(name), float(at_s)) for name, at_s in item.array("marks"))
    except (LookupError, TypeError, OverflowError) as error:
        raise ValueError(f"{item.place} does not fit together: {error}") from error
    return points, marks


def _pairs(samples: Mapping[int, int], numbers: dict[int, int]) -> list[int]:
    return [number for function, n in samples.items() for number in (numbers.setdefault(function, len(numbers)), n)]


def _by_function(pairs: Sequence[int], known: Sequence[int]) -> dict[int, int]:
    return {known[function]: int(n) for function, n in zip(pairs[::2], pairs[1::2], strict=True)}
