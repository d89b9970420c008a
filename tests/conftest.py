"""What several files of tests share and is dear to make."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

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
