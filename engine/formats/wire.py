"""Profile -> bytes, and back: the forms in which a report travels.

A profile is encoded once, when it enters the buffer. A report is joined from encoded profiles, whose bytes it takes as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..profile.profile import with_valid_text
from .json_profile import JsonFormat
from .otlp import OtlpFormat
from .protobuf import ProtobufFormat
from .pyroscope import PyroscopeFormat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ..profile.profile import Profile
    from .wire_format import Batch, WireFormat


class CannotEncode(ValueError):
    """A profile that the format has no bytes for. The text says which profile and why."""


class CannotDecode(ValueError):
    """Bytes that are no report. The text says why, in one line."""


FORMATS: Mapping[str, WireFormat] = MappingProxyType(
    {wire.name: wire for wire in (JsonFormat(), ProtobufFormat(), PyroscopeFormat(), OtlpFormat())}
)
"""By the name that `--report-format` takes."""


@dataclass(frozen=True, slots=True)
class EncodedProfile:
    """A profile as the buffer and the spool keep it."""

    profile_id: str
    format: str
    """A key of `FORMATS`."""
    body: bytes

    @property
    def size_bytes(self) -> int:
        return len(self.body)


def encode(profile: Profile, format: str) -> EncodedProfile:  # noqa: A002 - named like the field it becomes
    """`profile` in the form named `format`. Raises `CannotEncode`."""
    wire = FORMATS[format]
    try:
        try:
            body = wire.encode(profile)
        except ValueError:
            # Lone surrogates have no UTF-8. They are looked for only here: profiles made from a program have none.
            body = wire.encode(with_valid_text(profile))
    except (ValueError, TypeError, ArithmeticError) as error:
        raise CannotEncode(f"profile {profile.profile_id} cannot be written as {format}: {error}") from error
    return EncodedProfile(profile.profile_id, format, body)


def join(profiles: Sequence[EncodedProfile], reported_at: datetime) -> bytes:
    """The body of one report of `profiles`, which share one format; nothing is encoded again.

    Raises `ValueError` if there are none or their formats differ. A report of no profiles is `FORMATS[…].join((), …)`.
    """
    formats = {profile.format for profile in profiles}
    if len(formats) != 1:
        raise ValueError(f"a report takes profiles of one format, not of {sorted(formats)}")
    return FORMATS[formats.pop()].join([profile.body for profile in profiles], reported_at)


def decode(body: bytes, content_type: str) -> Batch:
    """The report in `body`, sent as `content_type` (parameters such as `charset` do not matter). Raises `CannotDecode`."""
    media_type = content_type.partition(";")[0].strip().lower()
    for wire in FORMATS.values():
        if wire.content_type == media_type:
            try:
                return wire.decode(body)
            except ValueError as error:
                raise CannotDecode(f"the body is no report in {wire.name}: {error}") from error
    known = " or ".join(wire.content_type for wire in FORMATS.values())
    raise CannotDecode(f"a report comes as {known}, not as {media_type or 'nothing'}")
