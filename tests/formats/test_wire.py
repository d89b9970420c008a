"""The wire formats: what a backend is sent, and that it says what was measured."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.formats import wire
from multi_lang_profiler.engine.formats.wire_format import Batch
from multi_lang_profiler.engine.profile.profile import (
    CallStack,
    FunctionStats,
    Profile,
    Sampling,
    hot_functions,
    percentage,
)
from multi_lang_profiler.engine.sources.static_analysis import StaticAnalysis
from tests.benchmarks.wire import batch_costs, profile_costs
from tests.support import recordings
from tests.support.profiles import profiles
from tests.support.wheels import ROOT, protoc, wheel

REPORTED_AT = datetime(2025, 11, 8, 23, 45, tzinfo=UTC)
OLDEST_PROTOBUF = "read_back or replaced or cannot_be_encoded or damaged or memory or protoc"
"""The tests that are run under protobuf 3.20.3, too."""
# It calls what Python 3.12 and newer deprecate, which a user is not told.
PYTEST_OPTIONS = ("-q", "-p", "no:cacheprovider", "-W", "ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")
READ_FORMATS = [form for form in wire.FORMATS if form != "otlp"]
FORMATS = pytest.mark.parametrize("form", READ_FORMATS)
EXACT_FORMATS = pytest.mark.parametrize("form", ["json", "protobuf"])

PROFILE = Profile(
    profile_id="0b9ff0d8-6c2e-4b9c-8a4e-3f6f4d1f6a55",
    language="Python",
    source_file="server.py",
    began_at=datetime(2025, 11, 8, 23, 40, tzinfo=UTC),
    duration_s=300.0,
    total_samples=1000,
    functions=(
        FunctionStats("process_data", "server.py", 42, 523, 600),
        FunctionStats("parse", "parser.py", 7, 77, 77),
        FunctionStats("<module>", "server.py", 1, 0, 1000),
        FunctionStats("(other functions)", "", 0, 400, 400),
    ),
    functions_executed=8,
    call_stacks=(
        CallStack(((2, 90), (0, 44)), 523),
        CallStack(((2, 90), (0, 45), (1, 9)), 77),
        CallStack(((2, 91), (3, 0)), 400),
    ),
    sampling=Sampling("cpu", 100.0, 299.5, 3),
    static=StaticAnalysis(1024, 50, 5, 2, 3, 10),
    labels=(("service", "api"),),
)


def decoded(body: bytes, form: str) -> Batch:
    return wire.decode(body, wire.FORMATS[form].content_type)


@EXACT_FORMATS
@given(batch=st.lists(profiles(), min_size=1, max_size=3))
def test_a_report_read_back_is_what_was_reported(form: str, batch: list[Profile]) -> None:
    """Every fact of every profile survives each form, whatever its names and numbers, in order."""
    body = wire.join([wire.encode(profile, form) for profile in batch], REPORTED_AT)

    report = decoded(body, form)

    assert list(report.profiles) == batch
    assert report.reported_at == REPORTED_AT
    assert report.agent_version == "0.1.0"


def test_the_json_is_the_contract() -> None:
    """Every field the contract names is there under its name, and the additions stand beside them."""
    envelope = json.loads(wire.join([wire.encode(PROFILE, "json")], REPORTED_AT))

    assert envelope == {
        "profiles": [
            {
                "profile_id": "0b9ff0d8-6c2e-4b9c-8a4e-3f6f4d1f6a55",
                "language": "Python",
                "source_file": "server.py",
                "timestamp": "2025-11-08T23:40:00Z",
                "static_analysis": {
                    "file_size_bytes": 1024,
                    "line_count": 50,
                    "function_count": 5,
                    "class_count": 2,
                    "import_count": 3,
                    "complexity_score": 10,
                },
                "runtime_analysis": {
                    "total_samples": 1000,
                    "execution_duration_secs": 300.0,
                    "functions_executed": 8,
                    "function_stats": {
                        "process_data": {
                            "name": "process_data",
                            "execution_count": 523,
                            "percentage": 52.3,
                            "line_number": 42,
                            "file_path": "server.py",
                            "total_count": 600,
                        },
                        "parse": {
                            "name": "parse",
                            "execution_count": 77,
                            "percentage": 7.7,
                            "line_number": 7,
                            "file_path": "parser.py",
                            "total_count": 77,
                        },
                        "<module>": {
                            "name": "<module>",
                            "execution_count": 0,
                            "percentage": 0.0,
                            "line_number": 1,
                            "file_path": "server.py",
                            "total_count": 1000,
                        },
                        "(other functions)": {
                            "name": "(other functions)",
                            "execution_count": 400,
                            "percentage": 40.0,
                            "line_number": 0,
                            "file_path": "",
                            "total_count": 400,
                        },
                    },
                    "hot_functions": [
                        {"rank": 1, "name": "process_data", "samples": 523, "percentage": 52.3},
                        {"rank": 2, "name": "parse", "samples": 77, "percentage": 7.7},
                    ],
                    "call_stacks": [
                        {"samples": 523, "frames": ["<module>", "process_data"], "lines": [90, 44]},
                        {"samples": 400, "frames": ["<module>", "(other functions)"], "lines": [91, 0]},
                        {"samples": 77, "frames": ["<module>", "process_data", "parse"], "lines": [90, 45, 9]},
                    ],
                },
                "sampling": {"mode": "cpu", "rate_hz": 100.0, "covered_secs": 299.5, "lost_samples": 3},
                "labels": {"service": "api"},
            }
        ],
        "reported_at": "2025-11-08T23:45:00Z",
        "agent_version": "0.1.0",
    }


def test_protobuf_says_what_json_says() -> None:
    """Percentages, ranks and hot functions, which protobuf leaves out, follow from what it carries."""
    said = json.loads(wire.encode(PROFILE, "json").body)["runtime_analysis"]
    [profile] = decoded(wire.join([wire.encode(PROFILE, "protobuf")], REPORTED_AT), "protobuf").profiles

    shares = {stats.name: percentage(stats.self_samples, profile.total_samples) for stats in profile.functions}
    assert shares == {name: stats["percentage"] for name, stats in said["function_stats"].items()}
    ranks = [(rank, stats.name, stats.self_samples) for rank, stats in enumerate(hot_functions(profile), start=1)]
    assert ranks == [(hot["rank"], hot["name"], hot["samples"]) for hot in said["hot_functions"]]


def test_the_documented_payload_is_read() -> None:
    """A backend of ours takes a report of an agent that knows none of our additions."""
    runtime = {
        "total_samples": 1000,
        "execution_duration_secs": 10,
        "functions_executed": 8,
        "function_stats": {
            "idle": {"name": "idle", "execution_count": 1, "percentage": 0.1, "line_number": 3, "file_path": "a.py"},
            "process_data": {
                "name": "process_data",
                "execution_count": 523,
                "percentage": 52.3,
                "line_number": 42,
                "file_path": "server.py",
            },
        },
        "hot_functions": [{"rank": 1, "name": "process_data", "samples": 523, "percentage": 52.3}],
    }
    profile = {
        "language": "Python",
        "source_file": "server.py",
        "timestamp": "2025-11-08T23:40:00Z",
        "static_analysis": json.loads(wire.encode(PROFILE, "json").body)["static_analysis"],
        "runtime_analysis": runtime,
    }
    envelope = {"profiles": [profile], "reported_at": "2025-11-08T23:45:00Z", "agent_version": "0.1.0"}

    [read] = wire.decode(json.dumps(envelope, indent=2).encode(), "application/json; charset=utf-8").profiles

    assert [stats.name for stats in read.functions] == ["process_data", "idle"]
    assert read.functions[0].self_samples == 523
    assert read.duration_s == read.sampling.covered_s == 10
    assert read.static == PROFILE.static
    assert UUID(read.profile_id)


@FORMATS
def test_a_report_may_be_empty(form: str) -> None:
    """A report of no profiles is one, too: it tries endpoint and key."""
    assert decoded(wire.FORMATS[form].join([], REPORTED_AT), form).profiles == ()


def test_a_report_has_one_format() -> None:
    """Profiles of different formats, or none at all, are refused instead of joined to garbage."""
    both = [wire.encode(PROFILE, form) for form in wire.FORMATS]
    with pytest.raises(ValueError, match="one format"):
        wire.join(both, REPORTED_AT)
    with pytest.raises(ValueError, match="one format"):
        wire.join([], REPORTED_AT)


def test_a_batch_is_joined_from_the_bytes_that_were_encoded() -> None:
    """Nothing is encoded again: a report contains each profile's bytes as they are."""
    for form in READ_FORMATS:
        batch = [wire.encode(replace(PROFILE, profile_id=str(UUID(int=n)), total_samples=n), form) for n in (1, 2, 3)]
        body = wire.join(batch, REPORTED_AT)
        assert all(profile.body in body for profile in batch)
        assert sum(profile.size_bytes for profile in batch) < len(body) < sum(p.size_bytes for p in batch) + 120


@FORMATS
def test_text_that_has_no_bytes_is_replaced(form: str) -> None:
    """Lone surrogates, from file names that are no UTF-8, cost no profile, and names stay unique."""
    functions = (FunctionStats("f\ud800", "a\udcff.py", 1, 2, 2), FunctionStats("f\ud801", "b.py", 1, 1, 1))
    broken = replace(
        PROFILE,
        source_file="\udc80.py",
        functions=functions,
        call_stacks=(CallStack(((1, 5),), 1),),
        labels=(("\ud83d", "é"),),
    )

    [read] = decoded(wire.join([wire.encode(broken, form)], REPORTED_AT), form).profiles

    assert [stats.self_samples for stats in read.functions] == [2, 1]
    assert read.functions[0].name == "f\ufffd"
    assert read.functions[1].name.startswith("f\ufffd (")
    assert (read.source_file, read.labels) == ("\ufffd.py", (("\ufffd", "é"),))


@pytest.mark.parametrize(
    ("form", "change"),
    [
        ("protobuf", {"total_samples": -1}),
        ("protobuf", {"profile_id": "none"}),
        ("protobuf", {"duration_s": float("nan")}),
        ("json", {"duration_s": float("inf")}),
        ("json", {"language": {1, 2}}),
        ("protobuf", {"language": 5}),
    ],
)
def test_what_cannot_be_encoded_is_named(form: str, change: dict[str, object]) -> None:
    """A profile without a form in the format raises the one documented error, which says which profile it is."""
    broken = replace(PROFILE, **change)  # type: ignore[arg-type]
    with pytest.raises(wire.CannotEncode, match=f"profile {broken.profile_id} cannot be written as {form}"):
        wire.encode(broken, form)


@FORMATS
def test_a_damaged_report_is_refused(form: str) -> None:
    """Cut, flipped, repeated and random bytes are read or refused with the documented error: nothing else ever escapes."""
    body = wire.join([wire.encode(PROFILE, form)] * 2, REPORTED_AT)
    rng = random.Random(1)
    refused = []
    for _ in range(1500):
        damaged = bytearray(body)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(damaged))
            match rng.randrange(4):
                case 0:
                    del damaged[at : at + rng.randrange(1, 40)]
                case 1:
                    damaged[at] ^= 1 << rng.randrange(8)
                case 2:
                    damaged[at:at] = damaged[at : at + rng.randrange(40)]
                case 3:
                    damaged[at : at + 4] = rng.randbytes(4)
            damaged = damaged or bytearray(b"x")
        try:
            decoded(bytes(damaged), form)
        except wire.CannotDecode as error:
            refused.append(str(error))
    assert len(refused) > 300
    assert not any("\n" in line for line in refused)


@pytest.mark.parametrize(
    ("body", "content_type", "says"),
    [
        (b"", "application/json", "no report in json"),
        (b"[]", "application/json", "the envelope is not an object"),
        (b"[" * 100_000, "application/json", "nested too deeply"),
        (b'{"profiles":[{"language":NaN}]}', "application/json", "NaN is no number"),
        (
            b'{"profiles":[{"language":"Go"}],"reported_at":"x","agent_version":""}',
            "application/json",
            r"profiles\[0\].runtime",
        ),
        (b"\xff", "application/x-protobuf", "no report in protobuf"),
        (b"{}", "text/html", "comes as application/json or .*, not as text/html"),
        (b"{}", "", "not as nothing"),
    ],
)
def test_what_is_no_report_is_refused_with_the_reason(body: bytes, content_type: str, says: str) -> None:
    """The error says what is wrong with the body, for the person who sent it."""
    with pytest.raises(wire.CannotDecode, match=says):
        wire.decode(body, content_type)


def test_a_few_bytes_cannot_fill_the_readers_memory() -> None:
    """Call stacks that only say "the same frames again" are refused beyond what a profile has room for."""
    stacks = tuple(CallStack(((0, 1),) * 500 + ((0, n),), 1) for n in range(100))
    body = wire.join([wire.encode(replace(PROFILE, call_stacks=stacks), "protobuf")], REPORTED_AT)

    assert len(body) < 2500
    with pytest.raises(wire.CannotDecode, match="more than 5000 frames"):
        decoded(body, "protobuf")


@pytest.mark.parametrize("name", recordings.NAMES)
def test_protobuf_keeps_its_promises(name: str) -> None:
    """On profiles of real programs protobuf is at least 70% smaller than compact JSON and twice as fast to encode."""
    profile = recordings.recording(name).profile()
    costs = profile_costs(profile, rounds=60)
    assert costs["protobuf"].size_bytes <= 0.3 * costs["json"].size_bytes
    assert costs["protobuf"].took_s <= costs["json"].took_s / 2
    batch = batch_costs(profile, rounds=1)
    assert batch["protobuf"].size_bytes <= 0.3 * batch["json"].size_bytes


def test_protoc_reads_a_report_with_nothing_but_the_schema() -> None:
    """A backend in any language needs proto/profile.proto and nothing else."""
    batch = [wire.encode(PROFILE, "protobuf"), wire.encode(replace(PROFILE, total_samples=4711), "protobuf")]
    report = wire.join(batch, REPORTED_AT)

    text = protoc("-Iproto", "--decode=multi_lang_profiler.v0.ReportBatch", "profile.proto", stdin=report).decode()

    for line in (
        'name: "process_data"',
        "self_samples: 523",
        'key: "service"',
        "total_samples: 4711",
        "timestamp: 1762645200",
    ):
        assert f" {line}\n" in text
    assert f'reported_at: {REPORTED_AT.timestamp():.0f}\nagent_version: "0.1.0"' in text


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="protoc 25.1 has no wheel for Python 3.13")
@pytest.mark.parametrize("name", ["profile", "pprof", "pyroscope", "otlp"])
def test_the_generated_modules_are_those_of_the_schema(name: str, tmp_path) -> None:
    """proto/*_pb2.py and .pyi are what the command in the schema makes of it."""
    protoc(
        "-Imulti_lang_profiler/proto=proto",
        f"--python_out={tmp_path}",
        f"--pyi_out={tmp_path}",
        f"multi_lang_profiler/proto/{name}.proto",
    )

    for file in (f"{name}_pb2.py", f"{name}_pb2.pyi"):
        assert (ROOT / "proto" / file).read_text() == (tmp_path / "multi_lang_profiler" / "proto" / file).read_text()


def test_all_this_holds_under_the_oldest_protobuf() -> None:
    """The tests above pass with protobuf 3.20.3, too, which a plain `pip install` brings."""
    program = (
        "import sys, google.protobuf, pytest\n"
        "assert google.protobuf.__version__ == '3.20.3', google.protobuf.__version__\n"
        "sys.exit(pytest.main(sys.argv[1:]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, *PYTEST_OPTIONS, "-k", OLDEST_PROTOBUF, __file__],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(wheel("protobuf", "3.20.3"))},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
