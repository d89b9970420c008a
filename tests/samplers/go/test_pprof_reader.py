"""The reader of pprof profiles, against protobuf's own code and against damage."""

from __future__ import annotations

import contextlib
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.profile.stacks import Frame
from multi_lang_profiler.engine.samplers.go import pprof_reader
from multi_lang_profiler.engine.samplers.go.pprof_reader import MalformedProfile, PprofProfile, read_profile
from multi_lang_profiler.proto import pprof_pb2

numbers = st.integers(0, 2**63 - 1)
frames = st.builds(Frame, st.text(min_size=1, max_size=20), st.text(max_size=20), numbers, numbers)
locations = st.dictionaries(
    st.integers(1, 2**64 - 1), st.lists(frames, min_size=1, max_size=3).map(tuple), min_size=1, max_size=8
)
labels = st.lists(st.tuples(st.text(max_size=8), st.text(min_size=1, max_size=8)), max_size=3).map(
    lambda pairs: tuple(sorted(pairs))
)


@st.composite
def profiles(draw) -> PprofProfile:
    places = draw(locations)
    stacks = st.lists(st.sampled_from(sorted(places)), max_size=6).map(tuple)
    samples = st.lists(st.tuples(stacks, numbers, labels), max_size=8)
    return PprofProfile(draw(numbers), draw(numbers), draw(samples), places)


@given(profiles(), st.booleans())
def test_what_protobuf_writes_is_read(profile, compressed):
    """Every profile that protobuf's own code writes comes back as it was, in gzip and bare."""
    data = _written(profile)
    assert read_profile(gzip.compress(data, 1) if compressed else data) == profile


def test_code_without_a_name_is_called_by_its_file():
    """Where Go knows no function, as in C's libraries, the frame is that file's, as `go tool pprof` names it."""
    message = pprof_pb2.Profile(string_table=["", "/usr/lib/libm.so.6"])
    message.mapping.add(id=3, filename=1)
    message.location.add(id=1, mapping_id=3).line.add(function_id=message.function.add(id=1).id)
    message.location.add(id=2, mapping_id=3)
    message.location.add(id=3)
    read = read_profile(message.SerializeToString()).locations
    assert read[1] == read[2] == (Frame("[libm.so.6]", "/usr/lib/libm.so.6"),)
    assert read[3] == (Frame("[unknown]", ""),)


def test_labels_that_are_numbers_are_read_with_their_units():
    message = pprof_pb2.Profile(string_table=["", "size", "bytes", "depth"])
    sample = message.sample.add(value=[1])
    sample.label.add(key=1, num=64, num_unit=2)
    sample.label.add(key=3, num=-2)
    assert read_profile(message.SerializeToString()).samples == [((), 1, (("depth", "-2"), ("size", "64bytes")))]


@given(st.binary(max_size=200))
def test_arbitrary_bytes_do_no_harm(data):
    """Whatever comes is read or refused with the one error that says so."""
    _read_or_refuse(data)


@given(profiles(), st.data())
def test_a_damaged_profile_does_no_harm(profile, data):
    """A profile that is cut or has a byte changed is read or refused with the one error that says so."""
    written = bytearray(_written(profile))
    place = data.draw(st.integers(0, len(written) - 1))
    written[place] = data.draw(st.integers(0, 255))
    _read_or_refuse(bytes(written))
    _read_or_refuse(bytes(written[:place]))


@pytest.mark.parametrize("damage", ["cut", "bomb"])
def test_a_packed_profile_is_bounded_and_whole(damage, monkeypatch):
    """Gzip that ends early, or unpacks to more than any profile has, is refused."""
    monkeypatch.setattr(pprof_reader, "MAX_PROFILE_BYTES", 1_000_000)
    data = gzip.compress(bytes(2_000_000)) if damage == "bomb" else gzip.compress(b"\x60\x01")[:-9]
    with pytest.raises(MalformedProfile, match="is cut, or has more than 1000000 bytes"):
        read_profile(data)


def _read_or_refuse(data: bytes) -> None:
    with contextlib.suppress(MalformedProfile):
        read_profile(data)


def _written(profile: PprofProfile) -> bytes:
    message = pprof_pb2.Profile(duration_nanos=profile.duration_ns, period=profile.period_ns, string_table=[""])
    for place, its_frames in profile.locations.items():
        location = message.location.add(id=place, address=place)
        for frame in its_frames:
            function = len(message.function) + 1
            message.string_table.extend([frame.function, frame.file])
            name = len(message.string_table) - 2
            message.function.add(id=function, name=name, filename=name + 1, start_line=frame.first_line)
            location.line.add(function_id=function, line=frame.line)
    for stack, count, pairs in profile.samples:
        sample = message.sample.add(location_id=stack, value=[count, count // 2])
        for key, value in pairs:
            message.string_table.extend([key, value])
            sample.label.add(key=len(message.string_table) - 2, str=len(message.string_table) - 1)
    return message.SerializeToString()
