"""Builds the engines from Go's modules, into `.toolchains/` of the checkout."""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
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
