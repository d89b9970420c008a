"""Which part of `tests/run` has a test: what is left to `tests/run breadth`, and what may run beside tests that are alone.

A version of a runtime is left where a test of the usual run has been through all our code for it: the same promise on another version, then, is
breadth. Where code of ours runs for one version alone its test is marked `own_code` and stays; so do a first and a truthful look at each
layout of Python's. What takes long by its nature is in `LONG`.
"""

from __future__ import annotations

import os
import sys
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from .go import BETWEEN

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

OTHERS: dict[str, set[Any]] = {
    # Of Python the usual run has the one that the tests themselves run with, 3.11, and the newest two.
    "version": {"3.8", "3.9", "3.10", "3.12", "3.13"} - {"{}.{}".format(*sys.version_info)},
    # Of Node.js, Java and Go it has what most people have, and the newest.
    "major": set() if "NODE_MAJORS" in os.environ else {20, 22},
    "runtime": set() if "JAVA_VERSIONS" in os.environ else {"21", "27"},
    "release": set() if "GO_VERSIONS" in os.environ else {*BETWEEN},
}
"""By the name of a test's parameter, the values that are breadth; none of those that the environment asks for."""
LONG = (
    # Measurements work, at their smallest.
    "tests/test_benchmarks.py::test_every_benchmark_works*",
    # A first start with other tools than the one that every run of CI begins with.
    "tests/test_packaging.py::test_the_first_start*",
    # `python -m tests.hostile` has all situations in each language; the usual run has all of them once, and of the dear ones in each language one.
    *(
        f"tests/hostile/test_matrix.py::test_a_program_is_started_once_and_ends_as_it_would[[]{cell}]"
        for cell in (
            "Node.js-as usual",
            "Node.js-home full",
            "Node.js-no folder for temporary files",
            "Java-all three closed",
            "Go-an empty environment",
            "Go-all three closed",
            "a command-home full",
            "a command-no folder for temporary files",
            "a command-an empty environment",
        )
    ),
    # Real programs and other people's samplers: `python -m tests.foreign` and `tests.benchmarks` have more of them. Whether async-profiler's samples
    # are true, in one run, is in the usual run.
    "tests/samplers/java/test_kin.py::*[[]async-profiler-*]",
    "tests/samplers/java/test_kin.py::*[[]*-Groovy]",
    "tests/samplers/java/test_bursts.py::*[[]async-profiler]",
    "tests/samplers/java/test_beats.py::*[[]async-profiler]",
    "tests/samplers/java/test_rows.py::test_every_second_has_a_name*",
    "tests/samplers/java/test_async_profiler.py::test_at_another_rate_*",
    "tests/samplers/java/test_async_profiler.py::test_virtual_threads_are_one_thread_*",
    # Rows that each version is to have right, on the newest: the same code of ours as on the version that the tests run with.
    *(
        f"tests/samplers/python/test_truth.py::{name}3.1[45]]"
        for name in (
            "test_a_program_of_a_steady_beat_is_met_everywhere[[]0.010-",
            "test_bursts_are_met_where_they_run[[]saturated-",
            "test_code_without_a_file_has_its_own_name[[]",
            "test_functions_of_one_name_are_entries_of_their_own[[]",
            "test_a_function_that_calls_itself_behind_return_begins_where_it_is_defined[[]",
            "test_one_thread_runs_one_interpreter_at_a_time[[]",
        )
    ),
    # Its kind is in `test_a_program_of_many_threads_is_looked_at`.
    "tests/samplers/python/test_truth.py::test_a_child_of_a_program_of_many_threads_is_met_all_the_while*",
    "tests/samplers/python/test_truth.py::test_code_that_is_made_anew_has_its_own_name[[]3.14]",
    # Right on a quiet machine only; on 3.12, in the usual run, on a busy one as well.
    # Brings a package.
    "tests/samplers/python/test_truth.py::test_greenlets_have_what_they_used",
    # The largest of their kind; smaller ones are in the usual run.
    "tests/reporting/faults/test_faults.py::test_fault[[]27-floods_the_screen]",
    "tests/reporting/faults/test_faults.py::test_fault[[]28-sends_a_hundred_thousand_functions]",
    "tests/samplers/node/test_windows.py::test_windows_are_no_larger_than_a_message[[]250-*]",
    "tests/samplers/node/test_windows.py::test_windows_that_are_dear_to_close_come_less_often[[]False-*]",
    # That looks are off the beat is in the usual run; `python -m tests.node_truth` has more beats.
    "tests/samplers/node/test_windows.py::test_a_program_that_ticks_has_the_shares_of_its_own_clock*",
    # What goes through the same code in each JVM: once, on the JDK that people have. Shares, virtual threads and the recorder are in the usual run
    # on the newest as well.
    *(
        f"tests/samplers/java/{name}"
        for name in (
            "test_bursts.py::*[[]25]",
            "test_inlined.py::*[[]25]",
            "test_async_profiler.py::*[[]25]",
            "test_counts.py::*[[]25-Parallel-*]",
            "test_harm.py::test_interrupting_every_thread_does_not_end_us[[]25]",
            "test_rows.py::*[[]25]",
        )
    ),
)
"""Patterns of tests' names."""
TOLD = "{} more tests, on other versions and long ones, are in tests/run breadth"
YIELDING = ("tests/analysis/", "tests/formats/", "tests/sources/", "tests/tui/")
"""Folders of tests that judge nothing by time, in one process: they run beside those that are alone, on what these leave of the processors."""
NOT_YIELDING = tuple(
    f"tests/tui/test_{name}.py" for name in ("after_the_end", "editor", "program_input", "terminal", "watch_loop")
)
"""Of these folders, files with real terminals and programs."""


def mark(items: Iterable[pytest.Item]) -> None:
    """Mark what is breadth, and what yields. Of a test that has none of the usual versions all stay."""
    items = list(items)
    breadth = {item.nodeid for item in items if _is_breadth(item)}
    usual = {_function(item) for item in items if item.nodeid not in breadth}
    for item in items:
        if item.nodeid in breadth and (_function(item) in usual or _is_long(item)):
            item.add_marker("breadth")
        if item.nodeid.startswith(YIELDING) and not item.nodeid.startswith(NOT_YIELDING):
            item.add_marker("yielding")


def _function(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]


def _is_long(item: pytest.Item) -> bool:
    return any(fnmatch(item.nodeid, pattern) for pattern in LONG)


def _is_breadth(item: pytest.Item) -> bool:
    if _is_long(item):
        return True
    callspec = getattr(item, "callspec", None)
    others = {value for name, value in (callspec.params.items() if callspec else ()) if value in OTHERS.get(name, ())}
    own = item.get_closest_marker("own_code")
    return bool(others) and not (own and (not own.args or others & {*own.args}))
