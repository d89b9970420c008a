"""OpenTelemetry's profiles over OTLP/HTTP; experimental, as they are upstream (`v1development`).

The endpoint is `http://HOST:4318/v1development/profiles` of any OpenTelemetry Collector that takes profiles.
"""

from __future__ import annotations

import socket
import uuid
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING, Never

from ..profile.full_names import full_names
from ..settings import AGENT_VERSION
from ..varint import Texts, delimited, message, varint
from .protobuf import ProtobufFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    """A body is a packed report of one window. All profiles of a report share one dictionary: of several windows a new one is made."""

    name = "otlp"
    content_type = "application/x-protobuf"

    def encode(self, profile: Profile) -> bytes:
        if profile.total_samples / profile.sampling.rate_hz * 1e9 >= 2**63:
            raise ValueError("its time has more nanoseconds than OTLP can write")
        from ..profile.recording import whole_of  # noqa: PLC0415 - with it come all exporters

        return _body(profile, whole_of(profile))

    def join(self, bodies: Sequence[bytes], reported_at: datetime) -> bytes:  # noqa: ARG002 - a report does not say it
        windows = [zlib.decompress(body if body.startswith(_PACKED) else _brought_up(body)) for body in bodies]
        return windows[0] if len(windows) == 1 else _joined(windows)

    def decode(self, body: bytes) -> Never:  # noqa: ARG002
        raise ValueError("OTLP is written only")


_PACKED = b"\x78"
"""How zlib's form begins, and no field of a profile."""
_FAST = 1
"""zlib's level: it is packed for the buffer and the spool, and once more on its way."""
_STACKS = 15
"""Stood before the pprof in a body of earlier releases, a profile in the protobuf format behind it."""


def _body(profile: Profile, recording: Recording) -> bytes:
    from ...proto import otlp_pb2 as schema  # noqa: PLC0415 - google.protobuf is heavy, and only for reports

    dictionary = _Dictionary()
    resource, made = _resource(profile, recording), dictionary.profile(profile, recording)
    scope = schema.ScopeProfiles(scope=schema.Scope(name="multi_lang_profiler", version=AGENT_VERSION))
    of_resource = schema.ResourceProfiles(
        resource=schema.Resource(attributes=[_attribute(name, value) for name, value in resource])
    )
    within = of_resource.SerializeToString() + _field(2, scope.SerializeToString() + _field(2, made))
    return zlib.compress(_field(1, within) + _field(2, dictionary.written()), _FAST)


def _field(number: int, message: bytes) -> bytes:
    return delimited(number, message) + message


def _joined(windows: Sequence[bytes]) -> bytes:
    """One report of several: windows of one resource under it, all with one dictionary."""
    from ...proto import otlp_pb2 as schema  # noqa: PLC0415 - as above

    dictionary = _Dictionary()
    by_resource: dict[bytes, otlp_pb2.ResourceProfiles] = {}
    for window in windows:
        request = schema.ExportRequest.FromString(window)
        for of_resource in request.resource_profiles:
            profiles = [profile for scope in of_resource.scope_profiles for profile in scope.profiles]
            dictionary.take_over(request.dictionary, profiles)
            known = by_resource.setdefault(of_resource.resource.SerializeToString(deterministic=True), of_resource)
            if known is not of_resource:
                known.scope_profiles[0].profiles.extend(profiles)
    rest = schema.ExportRequest(resource_profiles=by_resource.values())
    return rest.SerializeToString() + _field(2, dictionary.written())


def _brought_up(body: bytes) -> bytes:
    """A body that an earlier release has left in the spool: a profile, before it perhaps a pprof of every stack."""
    from ..profile.recording import whole_of  # noqa: PLC0415 - with it come all exporters
    from .files import loads  # noqa: PLC0415 - as above

    ours = ProtobufFormat()
    stacks, body = _parted(body)
    [profile] = ours.decode(ours.join([body], _EPOCH)).profiles
    return _body(profile, loads(stacks, profile.began_at) if stacks else whole_of(profile))


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
        self._strings = Texts()
        self._functions: dict[tuple[str, str, int], int] = {("", "", 0): 0}
        self._locations: dict[tuple[int, int, int], int] = {(0, 0, 0): 0}
        self._stacks: dict[bytes, int] = {b"": 0}
        """By their locations, leaf first, as they are written."""
        self._attributes: dict[tuple[str, str | int], int] = {("", ""): 0}

    def profile(self, profile: Profile, recording: Recording) -> bytes:
        from ...proto import otlp_pb2 as schema  # noqa: PLC0415 - as above

        table, by_stack = recording.table, recording.counts.by_stack
        period_ns = round(1e9 * recording.period_s)
        unit = schema.ValueType(
            type_strindex=self._strings[profile.sampling.mode], unit_strindex=self._strings["nanoseconds"]
        )
        frame_type = _FRAME_TYPES.get(profile.language, "")
        kind = self._noted("profile.frame.type", frame_type) if frame_type else 0
        stacks = {stack for _, stack in by_stack}
        numbers = self._frames(recording, set().union(*[table.stacks[stack] for stack in stacks]), kind)
        number_of = numbers.__getitem__
        known = self._stacks
        places = {
            stack: b"\x08" + varint(known.setdefault(b"".join(map(number_of, table.stacks[stack][::-1])), len(known)))
            for stack in stacks
        }
        values = {n: message(b"\x22", varint(n * period_ns)) for n in set(by_stack.values())}
        threads = {
            thread: message(b"\x12", b"".join([varint(at) for at in self._of_thread(table.threads[thread])]))
            for thread in {thread for thread, _ in by_stack}
        }
        samples: list[bytes] = []
        for (thread, stack), n in by_stack.items():
            row = places[stack] + threads[thread] + values[n]
            samples += (b"\x12", varint(len(row)), row)
        rest = schema.Profile(
            sample_type=unit,
            time_unix_nano=(recording.began_at - _EPOCH) // timedelta(microseconds=1) * 1_000,
            duration_nano=round(1e9 * recording.duration_s),
            period_type=unit,
            period=period_ns,
            profile_id=uuid.UUID(profile.profile_id).bytes,
            attribute_indices=self._cpu_attributes(profile.sampling.ledger),
        )
        return rest.SerializeToString() + b"".join(samples)

    def _frames(self, recording: Recording, frames: Iterable[int], kind: int) -> dict[int, bytes]:
        """For each of `frames` its place among the locations, as bytes; `kind` is the attribute that says whose code it is."""
        table, names = recording.table, full_names(recording)
        functions: dict[int, int] = {}
        numbers = {}
        for frame in sorted(frames):
            index, line = table.frames[frame]
            place = functions.get(index)
            if place is None:
                function = table.functions[index]
                key = names.of(function), function.file, table.line_of(index)
                place = functions[index] = self._functions.setdefault(key, len(self._functions))
            numbers[frame] = varint(self._locations.setdefault((place, line, kind), len(self._locations)))
        return numbers

    def take_over(self, other: otlp_pb2.Dictionary, profiles: Sequence[otlp_pb2.Profile]) -> None:
        """Have `profiles`, which refer to `other`, refer to this one."""
        texts = other.string_table
        attributes = []
        for attribute in other.attribute_table:
            value = attribute.value
            told = texts[attribute.key_strindex], value.int_value or value.string_value
            attributes.append(self._noted(*told))
        functions = [
            self._functions.setdefault(
                (texts[function.name_strindex], texts[function.filename_strindex], function.start_line),
                len(self._functions),
            )
            for function in other.function_table
        ]
        locations = [0]
        for location in other.location_table[1:]:
            [line] = location.lines
            kind = attributes[location.attribute_indices[0]] if location.attribute_indices else 0
            key = functions[line.function_index], line.line, kind
            locations.append(self._locations.setdefault(key, len(self._locations)))
        numbers = [varint(at) for at in locations]
        stacks = [
            self._stacks.setdefault(b"".join([numbers[at] for at in stack.location_indices]), len(self._stacks))
            for stack in other.stack_table
        ]
        for profile in profiles:
            for measure in (profile.sample_type, profile.period_type):
                measure.type_strindex = self._strings[texts[measure.type_strindex]]
                measure.unit_strindex = self._strings[texts[measure.unit_strindex]]
            profile.attribute_indices[:] = [attributes[at] for at in profile.attribute_indices]
            for sample in profile.samples:
                sample.stack_index = stacks[sample.stack_index]
                sample.attribute_indices[:] = [attributes[at] for at in sample.attribute_indices]

    def written(self) -> bytes:
        """Its bytes."""
        from ...proto import otlp_pb2 as schema  # noqa: PLC0415 - as above

        attributes = [
            schema.Attribute(
                key_strindex=self._strings[name],
                value=_any(value),
            )
            if name
            else schema.Attribute()
            for name, value in self._attributes
        ]
        made = []
        for name, file, line in self._functions:
            told = ((b"\x08", self._strings[name]), (b"\x18", self._strings[file]), (b"\x20", line))
            made.append(message(b"\x1a", b"".join([field + varint(value) for field, value in told if value])))
        for function, line, kind in self._locations:
            of_line = message(b"\x1a", b"\x08" + varint(function) + b"\x10" + varint(line)) if function else b""
            made.append(message(b"\x12", of_line + (message(b"\x22", varint(kind)) if kind else b"")))
        made += [message(b"\x3a", message(b"\x0a", stack) if stack else b"") for stack in self._stacks]
        rest = schema.Dictionary(
            mapping_table=[schema.Mapping()],
            link_table=[schema.Link()],
            attribute_table=attributes,
            string_table=self._strings,
        )
        return rest.SerializeToString() + b"".join(made)

    def _of_thread(self, thread: Thread) -> list[int]:
        """OpenTelemetry's names; what is not known is left out."""
        told: tuple[tuple[str, str | int], ...] = (
            ("thread.name", thread.name),
            ("thread.id", thread.tid),
            ("process.pid", thread.pid),
            *thread.labels,
        )
        return [self._noted(*each) for each in told if each[1]]

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
        return [self._noted(*each) for each in told if each[1]]

    def _noted(self, name: str, value: str | int) -> int:
        return self._attributes.setdefault((name, value), len(self._attributes))
