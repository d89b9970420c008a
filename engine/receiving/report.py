"""A report that has come in: read, judged, and packed for the disk."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..formats.wire import CannotDecode, decode
from ..profile.profile import PASSING_LABELS, hot_functions, percentage
from ..text import short

if TYPE_CHECKING:
    from ..formats.wire_format import Batch
    from ..profile.profile import Profile

MAX_BODY_BYTES = 32 * 2**20
"""Of a report, packed or not."""
_LEVEL = 3
"""Most of what zlib can save, at a third of the time."""
_DICTIONARY = (
    b'{"name":"","execution_count":1,"percentage":0.1,"line_number":1,"file_path":"","total_count":1},'
    b'{"rank":1,"name":"","samples":1,"percentage":0.1}],"call_stacks":[{"samples":1,"frames":["","lines":[1'
    b'],"reported_at":"2026-01-01T00:00:00Z","agent_version":"0.1.0"}"sampling":{"mode":"cpu","rate_hz":100,'
    b'"covered_secs":300.0,"lost_samples":0},"labels":{}}"static_analysis":{"file_size_bytes":1,"line_count":1,'
    b'"function_count":1,"class_count":0,"import_count":1,"complexity_score":1},"runtime_analysis":{"total_samples":1,'
    b'"execution_duration_secs":1.0,"functions_executed":1,"function_stats":{"hot_functions":['
    b'{"profiles":[{"profile_id":"","language":"Python","source_file":"","timestamp":"2026-01-01T00:00:00Z",'
)
"""What every report in JSON says again. Part of the format on disk: another one needs another name for the packing."""
PACKING = "zlib+1"


@dataclass(frozen=True, slots=True)
class Report:
    """What one POST has brought."""

    profiles: tuple[Profile, ...]
    agent_version: str
    content_type: str
    peer: str
    """The address it came from."""
    size_bytes: int
    """As it came, unpacked."""
    packed: bytes


class CannotRead(ValueError):
    """What came is no report of ours; the text says why, in one line."""


def read_report(body: bytes, content_type: str, content_encoding: str, peer: str) -> Report:
    """The report in a request's body. Takes a core for a while: a tenth of a second for a megabyte. Raises `CannotRead`."""
    if content_encoding in ("gzip", "x-gzip"):
        body = _unzip(body)
    try:
        batch = decode(body, content_type)
    except CannotDecode as error:
        raise CannotRead(str(error)) from None
    return Report(batch.profiles, batch.agent_version, content_type, peer, len(body), pack(body))


def pack(body: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zdict=_DICTIONARY)
    return packer.compress(body) + packer.flush()


def unpack(packed: bytes, content_type: str) -> Batch:
    """The report that `pack` made `packed` of. Raises `ValueError` where it is damaged."""
    unpacker = zlib.decompressobj(zdict=_DICTIONARY)
    try:
        return decode(unpacker.decompress(packed) + unpacker.flush(), content_type)
    except zlib.error as error:
        raise ValueError(f"a stored report is damaged: {error}") from error


def agent_of(profile: Profile, peer: str) -> str:
    """Who sent `profile`, as far as it tells: its program, its labels, and where it came from."""
    labels = "".join(f" {name}={value}" for name, value in profile.labels if name not in PASSING_LABELS)
    return f"{profile.source_file}{labels} @ {peer}"


def hottest(profile: Profile) -> str:
    """The three hottest functions in a line."""
    hot = (
        f"{short(stats.name)} {percentage(stats.self_samples, profile.total_samples)}%"
        for stats in hot_functions(profile)[:3]
    )
    return ", ".join(hot) or "nothing ran"


def _unzip(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        unpacked = unpacker.decompress(body, MAX_BODY_BYTES)
    except zlib.error as error:
        raise CannotRead(f"the body is no gzip: {error}") from None
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise CannotRead(f"the body is cut off, or unpacks to more than {MAX_BODY_BYTES} bytes")
    return unpacked
