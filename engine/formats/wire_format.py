"""What a wire format is, and what a report says once it is read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ..profile.profile import Profile

STATIC_FIELDS = (
    "file_size_bytes",
    "line_count",
    "function_count",
    "class_count",
    "import_count",
    "complexity_score",
)
"""Of `StaticAnalysis`, what a report tells; named alike in all formats."""


class Batch(NamedTuple):
    """One report: what a single POST carries."""

    profiles: tuple[Profile, ...]
    """Oldest first."""
    reported_at: datetime
    agent_version: str


class WireFormat(Protocol):
    """One way to write profiles. Nothing heavy is imported before the first profile is encoded."""

    @property
    def name(self) -> str: ...

    @property
    def content_type(self) -> str: ...

    def encode(self, profile: Profile) -> bytes:
        """One profile, ready to be joined. Raises `ValueError`, `TypeError` or `ArithmeticError` where it has no bytes for it."""

    def join(self, bodies: Sequence[bytes], reported_at: datetime) -> bytes:
        """The body of a report: `bodies` come from `encode`, oldest first, and may be none."""

    def decode(self, body: bytes) -> Batch:
        """What the report `body` says. Raises `ValueError` where it is not one, whatever its bytes are."""
