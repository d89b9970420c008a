"""The contract's JSON: one envelope a report. Its field names are the contract; additions stand beside them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..clock import rfc3339
from ..profile.book import book_from_object
from ..profile.json_object import JsonObject, parse
from ..profile.profile import (
    CallStack,
    FunctionStats,
    Profile,
    Sampling,
    hot_functions,
    is_remainder,
    new_profile_id,
    percentage,
)
from ..profile.stacks import valid_text
from ..settings import AGENT_VERSION
from .wire_format import STATIC_FIELDS, Batch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ..sources.static_analysis import StaticAnalysis


class JsonFormat:
    name = "json"
    content_type = "application/json"

    def encode(self, profile: Profile) -> bytes:
        return json.dumps(profile_object(profile), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()

    def join(self, bodies: Sequence[bytes], reported_at: datetime) -> bytes:
        end = f'],"reported_at":"{rfc3339(reported_at)}","agent_version":"{AGENT_VERSION}"}}'
        return b"".join((b'{"profiles":[', b",".join(bodies), end.encode()))

    def decode(self, body: bytes) -> Batch:
        """Takes reports of other agents, too, that know nothing of our additions."""
        envelope = JsonObject(parse(body), "the envelope")
        return Batch(
            profiles=tuple(
                _profile(JsonObject(item, f"profiles[{n}]")) for n, item in enumerate(envelope.array("profiles"))
            ),
            reported_at=envelope.time("reported_at"),
            agent_version=envelope.text("agent_version"),
        )


def profile_object(profile: Profile) -> dict[str, Any]:
    """`profile` as one entry of the envelope's `profiles`."""
    total = profile.total_samples
    names = [stats.name for stats in profile.functions]
    return {
        "profile_id": profile.profile_id,
        "language": profile.language,
        "source_file": profile.source_file,
        "timestamp": rfc3339(profile.began_at),
        "static_analysis": profile.static and {name: getattr(profile.static, name) for name in STATIC_FIELDS},
        "runtime_analysis": {
            "total_samples": total,
            "execution_duration_secs": round(profile.duration_s, 3),
            "functions_executed": profile.functions_executed,
            "function_stats": {
                stats.name: {
                    "name": stats.name,
                    "execution_count": stats.self_samples,
                    "percentage": percentage(stats.self_samples, total),
                    "line_number": stats.line,
                    "file_path": stats.file,
                    "total_count": stats.total_samples,
                }
                for stats in profile.functions
            },
            "hot_functions": [
                {
                    "rank": rank,
                    "name": stats.name,
                    "samples": stats.self_samples,
                    "percentage": percentage(stats.self_samples, total),
                }
                for rank, stats in enumerate(hot_functions(profile), start=1)
            ],
            # Most frequent first. The frames, root first, are keys of function_stats, the lines those executed in them.
            "call_stacks": [
                {
                    "samples": stack.samples,
                    "frames": [names[function] for function, _ in stack.frames],
                    "lines": [line for _, line in stack.frames],
                }
                for stack in sorted(profile.call_stacks, key=lambda stack: -stack.samples)
            ],
            **({"cpu": profile.sampling.ledger.as_object()} if profile.sampling.ledger else {}),
        },
        "sampling": {
            "mode": profile.sampling.mode,
            "rate_hz": profile.sampling.rate_hz,
            "covered_secs": round(profile.sampling.covered_s, 3),
            "lost_samples": profile.sampling.lost_samples,
        },
        "labels": dict(profile.labels),
    }


def bounds_object(profile: Profile, stacks_seen: int) -> dict[str, int]:
    """How much of a run `profile` had room for. `stacks_seen`: different ones, of functions and the lines executed in them."""
    return {
        "functions_kept": sum(not is_remainder(stats.name) for stats in profile.functions),
        "functions_executed": profile.functions_executed,
        "call_stacks_kept": len(profile.call_stacks),
        "call_stacks_seen": stacks_seen,
        "samples_in_call_stacks": sum(stack.samples for stack in profile.call_stacks),
        "total_samples": profile.total_samples,
    }


def _profile(item: JsonObject) -> Profile:
    runtime = item.child("runtime_analysis")
    duration_s = runtime.number("execution_duration_secs")
    functions = _functions(runtime.child("function_stats"))
    indexes = {stats.name: index for index, stats in enumerate(functions)}
    sampling = item.child("sampling", {})
    labels = item.child("labels", {})
    return Profile(
        # Without an id nothing can be said of duplicates.
        profile_id=item.text("profile_id", new_profile_id()),
        language=item.text("language"),
        source_file=item.text("source_file"),
        began_at=item.time("timestamp"),
        duration_s=duration_s,
        total_samples=runtime.integer("total_samples"),
        functions=functions,
        functions_executed=runtime.integer("functions_executed"),
        call_stacks=_call_stacks(runtime.array("call_stacks", []), indexes),
        sampling=Sampling(
            mode=sampling.text("mode", "cpu"),
            rate_hz=sampling.number("rate_hz", 0.0),
            covered_s=sampling.number("covered_secs", duration_s),
            lost_samples=sampling.integer("lost_samples", 0),
            ledger=book_from_object(runtime.child("cpu")) if runtime.fields.get("cpu") is not None else None,
        ),
        static=_static(item),
        labels=tuple(sorted((key, labels.text(key)) for key in labels.fields)),
    )


def _functions(function_stats: JsonObject) -> tuple[FunctionStats, ...]:
    functions = []
    for name, stats in function_stats.children():
        self_samples = stats.integer("execution_count")
        functions.append(
            FunctionStats(
                name=name,
                file=stats.text("file_path"),
                line=stats.integer("line_number"),
                self_samples=self_samples,
                total_samples=stats.integer("total_count", self_samples),
            )
        )
    functions.sort(key=lambda stats: (is_remainder(stats.name), -stats.self_samples))
    return tuple(functions)


def _static(item: JsonObject) -> StaticAnalysis | None:
    if item.fields.get("static_analysis") is None:
        return None
    from ..sources.static_analysis import StaticAnalysis  # noqa: PLC0415 - not for what is only written

    static = item.child("static_analysis")
    counts: dict[str, Any] = {name: static.integer(name) for name in STATIC_FIELDS}
    return StaticAnalysis(**counts)


def _call_stacks(items: list[Any], indexes: dict[str, int]) -> tuple[CallStack, ...]:
    stacks = [_call_stack(JsonObject(item, f"call_stacks[{number}]"), indexes) for number, item in enumerate(items)]
    return tuple(sorted(stacks, key=lambda stack: stack.frames))


def _call_stack(stack: JsonObject, indexes: dict[str, int]) -> CallStack:
    frames, lines = stack.array("frames"), stack.array("lines")
    unknown = [frame for frame in frames if not isinstance(frame, str) or valid_text(frame) not in indexes]
    if unknown:
        raise ValueError(f"{stack.place} names {str(unknown[0])[:80]!r}, which function_stats does not know")
    if not frames:
        raise ValueError(f"{stack.place} has no frames")
    if not all(type(line) is int and line >= 0 for line in lines):
        raise ValueError(f"{stack.place}.lines are not all numbers from 0")
    return CallStack(
        tuple(zip((indexes[valid_text(frame)] for frame in frames), lines, strict=True)), stack.integer("samples")
    )
