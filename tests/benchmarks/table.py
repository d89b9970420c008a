"""Tables of what was measured: every row has median, minimum, maximum, the ratio to a named row, and the targets beside them."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Quantity = Literal["median", "ratio", "difference"]


@dataclass(frozen=True, slots=True)
class Target:
    """`at_most(150, "difference")`: the median may be that much above the base's."""

    bound: float
    limit: Literal["most", "least"]
    of: Quantity = "median"
    to: str | None = None
    """The row that ratio and difference are taken to; None is the row's own base."""

    def holds(self, measured: float) -> bool:
        return measured <= self.bound if self.limit == "most" else measured >= self.bound

    def text(self, unit: str, base: str | None) -> str:
        sign, to = ("≤" if self.limit == "most" else "≥"), self.to or base
        match self.of:
            case "median":
                return f"{sign} {quantity(self.bound, unit)}"
            case "ratio":
                return f"{sign} {self.bound:g} × {to}"
            case "difference":
                return f"{sign} {to} + {quantity(self.bound, unit)}"


def at_most(bound: float, of: Quantity = "median", to: str | None = None) -> Target:
    return Target(bound, "most", of, to)


def at_least(bound: float, of: Quantity = "median", to: str | None = None) -> Target:
    return Target(bound, "least", of, to)


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    values: tuple[float, ...]
    """One of each round."""
    unit: str
    base: str | None = None
    """The name of the row that the ratio is taken to."""
    targets: tuple[Target, ...] = ()

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def cells(self) -> tuple[str, str, str]:
        """Median, minimum and maximum as they are shown."""
        median, low, high = (quantity(value, self.unit) for value in (self.median, min(self.values), max(self.values)))
        return median, low, high


@dataclass(slots=True)
class Table:
    title: str
    rows: list[Row] = field(default_factory=list)
    benchmark: str = ""
    """By which name it is made."""
    measured_on: str = ""
    """The day and the processor."""
    load: float = 0.0
    """Of the machine over the minute before the measuring began: processes ready to run."""

    def add(
        self,
        name: str,
        values: Sequence[float] | float,
        unit: str,
        *targets: Target,
        base: str | None = None,
    ) -> None:
        given = (values,) if isinstance(values, float | int) else values
        # As they are kept in a file, so that a table says the same before and after.
        self.rows.append(Row(name, tuple(map(_rounded, given)), unit, base, targets))

    def row(self, name: str) -> Row:
        return next(row for row in self.rows if row.name == name)

    def ratios(self, row: Row, to: str | None = None) -> list[float]:
        """Round by round, sorted: what both were measured beside was the same for both. Empty without a base."""
        name = to or row.base
        if name is None:
            return []
        base = self.row(name).values
        if len(base) != len(row.values):
            base = (statistics.median(base),) * len(row.values)
        return sorted(value / beside for value, beside in zip(row.values, base, strict=True) if beside)

    def measured(self, row: Row, target: Target) -> float:
        """What is to be compared with the target's bound."""
        match target.of:
            case "median":
                return row.median
            case "ratio":
                return statistics.median(self.ratios(row, target.to) or [float("inf")])
            case "difference":
                base = target.to or row.base
                assert base, "a difference is taken to something"
                return row.median - self.row(base).median

    def verdicts(self, row: Row) -> list[tuple[str, bool]]:
        """Each target's text, and whether it is kept."""
        return [(target.text(row.unit, row.base), target.holds(self.measured(row, target))) for target in row.targets]

    def ratio_cell(self, row: Row) -> str:
        ratios = self.ratios(row)
        if not ratios or row.name == row.base:
            return ""
        middle = f"{statistics.median(ratios):.3g}" if max(ratios) >= 10 else f"{statistics.median(ratios):.3f}"
        spread = f" ({ratios[0]:.3f} to {ratios[-1]:.3f})" if len(ratios) > 1 and max(ratios) < 10 else ""
        return middle + spread

    def verdict_cell(self, row: Row) -> str:
        return "; ".join(f"{text} {verdict(kept)}" for text, kept in self.verdicts(row))

    def lines(self) -> list[str]:
        """For a terminal."""
        head = ("", "median", "min", "max", "ratio", "target")
        body = [(row.name, *row.cells(), self.ratio_cell(row), self.verdict_cell(row)) for row in self.rows]
        widths = [max(len(cells[at]) for cells in (head, *body)) for at in range(len(head))]
        return [self.title] + [
            "  ".join(
                cell.ljust(width) if at in (0, 5) else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
            ).rstrip()
            for cells in (head, *body)
        ]

    def to_json(self) -> dict[str, Any]:
        return {
            "benchmark": self.benchmark,
            "title": self.title,
            "measured_on": self.measured_on,
            "load": self.load,
            "rows": [self._row_to_json(row) for row in self.rows],
        }

    def _row_to_json(self, row: Row) -> dict[str, Any]:
        ratios = self.ratios(row)
        return {
            "name": row.name,
            "unit": row.unit,
            "median": _rounded(row.median),
            "minimum": min(row.values),
            "maximum": max(row.values),
            "base": row.base,
            "ratio": _rounded(statistics.median(ratios)) if ratios else None,
            "targets": [
                {**asdict(target), "text": text, "measured": _rounded(self.measured(row, target)), "kept": kept}
                for target, (text, kept) in zip(row.targets, self.verdicts(row), strict=True)
            ],
            "values": list(row.values),
        }


def table_from_json(data: Mapping[str, Any]) -> Table:
    table = Table(data["title"], benchmark=data["benchmark"], measured_on=data["measured_on"], load=data["load"])
    for row in data["rows"]:
        targets = (Target(each["bound"], each["limit"], each["of"], each["to"]) for each in row["targets"])
        table.add(row["name"], row["values"], row["unit"], *targets, base=row["base"])
    return table


def quantity(value: float, unit: str) -> str:
    """Three significant digits; whole numbers without a point, large ones with their thousands apart."""
    shown = f"{value:#.3g}" if value and abs(value) < 999.5 else f"{value:,.0f}"
    if value == int(value):
        shown = f"{value:,.0f}"
    return f"{shown.rstrip('.')} {unit}".rstrip()


def verdict(kept: bool) -> str:
    return "kept" if kept else "MISSED"


def _rounded(value: float) -> float:
    return float(f"{value:.9g}")
