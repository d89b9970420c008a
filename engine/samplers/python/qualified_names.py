"""Qualified names for Python before 3.11, whose code knows only the last name: from the source."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_SOURCE_BYTES = 2_000_000
_MAX_FILES = 2_000
_COMPREHENSIONS = {
    ast.ListComp: "<listcomp>",
    ast.SetComp: "<setcomp>",
    ast.DictComp: "<dictcomp>",
    ast.GeneratorExp: "<genexpr>",
}


class QualifiedNames:
    """Of code objects that know only their last name, by file."""

    def __init__(self) -> None:
        self._files: dict[str, dict[tuple[str, int], str]] = {}

    def get(self, name: str, file: str, first_line: int) -> str:
        """The qualified name, as `__qualname__` has it; `name` where the source does not tell."""
        if name == "<module>" or not file.startswith("/"):
            return name
        names = self._files.get(file)
        if names is None:
            if len(self._files) >= _MAX_FILES:
                self._files.clear()
            names = self._files[file] = dict(_qualified(file))
        found = names.get((name, first_line))
        if found is None and (name, first_line) not in names and Path(file).suffix == ".py":
            # The file may be another by now; what it does not know, it is asked once.
            names[name, first_line] = name
        return found or name


def _qualified(file: str) -> Iterator[tuple[tuple[str, int], str]]:
    try:
        path = Path(file)
        # A pipe would keep us waiting, and `/dev/stdin` is our own here.
        if path.is_file() and path.stat().st_size <= _MAX_SOURCE_BYTES:
            yield from _walk(ast.parse(path.read_bytes()), "")
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return


def _walk(node: ast.AST, prefix: str) -> Iterator[tuple[tuple[str, int], str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name, inside = child.name, "." if isinstance(child, ast.ClassDef) else ".<locals>."
            line = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
        elif isinstance(child, ast.Lambda):
            name, inside, line = "<lambda>", ".<locals>.", child.lineno
        elif type(child) in _COMPREHENSIONS:
            name, inside, line = _COMPREHENSIONS[type(child)], ".<locals>.", child.lineno  # type: ignore[attr-defined]
        else:
            yield from _walk(child, prefix)
            continue
        qualified = prefix + name
        yield (name, line), qualified
        # Decorators, defaults and bases belong to what is around.
        body = getattr(child, "body", None)
        within = {id(each) for each in body} if isinstance(body, list) else None
        for part in ast.iter_child_nodes(child):
            yield from _within(part, qualified + inside if within is None or id(part) in within else prefix)


def _within(node: ast.AST, prefix: str) -> Iterator[tuple[tuple[str, int], str]]:
    """As `_walk`, of the node itself."""
    yield from _walk(ast.Module([node], []), prefix)  # type: ignore[list-item]
