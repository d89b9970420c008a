"""The tools that exports are for."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from . import go
from .node import node, npm_package


def seen_by_speedscope(file: Path) -> dict[str, Any]:
    """What speedscope's own importer makes of `file`: its name, and profiles with their frames."""
    release = npm_package("speedscope", "1.25.0") / "node_modules/speedscope/dist/release"
    script = Path(__file__).with_name("speedscope_import.cjs")
    run = subprocess.run([node(24), script, release, file], capture_output=True, text=True, check=True, timeout=60)
    seen: dict[str, Any] = json.loads(run.stdout)
    return seen


def go_tool_pprof(*arguments: str | Path) -> str:
    """What `go tool pprof` with these arguments prints."""
    environment = {**os.environ, **go.ENVIRONMENT, "TZ": "UTC"}
    # Newer releases bring pprof as source, whose compilation takes a minute.
    command = [go.go(go.OLDEST), "tool", "pprof", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)
    assert run.returncode == 0, run.stderr
    return run.stdout
