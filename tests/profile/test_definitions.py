"""Where functions begin that a runtime only shows running."""

from __future__ import annotations

import pytest

from multi_lang_profiler.engine.profile.definitions import Definitions, definition_line
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
    ("name", "running", "begins"),
    [
        ("Server.handle", 10, 5),
        ("Server.handle.<locals>.handle_inner", 8, 6),
        ("main", 13, 12),
        ("<module>", 12, 1),
        ("Server", 4, 3),
        ("nowhere", 13, 0),
        ("<lambda>", 13, 0),
        ("main", 9999, 12),
    ],
)
def test_python_definitions(name, running, begins):
    """A Python function begins at the nearest definition of its name above the line seen running."""
    assert definition_line(PYTHON.split("\n"), name, running) == begins


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
