"""What all tests of Go programs need."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.go import ENVIRONMENT, PROGRAMS


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    for variable, value in ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A working folder with a copy of the programs."""
    shutil.copytree(PROGRAMS, tmp_path / "work")
    return Path(tmp_path / "work")
