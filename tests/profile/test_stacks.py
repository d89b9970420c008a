"""Interned stacks and their counts: nothing is lost, and memory has bounds."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.profile.recorder import Recorder
from multi_lang_profiler.engine.profile.recording import Recording
from multi_lang_profiler.engine.profile.stacks import (
    MAX_DEPTH,
    MAX_NAME_LENGTH,
    Frame,
    Function,
    StackCounts,
    StackTable,
    bounded,
    count_functions,
    part_languages,
    valid_text,
)
from multi_lang_profiler.engine.profile.threads import FREE_THREADS, MAX_THREADS
from tests.support.profiles import any_texts, recordings


def frames_of(table: StackTable, stack: int) -> list[tuple[str, int]]:
    return [
        (table.functions[table.frames[frame].function].name, table.frames[frame].line) for frame in table.stacks[stack]
    ]


def test_equal_things_get_one_number() -> None:
    """A frame, a stack, a thread met again has the number it had, and other ones have others."""
    table = StackTable()
    frame = table.frame(Frame("f", "a.py", 3, 1))
    other = table.frame(Frame("f", "a.py", 4, 1))
    assert table.frame(Frame("f", "a.py", 3, 1)) == frame != other
    assert table.functions == [Function("f", "a.py")]
    assert table.stack([frame, other]) == table.stack([frame, other]) != table.stack([other, frame])
    assert table.thread(1, 2, "main") == table.thread(1, 2, "renamed") != table.thread(2, 2)
    assert table.threads[0].name == "main"


def test_functions_of_one_name_are_told_apart_by_their_lines() -> None:
    """A getter and a setter are two; an edit that moves both leaves each what it was."""
    table = StackTable()
    getter, setter = (table.frames[table.frame(Frame("P.x", "a.py", line + 1, line))].function for line in (7, 13))
    assert getter != setter
    table.begin_run()
    moved = [table.frames[table.frame(Frame("P.x", "a.py", line + 1, line))].function for line in (9, 15)]
    assert moved == [getter, setter]
    assert table.first_lines == [9, 15]


def test_a_stack_knows_its_leaf_and_its_members() -> None:
    """The function that ran is the last frame's; each function on the stack is a member once, recursion or not."""
    table = StackTable()
    f, g = table.frame(Frame("f", "a.py", 1)), table.frame(Frame("g", "a.py", 2))
    again = table.frame(Frame("f", "a.py", 9))
    stack = table.stack([f, g, again])
    assert table.leaves[stack] == table.frames[f].function
    assert sorted(table.members[stack]) == sorted({table.frames[f].function, table.frames[g].function})


def test_a_stack_without_frames_is_counted() -> None:
    """A sample that shows no frame is a sample all the same."""
    table = StackTable()
    assert frames_of(table, table.stack([])) == [("(no frames)", 0)]


def test_deep_stacks_keep_the_frames_next_to_the_leaf() -> None:
    """Beyond the depth a table holds, callers fold into one frame at the root."""
    table = StackTable()
    ids = [table.frame(Frame(f"f{n}", "a.py", 1)) for n in range(1000)]
    frames = frames_of(table, table.stack(ids))
    assert len(frames) == MAX_DEPTH
    assert (frames[0], frames[-1]) == (("(other callers)", 0), ("f999", 1))


def test_a_full_table_goes_on_counting() -> None:
    """Beyond its frames a table gives up lines, then names; beyond its stacks, callers. Nothing grows, nothing is lost."""
    table, counts = StackTable(max_frames=100, max_frame_references=500), StackCounts()
    thread = table.thread(1, 1)
    for n in range(5000):
        ids = [
            table.frame(Frame(f"f{n % 300}", "a.py", n)),
            table.frame(Frame("g", "a.py", n)),
            table.frame(Frame(f"h{n}", "a.py", 1)),
        ]
        counts.add(thread, table.stack(ids), 1)

    assert counts.total == sum(counts.by_stack.values()) == 5000
    assert len(table.frames) < 400
    assert sum(map(len, table.stacks)) < 1500
    functions = count_functions(table, counts.by_stack.items())
    assert sum(functions.self_samples.values()) == 5000
    names = {table.functions[function].name: n for function, n in functions.self_samples.items()}
    assert names["(other functions)"] > 4900


def test_threads_that_last_are_told_apart() -> None:
    """However many short threads came before, also in a run before, one that works has its own samples; what is kept hardly grows."""
    recorder = Recorder()
    for run in range(2):
        stack = recorder.table.stack([recorder.table.frame(Frame("work", "a.py"))])
        working = [recorder.table.thread(1, 1, "load-0")]
        for tid in range(100, 100 + 30 * FREE_THREADS):
            short = recorder.table.thread(1, tid, f"Thread-{tid}")
            for _ in range(3):
                recorder.add(short, stack, 1)
            if tid == 100 + 29 * FREE_THREADS:
                working.append(recorder.table.thread(1, 2, "load-1"))
            for thread in working if tid % 100 == 0 else ():
                recorder.add(thread, stack, 1)
        by_name: Counter[str] = Counter()
        for (thread, _), samples in recorder.run.by_stack.items():
            by_name[recorder.table.threads[thread].name] += samples
        assert by_name["load-0"] in range(30 * FREE_THREADS // 100, 30 * FREE_THREADS // 100 + 2)
        assert by_name["load-1"] > 0.8 * FREE_THREADS / 100
        assert by_name["(other threads)"] > 80 * FREE_THREADS
        assert sum(by_name.values()) == recorder.run.total
        assert len(recorder.table.threads) < (run + 1) * 3 * FREE_THREADS
        assert len(recorder.table.thread_languages) == len(recorder.table.threads)
        recorder.begin_run()


def test_threads_of_a_file_have_bounds() -> None:
    """Beyond some ten thousand they are counted together."""
    table = StackTable()
    numbers = {table.thread(1, tid) for tid in range(2 * MAX_THREADS)}
    assert len(table.threads) == len(numbers) == MAX_THREADS + 1
    assert table.threads[-1].name == "(other threads)"


@given(text=any_texts)
def test_text_is_bounded_and_can_be_written(text: str) -> None:
    """Whatever a runtime calls a function, the table's name for it is short, valid Unicode, and the same when met again."""
    kept = bounded(text)
    assert len(kept.encode()) <= 4 * MAX_NAME_LENGTH
    assert len(kept) <= MAX_NAME_LENGTH
    assert bounded(kept) == kept
    if len(text) <= MAX_NAME_LENGTH and "\ufffd" not in kept:
        assert kept == text


@pytest.mark.parametrize(
    ("text", "valid"), [("a\ud800b", "a\ufffdb"), ("\ud83e\udd9c", "🦜"), ("é", "é"), ("\udcff\udcfe", "\ufffd\ufffd")]
)
def test_lone_surrogates_are_replaced(text: str, valid: str) -> None:
    """Halves of characters become replacement characters, two that fit the character they stand for."""
    assert valid_text(text) == valid


@given(recording=recordings(), data=st.data())
def test_function_counts_are_those_of_the_stacks(recording: Recording, data: st.DataObject) -> None:
    """Self, total and threads of every function follow from the stacks, for all threads or for some, recursion once."""
    table = recording.table
    threads = data.draw(st.none() | st.sets(st.integers(0, len(table.threads) - 1)))
    counted = count_functions(table, recording.counts.by_stack.items(), threads)

    self_samples: Counter[int] = Counter()
    total_samples: Counter[int] = Counter()
    seen: dict[int, set[int]] = {}
    for (thread, stack), samples in recording.counts.by_stack.items():
        if threads is None or thread in threads:
            functions = [table.frames[frame].function for frame in table.stacks[stack]]
            self_samples[functions[-1]] += samples
            for function in set(functions):
                total_samples[function] += samples
                seen.setdefault(function, set()).add(thread)
    assert (counted.self_samples, counted.total_samples) == (self_samples, total_samples)
    assert counted.thread_counts == {function: len(threads) for function, threads in seen.items()}


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(1, 100)), max_size=30), st.integers(0, 30))
def test_counts_since_a_copy_are_what_came_after(added: list[tuple[int, int, int]], when: int) -> None:
    """A copy does not change, and the difference to it holds exactly the later samples."""
    counts = StackCounts()
    for thread, stack, samples in added[:when]:
        counts.add(thread, stack, samples)
    copy = counts.copy()
    later = StackCounts()
    for thread, stack, samples in added[when:]:
        counts.add(thread, stack, samples)
        later.add(thread, stack, samples)

    assert copy.total == sum(samples for _, _, samples in added[:when])
    assert counts.since(copy) == later


def test_lines_of_an_edited_file() -> None:
    """A function seen again after a restart begins where it does now; one that is not keeps what was known of it."""
    table = StackTable()
    moved, gone = Frame("moved", "/a.py", 12, 10), Frame("gone", "/a.py", 22, 20)
    for frame in (moved, gone):
        table.frame(frame)
    table.begin_run()
    table.frame(Frame("moved", "/a.py", 33, 0))
    table.frame(Frame("moved", "/a.py", 31, 0))
    assert [table.line_of(function) for function in (0, 1)] == [31, 20]


def test_one_thread_has_an_entry_for_each_set_of_labels() -> None:
    """What a program says of its work tells samples of one thread apart; people know such an entry by its labels."""
    table = StackTable()
    plain = table.thread(1, 0, "goroutines")
    labelled = table.thread(1, 0, "goroutines", (("job", "7"), ("req", "sum")))

    assert labelled != plain
    assert table.thread(1, 0, "goroutines", (("job", "7"), ("req", "sum"))) == labelled
    assert [thread.title for thread in table.threads] == ["goroutines", "job=7, req=sum"]


def test_functions_of_different_languages_never_merge() -> None:
    """Of one name and file, each language has its own function and its own thread; what is counted through a language is counted in the whole."""
    recorder = Recorder()
    for language, samples in (("Python", 3), ("Java", 5), ("Python", 2)):
        part = recorder.of_language(language)
        stack = part.table.stack([part.table.frame(Frame("main", "")), part.table.frame(Frame("work", "x"))])
        part.add(part.table.thread(7, 7), stack, samples)
        part.lose(1)
    table = recorder.table
    assert table.function_languages == ["Python", "Python", "Java", "Java"]
    assert table.thread_languages == ["Python", "Java"]
    assert (recorder.run.total, recorder.lost_samples) == (10, 3)
    parts = part_languages(recorder.run, table)
    assert {language: counts.total for language, counts in parts.items()} == {"Python": 5, "Java": 5}
    counts, lost = recorder.close_window()
    assert (counts.total, lost) == (10, 3)
