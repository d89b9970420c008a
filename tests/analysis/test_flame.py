"""The flame graph's layout: boxes as wide as their samples, in a place of their own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.analysis.calltree import NO_FUNCTION, ROOT, CallTree
from multi_lang_profiler.engine.analysis.flame import Box, Row, layout, trunk
from multi_lang_profiler.engine.profile.places import module_of, short_path
from multi_lang_profiler.engine.profile.stacks import Frame, Function, StackCounts, StackTable
from tests.support.deep_stacks import deep_run

SAMPLES = st.lists(
    st.tuples(st.lists(st.integers(0, 5), min_size=1, max_size=6), st.integers(1, 400)), min_size=1, max_size=40
)


def tree_of(samples: list[tuple[list[int], int]], table: StackTable | None = None) -> CallTree:
    table, counts = table or StackTable(), StackCounts()
    for functions, n in samples:
        frames = [table.frame(Frame(f"f{f}", f"/x/{f}.py", f + 1, f + 1)) for f in functions]
        counts.add(table.thread(1, 1), table.stack(frames), n)
    tree = CallTree(table)
    tree.update(counts)
    return tree


def parent_box(tree: CallTree, rows: list[Row], depth: int, box: Box) -> Box:
    node = box.node if box.merged else tree.parents[box.node]
    return next(above for above in rows[depth - 1] if above.node == node and not above.merged)


@given(SAMPLES, st.integers(1, 120), st.data())
def test_boxes(samples: list[tuple[list[int], int]], width: int, data: st.DataObject) -> None:
    """Boxes of a row never overlap, none reaches beyond its parent, and each is as wide as its samples to the column."""
    tree = tree_of(samples)
    zoom = data.draw(st.integers(0, len(tree) - 1))
    rows = layout(tree, width, zoom)
    whole = tree.total_samples[zoom]
    above = tree.path(zoom)
    assert [row[0].node for row in rows[: len(above) + 1]] == [ROOT, *above]
    for depth, row in enumerate(rows):
        end = 0
        for box in row:
            assert end <= box.left < box.right <= width
            end = box.right
            if depth > len(above):
                assert abs((box.right - box.left) - box.samples * width / whole) < 1
                assert not box.merged or box.samples == sum(
                    tree.total_samples[child]
                    for child in tree.children(box.node)
                    if tree.total_samples[child] * width < whole
                )
                parent = parent_box(tree, rows, depth, box)
                assert parent.left <= box.left
                assert box.right <= parent.right


@given(SAMPLES, st.integers(1, 120))
def test_nothing_wide_is_missing(samples: list[tuple[list[int], int]], width: int) -> None:
    """Every node a column wide has a box of its own; of the others as many are counted as there are."""
    tree = tree_of(samples)
    rows = layout(tree, width)
    drawn = {box.node for row in rows for box in row if not box.merged}
    whole = tree.total_samples[ROOT]
    assert drawn == {node for node in range(len(tree)) if tree.total_samples[node] * width >= whole}
    for row in rows:
        for box in row:
            if box.merged:
                assert box.merged == sum(child not in drawn for child in tree.children(box.node))


def test_boxes_keep_their_order() -> None:
    """Siblings stand by name, whichever is heavier."""
    one = layout(tree_of([([0, 3], 10), ([0, 1], 500), ([0, 2], 60)]), 80)
    other = layout(tree_of([([0, 2], 300), ([0, 3], 300), ([0, 1], 20)]), 80)
    assert [box.samples for box in one[2]] == [500, 60, 10]
    assert [box.samples for box in other[2]] == [20, 300, 300]


def test_too_narrow_boxes_are_merged() -> None:
    """A hundred calls of a tenth of a column each are one box of ten columns behind the wide one."""
    table = StackTable()
    tree = tree_of([([0, 1], 900), *(([0, n + 2], 1) for n in range(100))], table)
    wide, merged = layout(tree, 100)[2]
    assert (wide.left, wide.right, wide.merged) == (0, 90, 0)
    assert (merged.left, merged.right, merged.merged, merged.samples) == (90, 100, 100, 100)


def test_no_samples_no_rows() -> None:
    """Without samples, or without columns, there is nothing to draw."""
    tree = CallTree(StackTable())
    assert layout(tree, 80) == []
    assert trunk([]) == 0
    assert layout(tree_of([([0], 1)]), 0) == []


def test_calls_beyond_the_limit() -> None:
    """Calls that a full tree does not tell apart have a box, though no name."""
    table, counts = deep_run(stacks=50, depth=8)
    tree = CallTree(table, max_nodes=60)
    tree.update(counts)
    rows = layout(tree, 400)
    assert any(tree.functions[box.node] == NO_FUNCTION for row in rows[1:] for box in row if not box.merged)


def test_trunk() -> None:
    """What all samples have in common ends where the calls part, or where some of them end."""
    assert trunk(layout(tree_of([([0, 1, 2], 5), ([0, 1, 3], 5)]), 80)) == 3
    assert trunk(layout(tree_of([([0], 5), ([0, 1], 5)]), 80)) == 2
    assert trunk(layout(tree_of([([0, 1], 5)]), 80)) == 3


def test_work_is_bounded_by_what_is_drawn() -> None:
    """A layout looks at the boxes it draws and their children, not at the whole tree."""
    table, counts = deep_run(stacks=2_000)
    tree = CallTree(table)
    tree.update(counts)
    asked: list[int] = []
    children = tree.children

    def counted(node: int) -> list[int]:
        asked.append(node)
        return children(node)

    tree.children = counted  # type: ignore[method-assign]
    rows = layout(tree, 200)
    boxes = sum(map(len, rows))
    assert len(asked) <= boxes
    assert boxes < len(tree) / 10


@pytest.mark.parametrize(
    ("function", "module"),
    [
        (Function("score", "/home/ada/shop/shop/search.py"), "shop"),
        (Function("main", "/home/ada/shop/server.py"), "server.py"),
        (Function("Flask.run", "/usr/lib/python3.12/site-packages/flask/app.py"), "flask"),
        (Function("dumps", "/usr/lib/python3.12/json/__init__.py"), "json"),
        (Function("com.acme.shop.Cart.total", "Cart.java"), "com.acme.shop"),
        (Function("Main.main", "Main.java"), "Main.java"),
        (Function("readFileSync", "node:fs"), "node:fs"),
        (Function("work", "/opt/tools/lib/work.py"), "lib"),
        (Function("(no frames)", ""), ""),
    ],
)
def test_module(function: Function, module: str) -> None:
    """A function's module is its Java package, the first folder of its short path, or its file."""
    assert module_of(function, short_path(function.file, "/home/ada/shop")) == module
