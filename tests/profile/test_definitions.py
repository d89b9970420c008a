"""Where functions begin that a runtime only shows running."""

from __future__ import annotations

import pytest

from multi_lang_profiler.engine.profile.definitions import Definitions, named_line
from multi_lang_profiler.engine.profile.stacks import Frame, StackTable

PYTHON = """\
import functools

class Server:
    @functools.cache
    def handle(self):
        def handle_inner():
            return [
                x for x in range(3)
            ]
        return handle_inner()

async def main():
    return Server().handle()
"""


@pytest.mark.parametrize(
    ("name", "begins", "defined"),
    [
        ("Server.handle", 4, 5),
        ("Server.handle.<locals>.handle_inner", 6, 6),
        ("main", 12, 12),
        ("<module>", 1, 0),
        ("Server", 3, 3),
        ("nowhere", 12, 0),
        ("<lambda>", 13, 0),
        ("main", 9999, 0),
    ],
)
def test_a_python_function_is_defined_behind_its_decorators(name, begins, defined):
    """The line of a definition is the one with its name, where the decorators before it end; none is made up."""
    assert named_line(PYTHON.split("\n"), name, begins) == defined


async def test_functions_are_located_once_known(tmp_path):
    """The lines of functions become those of their definitions; files that cannot be read leave the lowest line seen."""
    file = tmp_path / "app.py"
    file.write_text(PYTHON)
    table = StackTable()
    for line in (10, 8):
        table.frame(Frame("Server.handle", str(file), line))
    table.frame(Frame("gone", str(tmp_path / "gone.py"), 7))
    assert [table.line_of(function) for function in (0, 1)] == [8, 7]
    await Definitions().locate(table, [0, 1])
    assert [table.line_of(function) for function in (0, 1)] == [5, 7]


async def test_a_function_that_returns_a_call_of_itself(tmp_path):
    """`return walk(…)` is no definition of `walk`."""
    file = tmp_path / "walk.py"
    file.write_text("import sys\n\n\ndef walk(depth):\n    if depth:\n        return walk(depth - 1)\n    return 0\n")
    table = StackTable()
    told, seen = table.frame(Frame("walk", str(file), 7, 4)), table.frame(Frame("walk", str(file), 7))
    functions = [table.frames[frame].function for frame in (told, seen)]
    await Definitions().locate(table, functions)
    assert [table.line_of(function) for function in functions] == [4, 4]
