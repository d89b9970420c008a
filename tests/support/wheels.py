"""Brings packages that must not be in the tests' own environment into `.toolchains/` of the checkout."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.node import TOOLCHAINS, _install

ROOT = Path(__file__).resolve().parents[2]
PROTOC = "1.62.3" if sys.version_info < (3, 13) else "1.76.0"
"""Releases of grpcio-tools. The first, which has protoc 25.1, made the generated modules; newer Pythons have no wheel of it."""


@functools.cache
def wheel(name: str, version: str) -> Path:
    """A folder with that package and nothing else; the test is skipped, and says so, if it cannot be had."""
    folder = TOOLCHAINS / f"{name}-{version}"
    _install(folder, lambda target: [*installer(), "--quiet", "--no-deps", "--target", target, f"{name}=={version}"])
    return folder


def installer() -> list[str]:
    """A command that installs packages for this interpreter, in words; `--target FOLDER` and requirements go behind it."""
    # Away from this project's folder, whose overrides would give another protobuf than the one asked for.
    command = shutil.which("uv")
    in_uv = [command, "--directory", "/", "pip", "install", "--python", sys.executable] if command else []
    return in_uv or [sys.executable, "-m", "pip", "install"]


def uv(*arguments: str, cwd: Path) -> str:
    """Run uv in `cwd`; what it prints."""
    command = shutil.which("uv")
    assert command, "uv was not found; tests/run puts it on PATH"
    run = subprocess.run([command, *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=180)
    assert run.returncode == 0, run.stderr
    return run.stdout


@functools.cache
def debian_package(name: str) -> Path:
    """A folder with that package's files; the test is skipped, and says so, if it cannot be had."""
    folder = TOOLCHAINS / name
    script = 'cd "$1" && { apt-get download "$2" || { apt-get update && apt-get download "$2"; }; } && dpkg -x ./*.deb . && rm ./*.deb'
    _install(folder, lambda target: ["sh", "-c", script, "sh", target, name])
    return folder


def protoc(*arguments: str, stdin: bytes = b"") -> bytes:
    """Run protoc in the checkout's root; what it prints."""
    program = (
        "import sys; from grpc_tools import _protoc_compiler as p; sys.exit(p.run_main([a.encode() for a in sys.argv]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(wheel("grpcio-tools", PROTOC))},
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout
