"""Open engines get every stack of a window, with its thread: the bound of a profile is the house's own."""

from __future__ import annotations

import importlib
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from multi_lang_profiler.engine.formats import files, wire
from multi_lang_profiler.engine.profile.recording import Recording, whole_profile, without_facts
from multi_lang_profiler.engine.profile.stacks import Frame, StackCounts, StackTable
from multi_lang_profiler.proto import pyroscope_pb2
from tests.support.wheels import wheel

NOW = datetime(2026, 11, 29, tzinfo=UTC)
STACKS, DEPTH = 2_000, 12


def many_stacks() -> Recording:
    """Ten times as many stacks as a profile has room for, each seen once or twice, on two threads."""
    table, counts = StackTable(), StackCounts()
    threads = [table.thread(4711, 100 + at, f"load-{at}", (("req", f"r{at}"),)) for at in range(2)]
    for path in range(STACKS):
        frames = [Frame("<module>", "many.py", 30, 1)]
        frames += [Frame("left" if path >> bit & 1 else "right", "many.py", 10, 9) for bit in range(DEPTH - 1)]
        counts.add(threads[path % 2], table.stack([table.frame(frame) for frame in frames]), 1 + path % 2)
    return replace(without_facts(table, counts, NOW), language="Python", source_file="many.py")


@pytest.fixture(scope="module")
def recording() -> Recording:
    return many_stacks()


def test_pyroscope_gets_every_stack_and_thread(recording: Recording) -> None:
    profile = whole_profile(recording)
    push = pyroscope_pb2.PushRequest.FromString(wire.join([wire.encode(profile, "pyroscope")], NOW))
    read = files.loads(push.series[0].samples[0].raw_profile, NOW)
    depths = Counter[int]()
    for (_thread, stack), n in read.counts.by_stack.items():
        depths[len(read.table.stacks[stack])] += n
    assert depths == {DEPTH: recording.counts.total}
    assert {thread[:3] for thread in read.table.threads} == {(4711, 100, "load-0"), (4711, 101, "load-1")}


def test_otlp_gets_every_stack_and_thread(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(wheel("opentelemetry-proto", "1.45.2"))
    service = importlib.import_module("opentelemetry.proto.collector.profiles.v1development.profiles_service_pb2")
    profile = whole_profile(recording)
    body = wire.join([wire.encode(profile, "otlp"), wire.encode(profile, "otlp")], NOW)
    request: Any = service.ExportProfilesServiceRequest.FromString(body)
    dictionary, strings = request.dictionary, request.dictionary.string_table
    for sent in request.resource_profiles[0].scope_profiles[0].profiles:
        depths, threads = Counter[int](), set()
        for sample in sent.samples:
            depths[len(dictionary.stack_table[sample.stack_index].location_indices)] += sample.values[0] // sent.period
            told = {}
            for at in sample.attribute_indices:
                attribute = dictionary.attribute_table[at]
                told[strings[attribute.key_strindex]] = attribute.value.string_value or attribute.value.int_value
            threads.add(tuple(sorted(told.items())))
        assert depths == {DEPTH: recording.counts.total}
        assert threads == {
            (("process.pid", 4711), ("req", f"r{at}"), ("thread.id", 100 + at), ("thread.name", f"load-{at}"))
            for at in range(2)
        }


def test_house_formats_stay_bounded(recording: Recording) -> None:
    """Neither JSON nor protobuf grows: the contract bounds them."""
    profile = recording.profile()
    assert len(profile.call_stacks) < STACKS / 5
    for form in ("json", "protobuf"):
        assert len(wire.encode(profile, form).body) < 50_000


def test_what_a_spool_kept_before_is_still_sent(recording: Recording) -> None:
    """Bodies of OTLP that an older agent left on disk have no stacks of their own."""
    old = replace(wire.encode(recording.profile(), "protobuf"), format="otlp")
    assert wire.join([old], NOW)


def test_a_file_in_the_houses_form_says_what_it_had_no_room_for(recording: Recording) -> None:
    """`--json` of a whole run is bounded as reports are; how many functions, stacks and samples it has of how many stands in it."""
    told = json.loads(files.ENDINGS[".json"](recording))
    [bounded], [profile] = told["bounded"], told["profiles"]
    stacks = profile["runtime_analysis"]["call_stacks"]
    assert bounded == {
        "functions_kept": 3,
        "functions_executed": 3,
        "call_stacks_kept": len(stacks),
        "call_stacks_seen": STACKS,
        "samples_in_call_stacks": sum(stack["samples"] for stack in stacks),
        "total_samples": recording.counts.total,
    }
    assert bounded["call_stacks_kept"] <= 200
    assert bounded["samples_in_call_stacks"] < bounded["total_samples"]
