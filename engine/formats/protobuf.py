"""The same facts as the JSON's, as `proto/profile.proto` lays them out: in columns, with derivable numbers left out."""

from __future__ import annotations

import math
import uuid
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING

from ..profile.book import Book
from ..profile.profile import CallStack, FunctionStats, Profile, Sampling
from ..settings import AGENT_VERSION
from ..sources.static_analysis import StaticAnalysis
from ..varint import delimited
from .wire_format import STATIC_FIELDS, Batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...proto import profile_pb2

MAX_FRAMES = 5_000
"""Frames of all call stacks of one profile that are read: more than a profile has room for, and what keeps a few bytes
that say "the same frames again" from filling the reader's memory."""


class ProtobufFormat:
    """Imports google.protobuf, which takes longer than a profile does, when first used."""

    name = "protobuf"
    content_type = "application/x-protobuf"

    def encode(self, profile: Profile) -> bytes:
        from ...proto import profile_pb2 as schema  # noqa: PLC0415 - see the class

        files: dict[str, int] = {}
        message = schema.Profile(
            profile_id=bytes.fromhex(profile.profile_id.replace("-", "")),
            language=profile.language,
            source_file=profile.source_file,
            timestamp=_unix_s(profile.began_at),
            duration_ms=round(1000 * profile.duration_s),
            total_samples=profile.total_samples,
            functions_executed=profile.functions_executed,
            sampling=schema.Sampling(
                mode=profile.sampling.mode,
                rate_hz=profile.sampling.rate_hz,
                covered_ms=round(1000 * profile.sampling.covered_s),
                lost_samples=profile.sampling.lost_samples,
            ),
            labels=dict(profile.labels),
        )
        # Filled in place: a message given to another's constructor is copied.
        columns, functions = message.functions, profile.functions
        columns.name.extend([stats.name for stats in functions])
        columns.file.extend([files.setdefault(stats.file, len(files)) for stats in functions])
        columns.line.extend([stats.line for stats in functions])
        columns.self_samples.extend([stats.self_samples for stats in functions])
        columns.total_samples.extend([stats.total_samples for stats in functions])
        columns.files.extend(files)
        _write_call_stacks(message.call_stacks, profile.call_stacks)
        if profile.sampling.ledger is not None:
            _write_ledger(message.cpu, profile.sampling.ledger)
        if profile.static is not None:
            for name in STATIC_FIELDS:
                setattr(message.static_analysis, name, getattr(profile.static, name))
            message.static_analysis.SetInParent()
        return message.SerializeToString()

    def join(self, bodies: Sequence[bytes], reported_at: datetime) -> bytes:
        from ...proto import profile_pb2 as schema  # noqa: PLC0415 - see the class

        profiles = [part for body in bodies for part in (delimited(1, body), body)]
        rest = schema.ReportBatch(reported_at=_unix_s(reported_at), agent_version=AGENT_VERSION)
        return b"".join((*profiles, rest.SerializeToString()))

    def decode(self, body: bytes) -> Batch:
        from google.protobuf.message import DecodeError  # noqa: PLC0415 - see the class

        from ...proto import profile_pb2 as schema  # noqa: PLC0415

        try:
            batch = schema.ReportBatch.FromString(body)
        except DecodeError as error:
            raise ValueError(error) from error
        try:
            return Batch(tuple(map(_profile, batch.profiles)), _time(batch.reported_at), batch.agent_version)
        except (IndexError, OverflowError) as error:
            raise ValueError(error) from error


def _write_call_stacks(columns: profile_pb2.CallStacks, stacks: Sequence[CallStack]) -> None:
    samples, shared, own = [], [], []
    new: list[tuple[int, int]] = []
    previous: tuple[tuple[int, int], ...] = ()
    for stack in sorted(stacks, key=attrgetter("frames")):
        frames = stack.frames
        same = 0
        for frame, frame_before in zip(frames, previous, strict=False):
            # Most are one and the same object: seen faster than compared.
            if frame is not frame_before and frame != frame_before:
                break
            same += 1
        samples.append(stack.samples)
        shared.append(same)
        own.append(len(frames) - same)
        new += frames[same:]
        previous = frames
    columns.samples.extend(samples)
    columns.shared.extend(shared)
    columns.own.extend(own)
    columns.function.extend([function for function, _ in new])
    columns.line.extend([line for _, line in new])


def _read_call_stacks(columns: profile_pb2.CallStacks, functions: int) -> tuple[CallStack, ...]:
    new = list(zip(columns.function, columns.line, strict=True))
    if any(function >= functions for function, _ in new):
        raise ValueError("a call stack names a function that is not there")
    stacks: list[CallStack] = []
    frames: tuple[tuple[int, int], ...] = ()
    position = total = 0
    for samples, shared, own in zip(columns.samples, columns.shared, columns.own, strict=True):
        if shared > len(frames) or own > len(new) - position or not shared + own:
            raise ValueError("a call stack has fewer frames than it says")
        frames = frames[:shared] + tuple(new[position : position + own])
        position += own
        total += len(frames)
        if total > MAX_FRAMES:
            raise ValueError(f"the call stacks of a profile have more than {MAX_FRAMES} frames")
        stacks.append(CallStack(frames, samples))
    return tuple(stacks)


def _write_ledger(message: profile_pb2.CpuLedger, book: Book) -> None:
    message.cpu_us, message.attributed_us = _us(book.cpu_s), _us(book.attributed_s)
    message.native_threads.group.extend(book.native_s)
    message.native_threads.us.extend(map(_us, book.native_s.values()))
    message.unsampled.command.extend([command for command, _ in book.unsampled_s])
    message.unsampled.reason.extend([reason for _, reason in book.unsampled_s])
    message.unsampled.us.extend(map(_us, book.unsampled_s.values()))
    message.before_sampler_us, message.gap_us = _us(book.before_s), _us(book.gaps_s)
    message.lost_us, message.pending_us = _us(book.lost_s), _us(book.pending_s)
    # Of the rounded ones, so that they add up to the last digit.
    named_us = sum(
        (*message.native_threads.us, *message.unsampled.us, message.before_sampler_us, message.gap_us, message.lost_us)
    )
    message.left_over_us = message.cpu_us - message.attributed_us - message.pending_us - named_us


def _read_ledger(message: profile_pb2.CpuLedger) -> Book:
    native, unsampled = message.native_threads, message.unsampled
    commands = zip(unsampled.command, unsampled.reason, strict=True)
    return Book(
        cpu_s=message.cpu_us / 1e6,
        attributed_s=message.attributed_us / 1e6,
        native_s={group: us / 1e6 for group, us in zip(native.group, native.us, strict=True)},
        unsampled_s={key: us / 1e6 for key, us in zip(commands, unsampled.us, strict=True)},
        before_s=message.before_sampler_us / 1e6,
        gaps_s=message.gap_us / 1e6,
        lost_s=message.lost_us / 1e6,
        pending_s=message.pending_us / 1e6,
    )


def _us(seconds: float) -> int:
    return round(1e6 * seconds)


def _profile(message: profile_pb2.Profile) -> Profile:
    columns = message.functions
    functions = tuple(
        FunctionStats(name, columns.files[file], line, self_samples, total_samples)
        for name, file, line, self_samples, total_samples in zip(
            columns.name, columns.file, columns.line, columns.self_samples, columns.total_samples, strict=True
        )
    )
    static = None
    if message.HasField("static_analysis"):
        static = StaticAnalysis(**{name: getattr(message.static_analysis, name) for name in STATIC_FIELDS})
    return Profile(
        profile_id=str(uuid.UUID(bytes=message.profile_id)),
        language=message.language,
        source_file=message.source_file,
        began_at=_time(message.timestamp),
        duration_s=message.duration_ms / 1000,
        total_samples=message.total_samples,
        functions=functions,
        functions_executed=message.functions_executed,
        call_stacks=_read_call_stacks(message.call_stacks, len(functions)),
        sampling=Sampling(
            mode=message.sampling.mode,
            rate_hz=message.sampling.rate_hz,
            covered_s=message.sampling.covered_ms / 1000,
            lost_samples=message.sampling.lost_samples,
            ledger=_read_ledger(message.cpu) if message.HasField("cpu") else None,
        ),
        static=static,
        labels=tuple(sorted(message.labels.items())),
    )


def _unix_s(moment: datetime) -> int:
    return math.floor(moment.timestamp())


def _time(unix_s: int) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
