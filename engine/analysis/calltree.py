"""Stacks merged into a tree of calls, kept up to date between two pictures of a run.

The tree is made of lists of integers, one entry for each node: nodes are numbered as they come, node 0 is the root above all
stacks, and a number stays what it is as long as the tree lives. An update touches the stacks whose counts grew, and no other.
"""

from __future__ import annotations

from operator import add
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from ..profile.stacks import StackCounts, StackTable

ROOT = 0
NO_FUNCTION = -1
"""In place of a function: the root's, and that of the node that stands for calls beyond `MAX_NODES`."""
MAX_NODES = 200_000
"""Bounds a tree's memory at about 50 MB. What does not fit is counted in one node below the last caller that did."""

_NOWHERE = -2
_SHIFT = 32
"""Bits that hold a function in the key of a child: `parent << _SHIFT | function`."""
_MASK = (1 << _SHIFT) - 1


class CallTree:
    """Counts of stacks by path of functions, root first; `inverted`: leaf first, so that callers stand below what they call.

    Frames that differ in their line alone are one node. With `kept` (for each function whether it counts; it may grow with the
    table) other functions' frames are left out, and their samples are those of the nearest caller that is kept.
    `shape` gives a stack's functions, root first, as they are to be seen; None: the stack is not counted.

    Invariant: a node's total is its own samples plus its children's totals; the root's total is the samples of all stacks counted.
    """

    def __init__(
        self,
        table: StackTable,
        *,
        inverted: bool = False,
        kept: Callable[[], Sequence[bool]] | None = None,
        shape: Callable[[list[int]], list[int] | None] | None = None,
        max_nodes: int = MAX_NODES,
    ) -> None:
        self.table = table
        self.inverted = inverted
        self.functions = [NO_FUNCTION]
        """For each node its index into `StackTable.functions`."""
        self.parents = [-1]
        """For each node its parent, a smaller number; -1 for the root."""
        self.total_samples = [0]
        """For each node the samples with it and the nodes above it on the stack."""
        self.self_samples = [0]
        """For each node the samples of stacks that end there: of the tree as it is called, those with it running."""
        self._kept = kept
        self._shape = shape
        self._max_nodes = max_nodes
        self._newest_child = [0]
        self._older_sibling = [0]
        """Both 0 for none."""
        self._children: dict[int, int] = {}
        """`parent << _SHIFT | function` -> node."""
        self._ends: dict[int, int] = {}
        """Stack -> the node it ends at, or `_NOWHERE`."""
        self._frame_functions: list[int] = []
        self._threads: frozenset[int] | None = None
        self._counted: Mapping[tuple[int, int], int] = {}
        """What the numbers are made of: `(thread, stack)` -> samples, of all threads."""
        self._counted_total = 0

    def __len__(self) -> int:
        return len(self.parents)

    def update(self, counts: StackCounts, threads: frozenset[int] | None = None) -> None:
        """Make the numbers those of `counts`, which must not change afterwards; of `threads` alone, or of all.

        Numbers of another run or of other threads are forgotten first; the nodes stay, with nothing in them.
        """
        grown = self._grown(counts, threads) if threads == self._threads else None
        if grown is None:
            self._forget(threads)
            grown = self._grown(counts, threads)
            assert grown is not None  # nothing can have shrunk below nothing
        self._counted, self._counted_total = counts.by_stack, counts.total
        frames = self.table.frames
        self._frame_functions.extend(frame.function for frame in frames[len(self._frame_functions) : len(frames)])
        parents, total_samples, self_samples, ends = self.parents, self.total_samples, self.self_samples, self._ends
        for stack, samples in grown.items():
            node = ends.get(stack, -1)
            if node == -1:
                node = ends[stack] = self._end_of(stack)
            if node == _NOWHERE:
                continue
            self_samples[node] += samples
            while node >= 0:
                total_samples[node] += samples
                node = parents[node]

    def children(self, node: int) -> list[int]:
        """The nodes right below `node` that have samples, oldest first."""
        found: list[int] = []
        totals, older = self.total_samples, self._older_sibling
        child = self._newest_child[node]
        while child:
            if totals[child]:
                found.append(child)
            child = older[child]
        found.reverse()
        return found

    def has_children(self, node: int) -> bool:
        return self.total_samples[node] > self.self_samples[node]

    def path(self, node: int) -> list[int]:
        """The nodes from below the root to `node`."""
        path = []
        while node > ROOT:
            path.append(node)
            node = self.parents[node]
        path.reverse()
        return path

    def spread(self, of_stacks: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
        """Numbers of each stack as sums of each node that has some, of all stacks that pass it."""
        found: dict[int, list[int]] = {}
        for stack, numbers in of_stacks.items():
            node = self._ends.get(stack, _NOWHERE)
            if node != _NOWHERE:
                found[node] = _sums(found.get(node), numbers)
        # Whoever calls has the smaller number.
        for node in range(len(self.parents) - 1, ROOT, -1):
            if node in found:
                parent = self.parents[node]
                found[parent] = _sums(found.get(parent), found[node])
        return found

    def find(self, functions: Iterable[int]) -> int | None:
        """The node that this chain of calls leads to, from below the root; None if there is none."""
        node: int | None = ROOT
        for function in functions:
            node = self._children.get(node << _SHIFT | (function & _MASK)) if node is not None else None
        return node

    def heaviest_path(self, node: int = ROOT) -> list[int]:
        """The nodes below `node`, each the heaviest child of the one before; ends where no call is heavier than the caller's own samples."""
        path: list[int] = []
        totals = self.total_samples
        while children := self.children(node):
            heaviest = max(children, key=totals.__getitem__)
            if totals[heaviest] <= self.self_samples[node] and node != ROOT:
                break
            path.append(node := heaviest)
        return path

    def heaviest_of(self, function: int) -> int | None:
        """The node of `function` with most samples; None if it has none."""
        totals = self.total_samples
        nodes = (node for node, at in enumerate(self.functions) if at == function and totals[node])
        return max(nodes, key=totals.__getitem__, default=None)

    def _grown(self, counts: StackCounts, threads: Container[int] | None) -> dict[int, int] | None:
        """How much each stack's count has grown; None if some have shrunk or gone: the counts are of another run."""
        grown: dict[int, int] = {}
        before = self._counted.get
        gained = 0
        for key, samples in counts.by_stack.items():
            gain = samples - before(key, 0)
            if gain:
                if gain < 0:
                    return None
                gained += gain
                thread, stack = key
                if threads is None or thread in threads:
                    grown[stack] = grown.get(stack, 0) + gain
        return grown if self._counted_total + gained == counts.total else None

    def _forget(self, threads: frozenset[int] | None) -> None:
        # In place: whoever draws holds on to the lists.
        self.total_samples[:] = self.self_samples[:] = [0] * len(self.parents)
        self._threads, self._counted, self._counted_total = threads, {}, 0

    def _end_of(self, stack: int) -> int:
        """The node a new stack ends at; makes the nodes that are missing on the way."""
        functions = [*map(self._frame_functions.__getitem__, self.table.stacks[stack])]
        if self._kept is not None:
            kept = self._kept()
            functions = [function for function in functions if kept[function]]
        if self._shape is not None:
            shaped = self._shape(functions)
            if shaped is None:
                return _NOWHERE
            functions = shaped
        if self.inverted:
            functions.reverse()
        node, find = ROOT, self._children.get
        for at, function in enumerate(functions):
            child = find(node << _SHIFT | function)
            if child is None:
                return self._add(node, functions[at:])
            node = child
        return node

    def _add(self, parent: int, functions: list[int]) -> int:
        """Make new nodes for calls that lead down from `parent`, and give the last; of a whole tree, the one that stands for them."""
        room = self._max_nodes - len(self.parents)
        if len(functions) > room:
            parent = self._add(parent, functions[:room]) if room > 0 else parent
            remainder = self._children.get(parent << _SHIFT | _MASK)
            if remainder is not None:
                return remainder
            functions = [NO_FUNCTION]
        first, count, zeros = len(self.parents), len(functions), [0] * len(functions)
        new: list[int] = [*range(first, first + count)]
        parents = [parent, *new[:-1]]
        self.parents += parents
        self.functions += functions
        self.total_samples += zeros
        self.self_samples += zeros
        self._older_sibling += [self._newest_child[parent], *zeros[1:]]
        self._newest_child += [*new[1:], 0]
        self._newest_child[parent] = first
        keys = [above << _SHIFT | (function & _MASK) for above, function in zip(parents, functions, strict=True)]
        self._children.update(zip(keys, new, strict=True))
        return new[-1]


def _sums(some: Sequence[int] | None, more: Sequence[int]) -> list[int]:
    return [*map(add, some, more)] if some else [*more]
