"""JSON from outside, read field by field: whatever is wrong with it ends as a `ValueError` that says what and where."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Never

from .stacks import valid_text


def parse(text: bytes | str) -> object:
    """The value that `text` writes. Raises `ValueError` where it is no JSON, or JSON that nothing of ours writes."""
    try:
        value: object = json.loads(text, parse_constant=_refuse_constant)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"no JSON: {error}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is no number")


class JsonObject:
    """A JSON object whose fields are asked for with their types. Where one is not as asked, `ValueError` names it."""

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, dict):
            raise ValueError(f"{place} is not an object")  # noqa: TRY004 - wrong data, not a wrong call
        self.fields: dict[str, Any] = value
        self.place = place

    def text(self, name: str, default: str | None = None) -> str:
        return valid_text(self._field(name, str, default))

    def integer(self, name: str, default: int | None = None) -> int:
        """From 0 to what 63 bits hold."""
        value: int = self._field(name, int, default)
        if not 0 <= value < 2**63:
            raise ValueError(f"{self.place}.{name} is out of range")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """From 0."""
        value = self._field(name, (int, float), default)
        if not 0 <= value < 2**63:
            raise ValueError(f"{self.place}.{name} is out of range")
        return float(value)

    def difference(self, name: str, default: float | None = None) -> float:
        """A number that may be below zero."""
        value = self._field(name, (int, float), default)
        if not -(2**63) < value < 2**63:
            raise ValueError(f"{self.place}.{name} is out of range")
        return float(value)

    def number_or(self, name: str, default: float) -> float:
        """Any number, below 0 too; `default` where there is none."""
        value = self.fields.get(name, default)
        return float(value) if isinstance(value, int | float) and abs(value) < 2**53 else default

    def array(self, name: str, default: list[Any] | None = None) -> list[Any]:
        value: list[Any] = self._field(name, list, default)
        return value

    def child(self, name: str, default: dict[str, Any] | None = None) -> JsonObject:
        return JsonObject(self._field(name, dict, default), f"{self.place}.{name}")

    def children(self) -> list[tuple[str, JsonObject]]:
        """The fields, all of which are objects."""
        return [
            (valid_text(name), JsonObject(value, f"{self.place}.{name:.80}")) for name, value in self.fields.items()
        ]

    def time(self, name: str) -> datetime:
        moment = datetime.fromisoformat(self.text(name))
        if moment.tzinfo is None:
            raise ValueError(f"{self.place}.{name} has no time zone")
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise ValueError(f"{self.place}.{name} is out of range") from None

    def _field(self, name: str, kind: type | tuple[type, ...], default: object) -> Any:
        value = self.fields.get(name, default)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f"{self.place}.{name} is missing or of the wrong type")  # noqa: TRY004 - see above
        return value
