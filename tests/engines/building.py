"""Builds the engines from Go's modules, into `.toolchains/` of the checkout."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.support import go
from tests.support.node import TOOLCHAINS


@functools.cache
def built(name: str) -> Path:
    """The program in the folder `name` beside this file; the first time that takes some minutes and up to 500 MB of modules.

    Raises `SystemExit` with the reason where it cannot be had.
    """
    source = Path(__file__).parent / name
    digest = hashlib.sha256(b"".join((source / file).read_bytes() for file in ("main.go", "go.mod", "go.sum")))
    program = TOOLCHAINS / f"{name}-{digest.hexdigest()[:16]}"
    if not program.exists():
        print(f"Building the {name} from its modules, once …", flush=True)
        making = TOOLCHAINS / f"{program.name}.{os.getpid()}"
        command: list[str | Path] = [go.go(), "build", "-trimpath", "-o", making, "."]
        environment = {**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOENV": "off"}
        done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"NOT TESTED: the {name} could not be built: {done.stderr[-600:]}")
        making.rename(program)
    return program


PYROSCOPE = "github.com/grafana/pyroscope"
_VERSION = "v1.6.0"
"""The newest server that the proxy of Go's modules has whole. Its generated API is not there in that version: with the next one, which
asks for one method more, it is built."""
_GO = "1.22.10"
"""What that release was written for. Built by today's, it cannot read again what its library of Parquet files has written, and ends."""
_ADDED = {"vcs_commits.go": "pkg/querier/vcs", "frontend_commits.go": "pkg/frontend"}


@functools.cache
def built_pyroscope() -> Path:
    """Pyroscope's own server; the first time that takes five minutes. Raises `SystemExit` with the reason where it cannot be had."""
    source = Path(__file__).parent / "pyroscope_server"
    digest = hashlib.sha256(b"".join([_GO.encode(), *(file.read_bytes() for file in sorted(source.iterdir()))]))
    program = TOOLCHAINS / f"pyroscope_server-{digest.hexdigest()[:16]}"
    if program.exists():
        return program
    print("Building Pyroscope's server from its modules, once …", flush=True)
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOENV": "off"}
    with tempfile.TemporaryDirectory(prefix="pyroscope-") as made:
        folder = Path(made)
        for name in ("go.mod", "go.sum"):
            shutil.copy(source / name, folder)
        found = _run(
            ["mod", "download", "-json", f"{PYROSCOPE}@{_VERSION}"], folder, {**environment, "GOFLAGS": "-mod=mod"}
        )
        module = Path(json.loads(found)["Dir"])
        for part in ("cmd", "pkg", "public"):
            shutil.copytree(module / part, folder / "server" / part, copy_function=shutil.copyfile)
        # The API's place in its own repository, which is not in the module.
        lines = (module / "go.mod").read_text().splitlines()
        (folder / "server" / "go.mod").write_text("\n".join(line for line in lines if "/pyroscope/api => " not in line))
        for name, package in _ADDED.items():
            shutil.copy(source / name, folder / "server" / package)
        making = TOOLCHAINS / f"{program.name}.{os.getpid()}"
        words = ["build", "-trimpath", "-o", str(making), f"{PYROSCOPE}/cmd/pyroscope"]
        _run(words, folder, {**environment, "GOFLAGS": "-mod=readonly"})
        making.rename(program)
    return program


def _run(words: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [go.go(_GO), *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"NOT TESTED: Pyroscope's server could not be built: {(done.stderr or done.stdout)[-600:]}")
    return done.stdout
