"""Reports to Grafana Pyroscope: its push API, fed with pprof."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.command import options
from multi_lang_profiler.engine.formats import wire
from multi_lang_profiler.engine.formats.files import read
from multi_lang_profiler.proto import pyroscope_pb2
from tests.support import recordings
from tests.support.profiles import self_samples
from tests.support.viewers import go_tool_pprof
from tests.support.wheels import protoc

if TYPE_CHECKING:
    from pathlib import Path

FIRST = replace(
    recordings.recording("flask_server").profile(), labels=(("service", "api"), ("zone-1", "a"), ("9", "é"))
)
SECOND = replace(recordings.recording("small").profile(), began_at=FIRST.began_at + timedelta(seconds=300))
PUSH = wire.join([wire.encode(profile, "pyroscope") for profile in (FIRST, SECOND)], datetime(2026, 11, 24, tzinfo=UTC))


def test_a_push_is_what_the_service_describes() -> None:
    """One POST holds a series for each window: labels by the service's rules, the profile's id, a gzipped pprof."""
    assert wire.FORMATS["pyroscope"].content_type == "application/proto"
    text = protoc(
        "-Iproto", "--decode=multi_lang_profiler.pyroscope.PushRequest", "pyroscope.proto", stdin=PUSH
    ).decode("latin-1")
    first, second = text.split("series {")[1:]

    labels = dict(re.findall(r'name: "(.*)"\n +value: "(.*)"', first))
    assert labels == {
        "__name__": "process_cpu",
        "_9": r"\303\251",
        "language": "python",
        "service": "api",
        "service_name": "api",
        "zone_1": "a",
    }
    assert f'id: "{FIRST.profile_id}"' in first
    assert r'raw_profile: "\037\213' in first
    assert 'value: "small"' in second
    assert f'id: "{SECOND.profile_id}"' in second


def test_whatever_the_labels_are_the_series_is_valid() -> None:
    """Names are Prometheus's, each once, few enough; what is ours stays; no label of the user's is in another's place."""
    given = {
        "a.b": "1",
        "a-b": "2",
        "a_b": "3",
        "__name__": "4",
        "__session_id__": "5",
        "": "6",
        "é": "7",
        "0": "8",
        "x" * 512: "9",
    }
    given |= {f"label{number:02}": "v" for number in range(40)}
    profile = replace(FIRST, labels=tuple(given.items()))
    [series] = pyroscope_pb2.PushRequest.FromString(
        wire.join([wire.encode(profile, "pyroscope")], FIRST.began_at)
    ).series
    names = [label.name for label in series.labels]
    assert all(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name) for name in names)
    assert len(set(names)) == len(names) <= 30
    labels = {label.name: label.value for label in series.labels}
    assert [labels[name] for name in ("a_b", "a_b_2", "a_b_3", "_name__", "_0")] == ["1", "2", "3", "4", "8"]
    assert labels["__name__"] == "process_cpu"


def test_each_window_is_a_pprof_of_its_own(tmp_path: Path) -> None:
    """What is pushed is read by `go tool pprof`, with every sample of the window, when it began and how long it was."""
    for series, profile in zip(pyroscope_pb2.PushRequest.FromString(PUSH).series, (FIRST, SECOND), strict=True):
        file = tmp_path / f"{profile.profile_id}.pb.gz"
        file.write_bytes(series.samples[0].raw_profile)

        recording = read(file)

        said: Counter[str] = Counter()
        for (name, _), samples in self_samples(recording).items():
            said[name] += samples
        assert said == {stats.name: stats.self_samples for stats in profile.functions if stats.self_samples}
        assert (recording.began_at, recording.duration_s) == (profile.began_at, profile.duration_s)
        hottest = profile.functions[0]
        top = go_tool_pprof("-top", "-sample_index=samples", "-nodecount=1", file)
        assert re.search(rf"^ +{hottest.self_samples} .* ([\w/]+\.)*{re.escape(hottest.name)}$", top, re.MULTILINE)


def test_elapsed_time_is_told_from_cpu_time() -> None:
    """A wall-clock profile is another kind of profile there, with another unit's name."""
    profile = replace(FIRST, sampling=FIRST.sampling._replace(mode="wall"))
    [series] = pyroscope_pb2.PushRequest.FromString(
        wire.join([wire.encode(profile, "pyroscope")], FIRST.began_at)
    ).series
    assert {label.name: label.value for label in series.labels}["__name__"] == "wall"


def test_a_push_can_be_read_back() -> None:
    """A backend of ours takes a push, too: the same profiles by their ids, with the same self samples."""
    read_back = wire.decode(PUSH, "application/proto").profiles

    assert [profile.profile_id for profile in read_back] == [FIRST.profile_id, SECOND.profile_id]
    assert [profile.total_samples for profile in read_back] == [FIRST.total_samples, SECOND.total_samples]
    assert read_back[1].functions[0].self_samples == SECOND.functions[0].self_samples


def test_every_wire_format_can_be_asked_for() -> None:
    """`--report-format` knows the formats there are, though it does not load them."""
    assert tuple(wire.FORMATS) == options.FORMATS
