#!/usr/bin/env bash
# tree-sitter 0.26.1 (Python): QueryCursor.captures() gives the nodes in no order, not in that of the text.
#
# Expected: the lists of captures() are in document order, as matches() and the C library's next_capture are; so the first function comes first, and
#           the last node that begins before a line is its neighbour.
# Happens:  they are in an order of their own (also reported as issue 450 of py-tree-sitter); a list of one or two nodes may well look sorted.
#           matches() of the same query is in order.
# Seen (tree-sitter-python 0.25.0, CPython 3.11.7): "captures(): 223 of 1000 nodes come after one that stands behind them" "matches(): in order"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target packages tree-sitter==0.26.1 tree-sitter-python==0.25.0 >log 2>&1 || { cat log; exit 2; }
cat >program.py <<'P'
import tree_sitter_python
from tree_sitter import Language, Parser, Query, QueryCursor

language = Language(tree_sitter_python.language())
source = "".join(f"def f{n}():\n    def inner(): pass\n\n" for n in range(500))
tree = Parser(language).parse(source.encode())
query = Query(language, "(function_definition) @function")
captured = [node.start_byte for node in QueryCursor(query).captures(tree.root_node)["function"]]
matched = [nodes["function"][0].start_byte for _, nodes in QueryCursor(query).matches(tree.root_node)]
assert sorted(captured) == sorted(matched)
back = sum(after < before for before, after in zip(captured, captured[1:]))
print(f"captures(): {back} of {len(captured)} nodes come after one that stands behind them")
print("matches():", "in order" if matched == sorted(matched) else "not in order")
raise SystemExit(0 if back and matched == sorted(matched) else 1)
P
PYTHONPATH=packages python3 program.py
