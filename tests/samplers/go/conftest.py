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
    names_them = any("release" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if len(releases := go.releases()) > 1 and not names_them:
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


@pytest.fixture(scope="session")
def _place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("go")


@pytest.fixture
def folder(_place: Path) -> Path:
    """A working folder with a copy of the programs: always the same one, so that Go compiles for one test what others need as well."""
    folder = _place / "work"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(PROGRAMS, folder)
    return folder
