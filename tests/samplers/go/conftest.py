"""What all tests of Go programs need."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import go
from tests.support.go import ENVIRONMENT, PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if len(releases := go.releases()) > 1:
        metafunc.parametrize("release", releases, indirect=True, scope="session")


@pytest.fixture(autouse=True, scope="session")
def release(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of Go, that the test runs."""
    before, go.asked = go.asked, getattr(request, "param", go.releases()[0])
    yield go.asked
    go.asked = before


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    for variable, value in ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A working folder with a copy of the programs."""
    shutil.copytree(PROGRAMS, tmp_path / "work")
    return Path(tmp_path / "work")
