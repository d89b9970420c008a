"""Profiles: exact counts in bounded size, whatever the program does."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multi_lang_profiler.engine.formats import wire
from multi_lang_profiler.engine.profile.profile import (
    CALL_STACKS_BUDGET_BYTES,
    MAX_CALL_STACK_DEPTH,
    Profile,
    Sampling,
    Window,
    hot_functions,
    is_remainder,
    make_profile,
    percentage,
)
from multi_lang_profiler.engine.profile.stacks import Frame, StackCounts, StackTable
from tests.support.profiles import any_texts, recordings, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from multi_lang_profiler.engine.profile.recording import Recording

MAX_PROFILE_BYTES = 50_000


def profile_of(
    stacks: Iterable[tuple[Sequence[Frame], int]],
    *,
    source_file: str = "a.py",
    labels: tuple[tuple[str, str], ...] = (),
) -> Profile:
    """The profile of a window with these stacks (root first) and samples."""
    table, counts = StackTable(), StackCounts()
    thread = table.thread(1, 1)
    for frames, samples in stacks:
        counts.add(thread, table.stack([table.frame(frame) for frame in frames]), samples)
    window = Window(datetime(2026, 11, 24, tzinfo=UTC), 10.0, counts, Sampling("cpu", 100.0, 10.0))
    return make_profile(
        window,
        table,
        language="Python",
        source_file=source_file,
        static=None,
        place=lambda index: (table.functions[index].file, table.line_of(index)),
        labels=labels,
    )


def frame(name: str, file: str = "a.py", line: int = 1, first_line: int = 1) -> Frame:
    return Frame(name, file, line, first_line)


def counted(recording: Recording) -> tuple[Counter[int], Counter[int]]:
    """Self and total samples by function, counted the slow way."""
    table = recording.table
    self_samples: Counter[int] = Counter()
    total_samples: Counter[int] = Counter()
    for (_thread, stack), samples in recording.counts.by_stack.items():
        functions = [table.frames[frame].function for frame in table.stacks[stack]]
        self_samples[functions[-1]] += samples
        total_samples.update(dict.fromkeys(functions, samples))
    return self_samples, total_samples


@given(recording=recordings())
def test_counts_are_exact(recording: Recording) -> None:
    """A profile's self samples sum to its total, and each function's samples are those that were counted."""
    profile = recording.profile()
    self_samples, total_samples = counted(recording)

    assert profile.total_samples == recording.counts.total == sum(stats.self_samples for stats in profile.functions)
    assert profile.functions_executed == len(total_samples) == len(profile.functions)
    said = Counter((stats.self_samples, stats.total_samples) for stats in profile.functions)
    assert said == Counter((self_samples[function], total) for function, total in total_samples.items())
    assert len({stats.name for stats in profile.functions}) == len(profile.functions)


@given(recording=recordings(names=texts))
def test_call_stacks_end_in_the_functions_that_ran(recording: Recording) -> None:
    """Where all of them fit, the call stacks account for every sample of every function."""
    profile = recording.profile()
    leaves: Counter[int] = Counter()
    for stack in profile.call_stacks:
        leaves[stack.frames[-1][0]] += stack.samples
    assert leaves == {index: stats.self_samples for index, stats in enumerate(profile.functions) if stats.self_samples}


MONSTERS: dict[str, Callable[[], list[tuple[list[Frame], int]]]] = {
    "100,000 functions": lambda: [
        ([frame("main"), frame(f"function_{n}", f"file{n % 100}.py")], 1) for n in range(100_000)
    ],
    "stacks of depth 1,000": lambda: [
        ([frame(f"level_{n % 700}", line=n % 9) for n in range(1000 - k)], 1) for k in range(50)
    ],
    "long names": lambda: [([frame(f"{n}" + "x" * 10_000, f"/{n}" * 5000)], n) for n in range(300)],
    "names of emoji": lambda: [
        ([frame("🦜" * 9_000), frame(f"{n}" + "🦜" * 9_000, "/é" * 9_000)], n) for n in range(300)
    ],
    "control characters": lambda: [([frame(f"{n}" + "\x01" * 9_000, "\x02" * 600)], n) for n in range(300)],
    "quotes and backslashes": lambda: [([frame(f'{n}"\\' * 90, '\\"' * 600)], n) for n in range(300)],
    "lone surrogates": lambda: [([frame(f"{n}" + "\ud800" * 9_000, "\udc80" * 600)], n) for n in range(300)],
    "one name in many files": lambda: [([frame("f", f"{n}" * 100, n)], n) for n in range(1, 2000)],
    "huge counts": lambda: [([frame("main"), frame(f"f{n}")], 2**29 + n) for n in range(1000)],
    "many stacks of few functions": lambda: [
        ([frame("f", line=(n >> b) % 2) for b in range(14)], n) for n in range(1, 9000)
    ],
    "no function twice": lambda: [([frame(f"f{n}_{k}", f"/srv/{n}.py") for k in range(90)], 1) for n in range(200)],
    "nothing": list,
}


@pytest.mark.parametrize("monster", MONSTERS)
def test_no_program_makes_a_profile_too_large(monster: str) -> None:
    """Whatever a program does, its profile takes at most 50 KB in every format, and its counts are exact."""
    profile = profile_of(
        MONSTERS[monster](),
        source_file="/\x01🦜" * 4000,
        labels=tuple((f"label {n}\x02", "🦜" * 100) for n in range(100)),
    )

    assert sum(stats.self_samples for stats in profile.functions) == profile.total_samples
    for form in wire.FORMATS:
        encoded = wire.encode(profile, form)
        assert encoded.size_bytes <= MAX_PROFILE_BYTES
        body = wire.join([encoded], profile.began_at)
        if form in ("json", "protobuf"):
            assert wire.decode(body, wire.FORMATS[form].content_type).profiles == (profile,)


def test_the_room_is_used() -> None:
    """A program with more functions and stacks than fit gets a profile that fills its room, not a fraction of it."""
    callers = [frame(f"layer_{n}") for n in range(20)]
    profile = profile_of(
        ([*callers, frame(f"handle_{n % 150}", line=n), frame(f"function_{n}")], n) for n in range(1, 3000)
    )

    assert wire.encode(profile, "json").size_bytes > 0.85 * MAX_PROFILE_BYTES


@settings(max_examples=30)
@given(
    names=st.lists(any_texts, min_size=1, max_size=5),
    labels=st.lists(st.tuples(any_texts, any_texts)),
    depth=st.integers(1, 1200),
)
def test_any_text_fits(names: list[str], labels: list[tuple[str, str]], depth: int) -> None:
    """Names, paths and labels of any text and stacks of any depth stay within 50 KB and are read back as they are shown."""
    frames = [frame(names[n % len(names)], names[-1], n % 50) for n in range(depth)]
    profile = profile_of([(frames, 3), (frames[: depth // 2], 4)], source_file=names[0], labels=tuple(labels))
    for form in wire.FORMATS:
        encoded = wire.encode(profile, form)
        assert encoded.size_bytes <= MAX_PROFILE_BYTES
        body = wire.join([encoded], profile.began_at)
        if form in ("json", "protobuf"):
            assert wire.decode(body, wire.FORMATS[form].content_type).profiles == (profile,)


def test_what_does_not_fit_is_summed_up() -> None:
    """Beyond what a profile holds, functions are one last entry that has their self samples and those with any of them."""
    stacks = [([frame("main"), frame(f"rare_{n}", f"/a/long/path/{n}.py"), frame("hot")], 1) for n in range(1000)]
    stacks += [([frame("main"), frame(f"rare_{n}", f"/a/long/path/{n}.py")], 2) for n in range(1000)]
    stacks += [([frame("main")], 5)]
    profile = profile_of(stacks)

    named = profile.functions[:-1]
    rest = profile.functions[-1]
    assert rest.name == "(other functions)"
    assert profile.functions_executed == 1002
    assert [stats.self_samples for stats in named[:3]] == [1000, 5, 2]
    assert rest.self_samples == 2 * (1000 - (len(named) - 2))
    assert rest.total_samples == 3 * (1000 - (len(named) - 2))
    # Stacks that differ only in functions without a name have become one.
    texts = {
        tuple(profile.functions[function].name for function, _ in stack.frames): stack.samples
        for stack in profile.call_stacks
    }
    assert texts["main", "(other functions)"] == rest.self_samples
    assert texts["main", "(other functions)", "hot"] == rest.self_samples // 2


def test_a_run_of_unnamed_functions_is_one_step() -> None:
    """A call stack tells a run of functions that the profile has no room for as one frame."""
    unnamed = [frame(f"unnamed_{n}" + "x" * 400) for n in range(300)]
    deep = [([frame("main"), *unnamed[n : n + 40], frame("leaf")], 1) for n in range(200)]
    profile = profile_of([*deep, ([frame("main")], 1000)])

    frames = [
        tuple(profile.functions[function].name[:8] for function, _ in stack.frames) for stack in profile.call_stacks
    ]
    assert ("main", "(other f", "leaf") in frames
    assert all(before != "(other f" or after != "(other f" for stack in frames for before, after in pairwise(stack))


def test_callers_of_hot_functions_are_named() -> None:
    """Functions that hardly run themselves, but from which everything is called, are among those a profile names."""
    workers = [frame(f"worker_function_{n}", f"/srv/app/package/module_{n}.py") for n in range(2000)]
    callers = [frame(f"layer_{n}", "/srv/app/layers.py") for n in range(20)]
    profile = profile_of(([*callers, worker], 2) for worker in workers)

    assert {caller.function for caller in callers} <= {stats.name for stats in profile.functions}


def test_deep_stacks_keep_their_leaf() -> None:
    """Of a stack deeper than a profile shows the frames next to the leaf stay, under one entry that counts such stacks."""
    recursion = [frame("main"), *[frame("descend", line=7)] * 400]
    profile = profile_of(
        [([*recursion, frame("leaf")], 5), ([*recursion, *recursion[-9:], frame("leaf")], 3), ([frame("main")], 1)]
    )

    callers = profile.functions[-1]
    assert (callers.name, callers.self_samples, callers.total_samples) == ("(other callers)", 0, 8)
    [deep] = [stack for stack in profile.call_stacks if len(stack.frames) > 1]
    assert deep.samples == 8
    assert len(deep.frames) == MAX_CALL_STACK_DEPTH
    names = [profile.functions[function].name for function, _ in deep.frames]
    assert (names[0], set(names[1:-1]), names[-1]) == ("(other callers)", {"descend"}, "leaf")
    assert profile.functions_executed == 3


def test_a_stack_that_is_too_long_leaves_room_for_others() -> None:
    """One stack whose names fill the budget costs itself, not the less frequent stacks that would fit."""
    long = [frame(f"{n}" + "n" * 500) for n in range(60)]
    profile = profile_of([(long, 10), ([long[0], long[1]], 9), ([long[2]], 8)])

    assert CALL_STACKS_BUDGET_BYTES < 60 * 500
    assert sorted(stack.samples for stack in profile.call_stacks) in ([8, 9], [8, 9, 10])


def test_hot_functions_are_the_top_ten_by_self_samples() -> None:
    """Ten at most, most samples first; functions that never ran themselves and what is summed up are none."""
    profile = profile_of([([frame("main"), frame(f"f{n:02}")], n + 1) for n in range(15)])
    assert [stats.name for stats in hot_functions(profile)] == [f"f{n:02}" for n in range(14, 4, -1)]

    few = profile_of([([frame("main"), frame("only")], 3)])
    assert [stats.name for stats in hot_functions(few)] == ["only"]

    long = profile_of([([frame(f"{n}" + "🦜" * 511)], 1) for n in range(3000)])
    assert long.functions[-1].self_samples > 2900
    assert not any(is_remainder(stats.name) for stats in hot_functions(long))


def test_names_are_unique() -> None:
    """Functions that share a name are told apart by their place, and none can pass for an entry that sums up."""
    profile = profile_of(
        [
            ([frame("run", "a.py", 5, 3)], 5),
            ([frame("run", "b.py", 9, 7)], 4),
            ([frame("run", "b.py", 9, 0), frame("run", "", 0, 0)], 3),
            ([frame("(other functions)", "own.py", 2, 2)], 2),
        ]
    )
    assert [stats.name for stats in profile.functions] == [
        "run",
        "run (b.py:7)",
        "run ()",
        "(other functions) (own.py:2)",
    ]


def test_the_tables_own_remainder_is_summed_up_in_the_profiles() -> None:
    """What a full table counts as other functions and the functions a profile has no room for are one entry."""
    table, counts = StackTable(max_frames=500), StackCounts()
    for n in range(2000):
        counts.add(table.thread(1, 1), table.stack([table.frame(frame(f"f{n}"))]), 1)
    window = Window(datetime(2026, 11, 24, tzinfo=UTC), 10.0, counts, Sampling("cpu", 100.0, 10.0))
    profile = make_profile(window, table, language="Go", source_file="a", static=None, place=lambda _: ("", 0))

    assert [stats.name for stats in profile.functions if is_remainder(stats.name)] == ["(other functions)"]
    assert profile.functions[-1].self_samples == 2000 - (len(profile.functions) - 1)


def test_labels_are_sorted_and_bounded() -> None:
    """Labels come in the order of their names; those beyond a thousand bytes are left out whole."""
    profile = profile_of(
        [], labels=(("zone", "a"), ("app", "b"), ("long", "x" * 400), ("longer", "y" * 500), ("last", "z" * 500))
    )
    assert [key for key, _ in profile.labels] == ["app", "long", "longer", "zone"]


@pytest.mark.parametrize(
    ("samples", "total", "says"), [(523, 1000, 52.3), (1, 3, 33.3), (2, 3, 66.7), (0, 0, 0.0), (5, 5, 100.0)]
)
def test_percentages_have_one_decimal(samples: int, total: int, says: float) -> None:
    """A share is given to a tenth of a per cent, and none of nothing is none."""
    assert percentage(samples, total) == says
