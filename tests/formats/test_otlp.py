"""Reports to an OpenTelemetry Collector: OTLP profiles, read with OpenTelemetry's own schema."""

from __future__ import annotations

import copy
import importlib
import socket
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from multi_lang_profiler.engine.formats import pprof, wire
from multi_lang_profiler.engine.profile.book import Book
from multi_lang_profiler.engine.profile.full_names import full_names
from multi_lang_profiler.engine.profile.recording import whole_of, whole_profile
from multi_lang_profiler.engine.profile.stacks import Function
from multi_lang_profiler.engine.varint import delimited
from multi_lang_profiler.proto import otlp_pb2
from tests.support import recordings
from tests.support.wheels import wheel

FIRST = replace(recordings.recording("flask_server").profile(), labels=(("service", "api"), ("zone", "é")))
FIRST = replace(
    FIRST, sampling=FIRST.sampling._replace(ledger=Book(20.0, 16.0, {"JIT": 1.5}, {("git", "too short"): 0.5}, 1.0))
)
SECOND = replace(FIRST, profile_id=str(UUID(int=2)), began_at=FIRST.began_at + timedelta(seconds=300))
OTHER = recordings.recording("typescript_compiler").profile()
REPORTED_AT = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def request_sent(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A report of three windows, as OpenTelemetry's own package reads it."""
    monkeypatch.syspath_prepend(wheel("opentelemetry-proto", "1.45.2"))
    service = importlib.import_module("opentelemetry.proto.collector.profiles.v1development.profiles_service_pb2")
    body = wire.join([wire.encode(profile, "otlp") for profile in (FIRST, SECOND, OTHER)], REPORTED_AT)
    return service.ExportProfilesServiceRequest.FromString(body)


def test_windows_are_grouped_by_what_they_are_of(request_sent: Any) -> None:
    """Windows of one service stand under one resource with its labels, each a profile with its id and its time."""
    first, second = request_sent.resource_profiles

    ours = {
        "telemetry.sdk.name": "multi_lang_profiler",
        "telemetry.sdk.version": "0.1.0",
        "host.name": socket.gethostname(),
    }
    attributes = {attribute.key: attribute.value.string_value for attribute in first.resource.attributes}
    assert attributes == {
        **ours,
        "service.name": "api",
        "telemetry.sdk.language": "python",
        "service": "api",
        "zone": "é",
    }
    attributes = {attribute.key: attribute.value.string_value for attribute in second.resource.attributes}
    assert attributes == {**ours, "service.name": "tsc", "telemetry.sdk.language": "nodejs"}
    [scope] = first.scope_profiles
    assert (scope.scope.name, scope.scope.version) == ("multi_lang_profiler", "0.1.0")
    assert [profile.profile_id for profile in scope.profiles] == [UUID(p.profile_id).bytes for p in (FIRST, SECOND)]
    assert [profile.time_unix_nano for profile in scope.profiles] == [
        int(p.began_at.timestamp()) * 10**9 for p in (FIRST, SECOND)
    ]
    assert scope.profiles[0].duration_nano == 16_100_000_000


def test_a_window_of_one_process_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pid and its executable are the resource's, when it began is exact; of two processes neither is, but each sample's own."""
    monkeypatch.syspath_prepend(wheel("opentelemetry-proto", "1.45.2"))
    service = importlib.import_module("opentelemetry.proto.collector.profiles.v1development.profiles_service_pb2")
    whole = replace(recordings.recording("small"), executable="python3.11")
    whole = replace(whole, began_at=whole.began_at + timedelta(microseconds=123_456))
    table = copy.deepcopy(whole.table)
    table.threads[:] = [thread._replace(pid=4711) for thread in table.threads]
    one = replace(whole, table=table)
    several = replace(whole, table=copy.deepcopy(table), counts=copy.deepcopy(whole.counts))
    other = several.table.thread(4712, 1)
    several.counts.add(other, 0, 5)
    told = []
    for window in (one, several):
        body = wire.join([wire.encode(whole_profile(window), "otlp")], REPORTED_AT)
        [sent] = service.ExportProfilesServiceRequest.FromString(body).resource_profiles
        told.append({each.key: each.value.int_value or each.value.string_value for each in sent.resource.attributes})
        assert (
            sent.scope_profiles[0].profiles[0].time_unix_nano == int(whole.began_at.timestamp()) * 10**9 + 123_456_000
        )
    assert (told[0]["process.pid"], told[0]["process.executable.name"]) == (4711, "python3.11")
    assert not {"process.pid", "process.executable.name"} & set(told[1])


def test_a_window_says_where_its_cpu_time_went(request_sent: Any) -> None:
    """The ledger's parts are attributes of the profile, in microseconds, and add up to the total."""
    table, strings = request_sent.dictionary.attribute_table, request_sent.dictionary.string_table
    profile = request_sent.resource_profiles[0].scope_profiles[0].profiles[0]
    told = {strings[table[at].key_strindex]: table[at].value.int_value for at in profile.attribute_indices}
    parts = {name.removeprefix("multi_lang_profiler.cpu."): us for name, us in told.items()}
    total_us = parts.pop("total_us")
    assert total_us == sum(parts.values()) == 20_000_000
    assert (parts["attributed_us"], parts["native_threads_us"], parts["not_sampled_us"]) == (16e6, 1.5e6, 0.5e6)


def test_every_sample_is_told_by_its_stack(request_sent: Any) -> None:
    """Through stacks, locations and functions of the dictionary each profile gives the self time of its functions."""
    dictionary = request_sent.dictionary
    strings = dictionary.string_table
    profiles = [
        profile for of in request_sent.resource_profiles for scope in of.scope_profiles for profile in scope.profiles
    ]
    for sent, profile in zip((FIRST, SECOND, OTHER), profiles, strict=True):
        assert strings[profile.sample_type.type_strindex] == "cpu"
        assert strings[profile.sample_type.unit_strindex] == "nanoseconds"
        assert profile.period == 4_000_000
        self_samples: Counter[str] = Counter()
        for sample in profile.samples:
            [value] = sample.values
            leaf = dictionary.location_table[dictionary.stack_table[sample.stack_index].location_indices[0]]
            function = dictionary.function_table[leaf.lines[0].function_index]
            self_samples[strings[function.name_strindex]] += value // profile.period
            [kind] = leaf.attribute_indices
            attribute = dictionary.attribute_table[kind]
            assert strings[attribute.key_strindex] == "profile.frame.type"
            assert attribute.value.string_value == {"Python": "cpython", "JavaScript": "v8js"}[sent.language]
        names = full_names(whole_of(sent))
        own: Counter[str] = Counter()
        for stats in sent.functions:
            own[names.of(Function(stats.name, stats.file))] += stats.self_samples
        assert self_samples == +own


def test_the_dictionary_keeps_its_rules(request_sent: Any) -> None:
    """Each table begins with an empty entry and has no entry twice, and every index leads somewhere."""
    dictionary = request_sent.dictionary
    for field, table in dictionary.ListFields():
        first = table[0]
        assert first in ("", type(first)()), field.name
        entries = [entry if isinstance(entry, str) else entry.SerializeToString() for entry in table]
        assert len(set(entries)) == len(entries), field.name
    assert len(dictionary.ListFields()) == 7
    assert all(
        index < len(dictionary.location_table) for stack in dictionary.stack_table for index in stack.location_indices
    )
    assert all(
        line.function_index < len(dictionary.function_table)
        for location in dictionary.location_table
        for line in location.lines
    )


def test_what_has_no_form_in_otlp_is_found_before_it_is_joined() -> None:
    """A profile whose time does not fit is refused alone, when it is encoded, not with the report it would be part of."""
    for broken in (replace(FIRST, total_samples=2**62), replace(FIRST, sampling=FIRST.sampling._replace(rate_hz=0.0))):
        with pytest.raises(wire.CannotEncode, match=FIRST.profile_id):
            wire.encode(broken, "otlp")


def test_an_empty_report_is_an_empty_request() -> None:
    """A report of no profiles tries the endpoint; it has no resource."""
    assert len(wire.FORMATS["otlp"].join([], REPORTED_AT)) < 40


def test_what_an_earlier_release_left_in_the_spool_is_reported() -> None:
    """Its bodies were a profile in protobuf, before it perhaps a pprof of every stack: they join with new ones."""
    recording = recordings.recording("small")
    stacks = pprof.dumps(recording)
    older = wire.FORMATS["protobuf"].encode(recording.profile())
    new = wire.FORMATS["otlp"].encode(whole_profile(recording))
    bodies = [older, delimited(15, stacks) + stacks + older, new]
    request = otlp_pb2.ExportRequest.FromString(wire.FORMATS["otlp"].join(bodies, REPORTED_AT))
    scopes = [scope for resource in request.resource_profiles for scope in resource.scope_profiles]
    profiles = [profile for scope in scopes for profile in scope.profiles]
    sums = [sum(sample.values[0] for sample in profile.samples) for profile in profiles]
    assert sums == [recording.counts.total * 4_000_000] * 3
    # Of what was bounded threads are not known.
    assert max(len(profile.samples) for profile in profiles) == len(recording.counts.by_stack)


def test_joined_windows_say_what_they_say_alone() -> None:
    """A report of three windows has each as a report of one has it, though they share a dictionary."""
    windows = []
    for name in ("small", "flask_server", "lizard"):
        recording = recordings.recording(name)
        windows.append(wire.FORMATS["otlp"].encode(whole_profile(recording)))
    alone = [told(wire.FORMATS["otlp"].join([window], REPORTED_AT)) for window in windows]
    together = told(wire.FORMATS["otlp"].join(windows, REPORTED_AT))
    assert together == sum(alone, Counter())
    assert all(alone)


def told(body: bytes) -> Counter[Any]:
    """Window's id, stack, attributes -> nanoseconds."""
    request = otlp_pb2.ExportRequest.FromString(body)
    tables = request.dictionary
    texts = tables.string_table

    def frame(at: int) -> tuple[str, str, int, int, str]:
        [line] = tables.location_table[at].lines
        [kind] = tables.location_table[at].attribute_indices
        function = tables.function_table[line.function_index]
        place = texts[function.filename_strindex], function.start_line, line.line
        return texts[function.name_strindex], *place, tables.attribute_table[kind].value.string_value

    found: Counter[Any] = Counter()
    for resource in request.resource_profiles:
        for profile in (profile for scope in resource.scope_profiles for profile in scope.profiles):
            kinds = [texts[at.unit_strindex] for at in (profile.sample_type, profile.period_type)]
            for sample in profile.samples:
                stack = tuple(frame(at) for at in tables.stack_table[sample.stack_index].location_indices)
                given = [tables.attribute_table[at] for at in sample.attribute_indices]
                attributes = tuple((texts[each.key_strindex], str(each.value)) for each in given)
                found[profile.profile_id, *kinds, stack, attributes] += sample.values[0]
    return found
