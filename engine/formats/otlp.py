"""OpenTelemetry's profiles over OTLP/HTTP; experimental, as they are upstream (`v1development`).

The endpoint is `http://HOST:4318/v1development/profiles` of any OpenTelemetry Collector that takes profiles.
"""

from __future__ import annotations

import socket
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING, Never

from ..profile.full_names import FullNames
from ..settings import AGENT_VERSION
from .protobuf import ProtobufFormat
from .varint import delimited

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...proto import otlp_pb2
    from ..profile.book import Book
    from ..profile.profile import Profile
    from ..profile.recording import Recording
    from ..profile.threads import Thread

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SDK_LANGUAGES = {"Python": "python", "JavaScript": "nodejs", "TypeScript": "nodejs", "Java": "java", "Go": "go"}
_FRAME_TYPES = {"Python": "cpython", "JavaScript": "v8js", "TypeScript": "v8js", "Java": "jvm", "Go": "go"}
"""OpenTelemetry's names, of `telemetry.sdk.language` and `profile.frame.type`."""


class OtlpFormat:
    """Bodies are a pprof of every stack of the window, then the profile in the protobuf format; reports are made when they are joined.

    All profiles of an OTLP request share one dictionary, so that none can be written before the others are known.
    """

    name = "otlp"
    content_type = "application/x-protobuf"

    def encode(self, profile: Profile) -> bytes:
        if profile.total_samples / profile.sampling.rate_hz * 1e9 >= 2**63:
            raise ValueError("its time has more nanoseconds than OTLP can write")
        from ..profile.recording import whole_of  # noqa: PLC0415 - with it come all exporters
        from . import pprof  # noqa: PLC0415

        stacks = pprof.dumps(whole_of(profile))
        return delimited(_STACKS, stacks) + stacks + ProtobufFormat().encode(profile)

    def join(self, bodies: Sequence[bytes], reported_at: datetime) -> bytes:
        from ...proto import otlp_pb2 as schema  # noqa: PLC0415 - google.protobuf is heavy, and only for reports

        ours = ProtobufFormat()
        by_resource: dict[_Resource, list[otlp_pb2.Profile]] = {}
        dictionary = _Dictionary()
        stacks, profiles = zip(*map(_parted, bodies), strict=True) if bodies else ((), ())
        for profile, its_stacks in zip(ours.decode(ours.join(profiles, reported_at)).profiles, stacks, strict=True):
            recording = _recording(profile, its_stacks)
            by_resource.setdefault(_resource(profile, recording), []).append(dictionary.profile(profile, recording))
        request = schema.ExportRequest(
            resource_profiles=[
                schema.ResourceProfiles(
                    resource=schema.Resource(attributes=[_attribute(name, value) for name, value in resource]),
                    scope_profiles=[
                        schema.ScopeProfiles(
                            scope=schema.Scope(name="multi_lang_profiler", version=AGENT_VERSION), profiles=profiles
                        )
                    ],
                )
                for resource, profiles in by_resource.items()
            ],
            dictionary=dictionary.message(),
        )
        return request.SerializeToString()

    def decode(self, body: bytes) -> Never:  # noqa: ARG002
        raise ValueError("OTLP is written only")


_STACKS = 15
"""Stands before the pprof in a body; no field of a profile has that number."""


def _parted(body: bytes) -> tuple[bytes, bytes]:
    """The pprof of a body, and the profile behind it."""
    if body[:1] != bytes((_STACKS << 3 | 2,)):
        return b"", body
    size, at, shift = 0, 1, 0
    while True:
        byte = body[at]
        size, at, shift = size | (byte & 0x7F) << shift, at + 1, shift + 7
        if byte < 0x80:
            return body[at : at + size], body[at + size :]


_Resource = tuple[tuple[str, str | int], ...]


def _recording(profile: Profile, stacks: bytes) -> Recording:
    """All of the window. A spool may still hold bodies without it."""
    from ..profile.recording import whole_of  # noqa: PLC0415 - with it come all exporters
    from .files import loads  # noqa: PLC0415 - as above

    return loads(stacks, profile.began_at) if stacks else whole_of(profile)


def _resource(profile: Profile, recording: Recording) -> _Resource:
    """What the window is of, by OpenTelemetry's names; what the user has labelled so stays. Of several processes it names none."""
    labels = dict(profile.labels)
    pids = {recording.table.threads[thread].pid for thread, _ in recording.counts.by_stack}
    pid = pids.pop() if len(pids) == 1 else 0
    known: dict[str, str | int] = {
        "service.name": labels.get("service") or PurePath(profile.source_file).stem or "unknown",
        "telemetry.sdk.language": _SDK_LANGUAGES.get(profile.language, profile.language.lower()),
        "telemetry.sdk.name": "multi_lang_profiler",
        "telemetry.sdk.version": AGENT_VERSION,
        "process.pid": pid,
        "process.executable.name": recording.executable if pid else "",
        "host.name": socket.gethostname(),
    }
    return tuple(sorted({**{name: value for name, value in known.items() if value}, **labels}.items()))


def _attribute(name: str, value: str | int) -> otlp_pb2.KeyValue:
    from ...proto import otlp_pb2 as schema  # noqa: PLC0415 - as above

    return schema.KeyValue(key=name, value=_any(value))


def _any(value: str | int) -> otlp_pb2.AnyValue:
    from ...proto import otlp_pb2 as schema  # noqa: PLC0415 - as above

    return schema.AnyValue(int_value=value) if isinstance(value, int) else schema.AnyValue(string_value=value)


class _Dictionary:
    """The tables of a request, in which profiles put what they refer to. Each table's first entry is empty."""

    def __init__(self) -> None:
        self._strings = {"": 0}
        self._functions: dict[tuple[str, str, int], int] = {("", "", 0): 0}
        self._locations: dict[tuple[int, int, int], int] = {(0, 0, 0): 0}
        self._stacks: dict[tuple[int, ...], int] = {(): 0}
        self._attributes: dict[tuple[str, str | int], int] = {("", ""): 0}

    def profile(self, profile: Profile, recording: Recording) -> otlp_pb2.Profile:
        from ...proto import otlp_pb2 as schema  # noqa: PLC0415 - as above

        table = recording.table
        names = FullNames(recording)
        period_ns = round(1e9 * recording.period_s)
        unit = schema.ValueType(
            type_strindex=self._string(profile.sampling.mode), unit_strindex=self._string("nanoseconds")
        )
        frame_type = _FRAME_TYPES.get(profile.language, "")
        kind = (
            self._attributes.setdefault(("profile.frame.type", frame_type), len(self._attributes)) if frame_type else 0
        )
        samples = []
        for (thread, stack), n in recording.counts.by_stack.items():
            locations = []
            for frame in reversed(table.stacks[stack]):
                index, line = table.frames[frame]
                known = table.functions[index]
                function = self._functions.setdefault(
                    (names.of(known), known.file, table.line_of(index)), len(self._functions)
                )
                locations.append(self._locations.setdefault((function, line, kind), len(self._locations)))
            stack_index = self._stacks.setdefault(tuple(locations), len(self._stacks))
            samples.append(
                schema.Sample(
                    stack_index=stack_index,
                    values=[n * period_ns],
                    attribute_indices=self._thread_attributes(table.threads[thread]),
                )
            )
        return schema.Profile(
            sample_type=unit,
            samples=samples,
            time_unix_nano=(recording.began_at - _EPOCH) // timedelta(microseconds=1) * 1_000,
            duration_nano=round(1e9 * recording.duration_s),
            period_type=unit,
            period=period_ns,
            profile_id=uuid.UUID(profile.profile_id).bytes,
            attribute_indices=self._cpu_attributes(profile.sampling.ledger),
        )

    def message(self) -> otlp_pb2.Dictionary:
        from ...proto import otlp_pb2 as schema  # noqa: PLC0415 - as above

        functions = [
            schema.Function(name_strindex=self._string(name), filename_strindex=self._string(file), start_line=line)
            for name, file, line in self._functions
        ]
        attributes = [
            schema.Attribute(
                key_strindex=self._string(name),
                value=_any(value),
            )
            if name
            else schema.Attribute()
            for name, value in self._attributes
        ]
        return schema.Dictionary(
            mapping_table=[schema.Mapping()],
            location_table=[
                schema.Location(
                    lines=[schema.Line(function_index=function, line=line)] if function else [],
                    attribute_indices=[kind] if kind else [],
                )
                for function, line, kind in self._locations
            ],
            function_table=functions,
            link_table=[schema.Link()],
            attribute_table=attributes,
            stack_table=[schema.Stack(location_indices=locations) for locations in self._stacks],
            string_table=self._strings,
        )

    def _thread_attributes(self, thread: Thread) -> list[int]:
        """OpenTelemetry's names; what is not known is left out."""
        told: tuple[tuple[str, str | int], ...] = (
            ("thread.name", thread.name),
            ("thread.id", thread.tid),
            ("process.pid", thread.pid),
            *thread.labels,
        )
        return [self._attributes.setdefault(each, len(self._attributes)) for each in told if each[1]]

    def _cpu_attributes(self, book: Book | None) -> list[int]:
        """Where the window's CPU time went, in microseconds, the parts that there are; native threads and processes not sampled are a sum each."""
        if book is None:
            return []
        parts_us = {
            "total": book.cpu_s,
            "attributed": book.attributed_s,
            "native_threads": sum(book.native_s.values()),
            "not_sampled": sum(book.unsampled_s.values()),
            "before_sampler": book.before_s,
            "gap": book.gaps_s,
            "lost": book.lost_s,
            "pending": book.pending_s,
            "left_over": book.left_over_s,
        }
        told = [(f"multi_lang_profiler.cpu.{name}_us", round(1e6 * seconds)) for name, seconds in parts_us.items()]
        return [self._attributes.setdefault(each, len(self._attributes)) for each in told if each[1]]

    def _string(self, text: str) -> int:
        return self._strings.setdefault(text, len(self._strings))
