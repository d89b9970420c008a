"""What several files of tests share and is dear to make."""

from __future__ import annotations

import os
import re
import signal
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.support import parts
from tests.support.java import PROGRAMS, compile_java

# nohup and shells' background jobs ignore signals, and so would all that the tests start.
for _number, _action in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGQUIT, signal.SIG_DFL),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _action)

# What runs keep by themselves is the user's: a test's, wherever it does not say so itself, goes elsewhere.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="mlp-tests-state-")

# Hypothesis would fail an example that takes 0.2 s: no test asserts on absolute times, which a busy machine decides.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


_left_out = pytest.StashKey[int]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Before pytest looks at marks."""
    parts.mark(items)
    for item in items:
        # What tests of a module share is dear to make: they stay on one of the processes, or each of these makes it.
        fixtures = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}
        if any(of[-1].scope == "module" for of in fixtures.values()) and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Each of the processes that share the tests deselects the same."""
    config = items[0].config if items else None
    # Of all parts of a run this one reads all files.
    if config and {"not alone", "not breadth"} <= {*re.findall(r"not \w+", config.option.markexpr)}:
        config.stash[_left_out] = number = sum(bool(item.get_closest_marker("breadth")) for item in items)
        if hasattr(config, "workeroutput"):
            config.workeroutput["left_out"] = number


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    # One that died has none.
    if output := getattr(node, "workeroutput", None):
        node.config.stash[_left_out] = output.get("left_out", 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if number := terminalreporter.config.stash.get(_left_out, 0):
        told = parts.TOLD.format(number)
        terminalreporter.write_sep("=", told, yellow=True)
        if file := os.environ.get("TESTS_LEFT_OUT"):
            Path(file).write_text(f"{told}\n")


@pytest.fixture(scope="session")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the compiled Java programs that most tests of the Java sampler run."""
    folder = tmp_path_factory.mktemp("classes")
    compile_java(
        folder,
        *(
            PROGRAMS / f"{name}.java"
            for name in (
                "Sections",
                "BlindSpots",
                "Endings",
                "Waiting",
                "Guarded",
                "Interrupting",
                "Short",
                "Bursts",
                "Inlined",
                "Overload",
                "Phases",
            )
        ),
    )
    return folder
