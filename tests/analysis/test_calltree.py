"""The call tree: nothing lost, nothing counted twice, the same however it came about."""

from __future__ import annotations

import re
import tracemalloc
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.analysis.calltree import MAX_NODES, NO_FUNCTION, ROOT, CallTree
from multi_lang_profiler.engine.analysis.ranking import BadPattern, Catalogue
from multi_lang_profiler.engine.analysis.tree_reader import TreeQuery, TreeReader
from multi_lang_profiler.engine.analysis.tree_rows import tree_rows
from multi_lang_profiler.engine.analysis.tree_search import TreeSearch
from multi_lang_profiler.engine.profile.stacks import Frame, StackCounts, StackTable, count_functions
from tests.support.deep_stacks import deep_run
from tests.support.snapshots import FOLDER, ended, make_snapshot, shop_snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

Path = tuple[int, ...]

SAMPLES = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.integers(0, 4), min_size=1, max_size=6), st.integers(1, 5)), max_size=40
)
"""`(thread, functions root first, samples)`; functions come with two lines each."""


def count(samples: Sequence[tuple[int, list[int], int]], table: StackTable, onto: StackCounts) -> StackCounts:
    """`onto` and the samples."""
    counts = onto.copy()
    for number, (thread, functions, n) in enumerate(samples):
        frames = [table.frame(Frame(f"f{f}", f"/x/{f}.py", 10 * f + 1 + number % 2, 10 * f + 1)) for f in functions]
        counts.add(table.thread(1, thread), table.stack(frames), n)
    return counts


def by_path(tree: CallTree) -> dict[Path, tuple[int, int]]:
    """Path of functions -> total and self samples, without the nodes that have none."""
    return {
        tuple(tree.functions[at] for at in tree.path(node)): (tree.total_samples[node], tree.self_samples[node])
        for node in range(len(tree))
        if tree.total_samples[node]
    }


def from_scratch(table: StackTable, counts: StackCounts, *, inverted: bool, threads: frozenset[int] | None) -> object:
    """What `by_path` should say, computed in the plainest way."""
    totals, own = Counter[Path](), Counter[Path]()
    for (thread, stack), n in counts.by_stack.items():
        if threads is None or thread in threads:
            functions = tuple(table.frames[frame].function for frame in table.stacks[stack])
            functions = functions[::-1] if inverted else functions
            own[functions] += n
            for depth in range(len(functions) + 1):
                totals[functions[:depth]] += n
    return {path: (n, own[path]) for path, n in totals.items()}


@given(st.lists(SAMPLES, max_size=4), st.booleans(), st.sets(st.integers(0, 2)).map(frozenset) | st.none())
def test_incremental_is_from_scratch(
    parts: list[list[tuple[int, list[int], int]]], inverted: bool, threads: frozenset[int] | None
) -> None:
    """A tree that followed a run from picture to picture is the one its last picture alone would have given."""
    table, counts = StackTable(), StackCounts()
    tree = CallTree(table, inverted=inverted)
    for part in parts:
        counts = count(part, table, counts)
        tree.update(counts, threads)
        assert by_path(tree) == from_scratch(table, counts, inverted=inverted, threads=threads)


@given(SAMPLES, st.booleans())
def test_nothing_is_lost(samples: list[tuple[int, list[int], int]], inverted: bool) -> None:
    """A node's samples are its own and its children's, own samples sum to the run's, and parents come before children."""
    table = StackTable()
    counts = count(samples, table, StackCounts())
    tree = CallTree(table, inverted=inverted)
    tree.update(counts)
    assert tree.total_samples[ROOT] == sum(tree.self_samples) == counts.total
    for node in range(len(tree)):
        below = sum(tree.total_samples[child] for child in tree.children(node))
        assert tree.total_samples[node] == tree.self_samples[node] + below
        assert tree.has_children(node) == bool(tree.children(node))
        assert tree.parents[node] < node
    by_stack = Counter[int]()
    for (_, stack), n in counts.by_stack.items():
        by_stack[stack] += n
    # What is known of stacks beside their samples is spread as those are.
    spread = tree.spread({stack: (2 * n, n) for stack, n in by_stack.items()})
    assert spread == {node: [2 * n, n] for node, n in enumerate(tree.total_samples) if n}


@given(SAMPLES)
def test_inverted_tops_are_self_times(samples: list[tuple[int, list[int], int]]) -> None:
    """The inverted tree begins with every function that was running, with exactly its self samples."""
    table = StackTable()
    counts = count(samples, table, StackCounts())
    tree = CallTree(table, inverted=True)
    tree.update(counts)
    tops = {tree.functions[node]: tree.total_samples[node] for node in tree.children(ROOT)}
    assert tops == count_functions(table, counts.by_stack.items()).self_samples


@given(SAMPLES, SAMPLES)
def test_other_run_and_other_threads(
    first: list[tuple[int, list[int], int]], second: list[tuple[int, list[int], int]]
) -> None:
    """When the run begins anew, or other threads are asked for, old numbers go; the nodes and their numbers stay."""
    table = StackTable()
    tree = CallTree(table)
    counts = count(first, table, StackCounts())
    tree.update(counts)
    nodes = [tree.path(node) for node in range(len(tree))]
    anew = count(second, table, StackCounts())
    for picture, threads in ((anew, None), (anew, frozenset({0})), (counts, frozenset({0})), (counts, None)):
        tree.update(picture, threads)
        assert by_path(tree) == (from_scratch(table, picture, inverted=False, threads=threads) or {})
    assert [tree.path(node) for node in range(len(nodes))] == nodes


@given(SAMPLES)
def test_left_out_frames_leave_their_samples_to_the_caller(samples: list[tuple[int, list[int], int]]) -> None:
    """Without the frames of some functions the tree is that of stacks without them; no sample goes with them."""
    table = StackTable()
    counts = count(samples, table, StackCounts())
    kept = [function.name in ("f0", "f3") for function in table.functions]
    tree = CallTree(table, kept=lambda: kept)
    tree.update(counts)
    names = [[f for f in functions if f in (0, 3)] for _, functions, _ in samples]
    plain: Counter[tuple[str, ...]] = Counter()
    for functions, (_, _, n) in zip(names, samples, strict=True):
        plain[tuple(f"f{f}" for f in functions)] += n
    assert {
        tuple(table.functions[f].name for f in path): own for path, (_, own) in by_path(tree).items() if own
    } == plain


@given(SAMPLES, st.integers(1, 12))
def test_bounded(samples: list[tuple[int, list[int], int]], most: int) -> None:
    """Beyond its limit a tree grows by one node below each it has at most, and its numbers still sum up."""
    table = StackTable()
    counts = count(samples, table, StackCounts())
    tree = CallTree(table, max_nodes=most)
    tree.update(counts)
    real = [function for function in tree.functions[1:] if function != NO_FUNCTION]
    assert len(real) < most
    assert len(tree) <= 2 * most
    assert tree.total_samples[ROOT] == sum(tree.self_samples) == counts.total
    for node in range(len(tree)):
        assert tree.total_samples[node] == tree.self_samples[node] + sum(
            map(tree.total_samples.__getitem__, tree.children(node))
        )


def test_an_update_touches_what_grew() -> None:
    """When one stack of five thousand grows, its path alone is written to."""
    table, counts = deep_run()
    tree = CallTree(table)
    tree.update(counts)

    class Watched(list[int]):
        written = 0

        def __setitem__(self, at: object, value: object) -> None:
            Watched.written += 1
            super().__setitem__(at, value)  # type: ignore[call-overload]

    tree.total_samples = Watched(tree.total_samples)
    more = counts.copy()
    (thread, stack), _ = next(iter(counts.by_stack.items()))
    more.add(thread, stack, 3)
    tree.update(more)
    assert Watched.written == len(table.stacks[stack]) + 1


def test_memory() -> None:
    """A node costs less than the 250 bytes that make `MAX_NODES` of them 50 MB."""
    table, counts = deep_run(stacks=1_000)
    tracemalloc.start()
    try:
        tree = CallTree(table)
        tree.update(counts)
        size_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size_bytes / len(tree) < 250
    assert MAX_NODES * 250 <= 50_000_000


def shop_tree(**asked: bool | str | frozenset[int]) -> TreeReader:
    shop = shop_snapshot()
    reader = TreeReader(shop)
    reader.read(shop, TreeQuery(**asked))  # type: ignore[arg-type]
    return reader


def names(reader: TreeReader, nodes: Sequence[int]) -> list[str]:
    return [reader.name(node) for node in nodes]


def test_heaviest_path() -> None:
    """The heaviest path goes to the heaviest callee each time, to where callees take less than the function itself."""
    reader = shop_tree()
    assert names(reader, reader.tree.heaviest_path()) == [
        "Thread._bootstrap",
        "ThreadedTaskDispatcher.handler_thread",
        "Flask.wsgi_app",
        "Flask.full_dispatch_request",
        "search",
        "score_products",
        "levenshtein",
    ]


def test_own_code() -> None:
    """With own code alone, the handlers stand at the top, and what libraries did is theirs."""
    reader = shop_tree(only_own=True)
    tree = reader.tree
    tops = {reader.name(node): node for node in tree.children(ROOT)}
    assert set(tops) == {"search", "checkout", "catalogue_page", "<module>"}
    assert tree.self_samples[tops["catalogue_page"]] == 689 + 402 + 133
    assert tree.self_samples[ROOT] == 151 + 214 + 96
    assert all(reader.is_own(node) for node in range(1, len(tree)))


def test_rows() -> None:
    """Children stand below what called them, the heaviest first; an only one is not indented."""
    reader = shop_tree()
    tree = reader.tree
    rows = tree_rows(tree, lambda _node: True)
    assert names(reader, rows.nodes[:7]) == names(reader, tree.heaviest_path())
    assert rows.indents[:7] == [0, 0, 0, 0, 1, 1, 2]
    assert rows.only[:7] == [False, True, True, True, False, True, False]
    assert sorted(rows.nodes) == list(range(1, len(tree)))
    assert names(reader, tree_rows(tree, lambda _node: False).nodes) == ["Thread._bootstrap", "<module>"]


def test_rows_of_a_search() -> None:
    """A search leaves what it found, what leads there, and what lies below as far as that is open."""
    reader = shop_tree(pattern="cart.total")
    rows = tree_rows(reader.tree, lambda _node: False, reader.search)
    assert names(reader, rows.nodes) == [
        "Thread._bootstrap",
        "ThreadedTaskDispatcher.handler_thread",
        "Flask.wsgi_app",
        "Flask.full_dispatch_request",
        "checkout",
        "Cart.total",
    ]
    all_open = tree_rows(reader.tree, lambda _node: True, reader.search)
    assert names(reader, all_open.nodes)[6:] == ["DiscountRules.apply", "Decimal.__mul__"]


@given(SAMPLES, SAMPLES, st.sampled_from(["f1", "f", "~f[13]", "nothing"]))
def test_search_follows_the_tree(
    first: list[tuple[int, list[int], int]], second: list[tuple[int, list[int], int]], pattern: str
) -> None:
    """A search finds in new nodes what it would find had they been there before, and counts each stack once."""
    table = StackTable()
    catalogue = Catalogue(table, FOLDER)
    tree = CallTree(table)
    counts = count(first, table, StackCounts())
    tree.update(counts)
    search = TreeSearch(tree, catalogue, pattern)
    counts = count(second, table, counts)
    tree.update(counts)
    search.follow()
    expected = re.compile(pattern.lstrip("~"))
    matches = [at != NO_FUNCTION and bool(expected.search(table.functions[at].name)) for at in tree.functions]
    assert [bool(found) for found in search.found] == matches
    for node in range(len(tree)):
        below = any(matches[other] and node in [ROOT, *tree.path(other)] for other in range(len(tree)))
        assert bool(search.leads[node]) == below
    with_match = sum(
        n
        for (_, stack), n in counts.by_stack.items()
        if any(expected.search(table.functions[f].name) for f in table.members[stack])
    )
    assert search.samples() == with_match


def test_reader() -> None:
    """The reader keeps one tree until other nodes are asked for, and a search that cannot be read leaves the one before."""
    shop = shop_snapshot()
    reader = TreeReader(shop)
    reader.read(shop, TreeQuery(pattern="cart"))
    tree, search = reader.tree, reader.search
    later = make_snapshot(shop.table, count([(7, [1, 2], 3)], shop.table, shop.counts), program=shop.program)
    with pytest.raises(BadPattern):
        reader.read(later, TreeQuery(pattern="~("))
    assert reader.search is search
    assert search is not None
    assert len(search.found) == len(tree)
    reader.read(ended(later), TreeQuery(threads=frozenset({0})))
    assert reader.tree is tree
    reader.read(later, TreeQuery(inverted=True))
    assert reader.tree is not tree
    other = shop_snapshot()
    reader.read(other, TreeQuery(inverted=True))
    assert reader.catalogue.table is other.table
    assert reader.tree.total_samples[ROOT] == other.counts.total


def test_where_to_look_for_a_function() -> None:
    """A function is looked for where it has most samples; seen by callers, at the top."""
    reader = shop_tree()
    table = reader.catalogue.table
    tokenize = next(at for at, function in enumerate(table.functions) if function.name == "tokenize")
    node = reader.node_of(tokenize)
    assert node is not None
    assert reader.tree.total_samples[node] == 1_377 + 812
    by_callers = shop_tree(inverted=True)
    top = by_callers.node_of(tokenize)
    assert top is not None
    assert by_callers.tree.parents[top] == ROOT
    assert reader.node_of(len(table.functions)) is None
