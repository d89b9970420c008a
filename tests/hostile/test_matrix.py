"""Wherever a program can be started, it is started, once, and ends as it would: the short form of `python -m tests.hostile`."""

from __future__ import annotations

import pytest

from .matrix import try_cell
from .situations import SITUATIONS
from .subjects import Subjects

OF_EACH = {
    "Python": [situation.name for situation in SITUATIONS],
    "Node.js": [
        "as usual",
        "ends by a signal",
        "no HOME, no passwd entry",
        "all three closed",
        "home full",
        "no folder for temporary files",
    ],
    "Java": ["no HOME, no passwd entry", "all three closed"],
    "Go": ["no HOME, no passwd entry", "all three closed", "an empty environment"],
    "a command": [
        "ends by a signal",
        "no HOME, no passwd entry",
        "all three closed",
        "home full",
        "no folder for temporary files",
        "no /proc",
        "working folder removed",
        "an empty environment",
    ],
}
"""Of the dear ones those that have most of ours in them: the whole table takes two minutes."""


@pytest.fixture(scope="module")
def subjects(tmp_path_factory) -> Subjects:
    return Subjects(tmp_path_factory.mktemp("subjects"))


@pytest.mark.parametrize(
    ("language", "name"), [(language, name) for language, names in OF_EACH.items() for name in names]
)
def test_a_program_is_started_once_and_ends_as_it_would(language, name, subjects):
    """Exit status, both streams' bytes and the number of starts are as without us; what we say is a line or two, no traceback."""
    situation = next(situation for situation in SITUATIONS if situation.name == name)
    if why := situation.why_not:
        pytest.skip(why)
    assert try_cell(situation, subjects.of(language)).faults == []
