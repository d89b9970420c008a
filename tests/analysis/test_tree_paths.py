"""What a call tree keeps of stacks: recursion, libraries and plumbing folded, one function in focus or hidden, callers of one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.analysis.calltree import ROOT
from multi_lang_profiler.engine.analysis.function_lines import FunctionLines, function_at
from multi_lang_profiler.engine.analysis.tree_paths import Fold, without_inner_libraries, without_recursion
from multi_lang_profiler.engine.analysis.tree_reader import TreeQuery, TreeReader
from multi_lang_profiler.engine.profile.places import CodeKind, kind_of
from multi_lang_profiler.engine.profile.stacks import Frame, Function, StackCounts, StackTable
from tests.support.snapshots import FOLDER, shop_snapshot


@given(st.lists(st.integers(0, 5), max_size=12))
def test_folded_recursion_has_each_function_once_between_the_same_ends(path):
    folded = without_recursion(path)
    assert len(set(folded)) == len(folded)
    assert set(folded) <= set(path)
    if path:
        assert (folded[0], folded[-1]) == (path[0], path[-1])


def test_recursion_through_others_is_folded():
    assert without_recursion([1, 2, 3, 2, 3, 2, 4]) == [1, 2, 4]
    assert without_recursion([1, 1, 1]) == [1]


def test_of_neighbouring_library_frames_the_first_and_the_last_stay():
    own, library = CodeKind.OWN, CodeKind.LIBRARY
    kinds = [own, library, library, library, own, library, library]
    assert without_inner_libraries([0, 1, 2, 3, 4, 5, 6], kinds) == [0, 1, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("file", "name", "kind"),
    [
        (f"{FOLDER}/server.py", "f", CodeKind.OWN),
        (f"{FOLDER}/.venv/lib/python3.12/site-packages/flask/app.py", "f", CodeKind.LIBRARY),
        (f"{FOLDER}/node_modules/express/lib/router.js", "f", CodeKind.LIBRARY),
        ("/usr/lib/python3.12/json/encoder.py", "f", CodeKind.RUNTIME),
        ("/usr/lib/python3/dist-packages/yaml/__init__.py", "f", CodeKind.LIBRARY),
        ("<frozen importlib._bootstrap>", "_load", CodeKind.RUNTIME),
        ("node:internal/modules/cjs/loader", "Module._load", CodeKind.RUNTIME),
        ("", "(garbage collector)", CodeKind.RUNTIME),
        ("/usr/local/go/src/runtime/proc.go", "runtime.schedule", CodeKind.RUNTIME),
        ("/home/ada/go/pkg/mod/github.com/x/y@v1/z.go", "y.Z", CodeKind.LIBRARY),
        ("Shop.java", "shop.Shop.search", CodeKind.OWN),
        ("HashMap.java", "java.util.HashMap.get", CodeKind.RUNTIME),
    ],
)
def test_whose_code_it_is(file, name, kind):
    assert kind_of(Function(name, file), str(FOLDER)) is kind


def tree_of(stacks: list[tuple[list[Frame], int]], query: TreeQuery, table: StackTable | None = None) -> TreeReader:
    table = table or StackTable()
    counts, thread = StackCounts(), table.thread(1, 1)
    for frames, samples in stacks:
        counts.add(thread, table.stack([table.frame(frame) for frame in frames]), samples)
    reader = TreeReader(shop_snapshot()._replace(table=table, counts=counts))
    reader.read(reader.snapshot, query)
    return reader


def paths(reader: TreeReader) -> dict[str, int]:
    """Chains of names with their own samples."""
    tree = reader.tree
    return {
        " ".join(reader.name(above) for above in tree.path(node)): tree.self_samples[node]
        for node in range(len(tree))
        if tree.self_samples[node]
    }


MAIN, FIB = Frame("main", f"{FOLDER}/a.py", 9, 9), Frame("fib", f"{FOLDER}/a.py", 3, 1)
LOAD = Frame("_load", "<frozen importlib._bootstrap>", 5, 5)
MODULE, LEAF = Frame("<module>", f"{FOLDER}/b.py", 1, 1), Frame("leaf", f"{FOLDER}/b.py", 7, 6)
STACKS = [
    ([MAIN, FIB, FIB, FIB], 10),
    ([MAIN, FIB], 5),
    ([MAIN, LOAD, LOAD, MODULE, LEAF], 20),
    ([MAIN, LOAD], 3),
    ([LEAF], 2),
]


def test_what_a_tree_can_leave_out():
    """Every sample stays with the function that ran, but for those a focus leaves out and hidden frames give to their callers."""
    table = StackTable()
    seen = {
        name: paths(tree_of(STACKS, query, table))
        for name, query in {
            "as it is": TreeQuery(fold=Fold.NOTHING),
            "plumbing folded": TreeQuery(),
            "recursion folded": TreeQuery(recursion=False),
        }.items()
    }
    assert seen["as it is"]["main _load _load <module> leaf"] == 20
    assert seen["plumbing folded"] == {
        "main fib fib fib": 10,
        "main fib": 5,
        "main <module> leaf": 20,
        "main _load": 3,
        "leaf": 2,
    }
    assert seen["recursion folded"]["main fib"] == 15
    leaf = next(at for at, function in enumerate(table.functions) if function.name == "leaf")
    module = next(at for at, function in enumerate(table.functions) if function.name == "<module>")
    assert paths(tree_of(STACKS, TreeQuery(focus=module), table)) == {"<module> leaf": 20}
    assert paths(tree_of(STACKS, TreeQuery(hidden=frozenset({leaf})), table))["main <module>"] == 20
    callers = tree_of(STACKS, TreeQuery(until=leaf, inverted=True), table)
    assert paths(callers) == {"leaf <module> main": 20, "leaf": 2}
    assert callers.tree.total_samples[ROOT] == 22


def test_how_much_a_chain_of_calls_has_changed():
    """Against other counts of the same table; a chain that was not there before has changed by all it has."""
    table = StackTable()
    before, thread = StackCounts(), table.thread(1, 1)
    before.add(thread, table.stack([table.frame(MAIN), table.frame(FIB)]), 50)
    before.add(thread, table.stack([table.frame(MAIN)]), 50)
    reader = tree_of([([MAIN, FIB], 75), ([MAIN, LEAF], 25)], TreeQuery(), table)
    reader.read(reader.snapshot, TreeQuery(), before)
    changes = {reader.name(node): round(reader.change(node), 2) for node in range(1, len(reader.tree))}
    assert changes == {"main": 0.0, "fib": 0.25, "leaf": 0.25}


def test_lines_of_one_function():
    """Its own lines alone, by self time; recursion counts once; the function of a line is the innermost that ran there."""
    table = StackTable()
    counts, thread = StackCounts(), table.thread(1, 1)
    third = Frame("fib", f"{FOLDER}/a.py", 2, 1)
    for frames, samples in (([MAIN, FIB, FIB, third], 10), ([MAIN, FIB], 5), ([MAIN, third, LEAF], 7)):
        counts.add(thread, table.stack([table.frame(frame) for frame in frames]), samples)
    fib = next(at for at, function in enumerate(table.functions) if function.name == "fib")
    assert [tuple(line) for line in FunctionLines(table, fib).hottest(counts)] == [(2, 10, 17), (3, 5, 15)]
    assert function_at(table, f"{FOLDER}/a.py", 3) == fib
    assert function_at(table, f"{FOLDER}/a.py", 5) == fib, "it begins nearest above"
    assert function_at(table, "/elsewhere.py", 3) is None
