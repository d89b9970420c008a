"""Brings artefacts from Maven's own repository on this machine, fetched by it if they are not there."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
import zipfile
from pathlib import Path

import pytest

from .node import TOOLCHAINS

ASYNC_PROFILER = "tools.profiler:async-profiler:4.6"
DEADLINE_S = 180.0


@functools.cache
def artefact(name: str) -> Path:
    """`GROUP:ARTEFACT:VERSION`, with `:TYPE:CLASSIFIER` if it is no plain jar; the test is skipped, and says so, if it cannot be had."""
    group, artefact, version, *others = name.split(":")
    home = Path(os.environ.get("MAVEN_REPOSITORY", Path.home() / ".m2" / "repository"))
    jar = home.joinpath(*group.split("."), artefact, version, "-".join([artefact, version, *others[1:]]) + ".jar")
    if not jar.exists():
        maven = ["mvn", "-q", "-B", f"-Dmaven.repo.local={home}", "dependency:get"]
        try:
            asked = [*maven, f"-Dartifact={name}", "-Dtransitive=false"]
            subprocess.run(asked, check=True, capture_output=True, timeout=DEADLINE_S)
        except (OSError, subprocess.SubprocessError):
            pytest.skip(f"NOT TESTED: Maven does not bring {name}")
    return jar


@functools.cache
def class_path(name: str) -> str:
    """Of the artefact with all that it depends on."""
    group, artefact, version = name.split(":")
    folder = TOOLCHAINS / f"maven-{artefact}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    found = folder / "class-path"
    if not found.exists() or not all(Path(jar).exists() for jar in found.read_text().split(os.pathsep)):
        (folder / "pom.xml").write_text(
            "<project><modelVersion>4.0.0</modelVersion><groupId>tests</groupId><artifactId>tests</artifactId><version>1</version>"
            f"<dependencies><dependency><groupId>{group}</groupId><artifactId>{artefact}</artifactId><version>{version}</version>"
            "</dependency></dependencies></project>"
        )
        maven = ["mvn", "-q", "-B", "dependency:build-classpath", f"-Dmdep.outputFile={found}"]
        try:
            subprocess.run(maven, cwd=folder, check=True, capture_output=True, timeout=DEADLINE_S)
        except (OSError, subprocess.SubprocessError):
            pytest.skip(f"NOT TESTED: Maven does not bring {name}")
    return found.read_text().strip()


@functools.cache
def async_profiler() -> Path:
    """Its library; the test is skipped, and says so, if it cannot be had."""
    kind = {"x86_64": "linux-x64", "aarch64": "linux-arm64"}.get(platform.machine())
    if kind is None:
        pytest.skip("NOT TESTED: there is no async-profiler for this machine")
    folder = TOOLCHAINS / ASYNC_PROFILER.replace(":", "-")
    library = folder / kind / "libasyncProfiler.so"
    if not library.exists():
        with zipfile.ZipFile(artefact(ASYNC_PROFILER)) as archive:
            archive.extract(f"{kind}/{library.name}", folder)
    return library
