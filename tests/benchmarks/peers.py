"""Brings the profilers that this one is measured beside, at the versions that pyproject.toml pins in its group `peers`."""

from __future__ import annotations

import functools
import hashlib
import tomllib
from pathlib import Path

from tests.support.node import TOOLCHAINS, _install
from tests.support.wheels import installer

ROOT = Path(__file__).resolve().parents[2]
_PINNED = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["peers"]
PEERS = dict(requirement.split("==") for requirement in _PINNED)


@functools.cache
def peers() -> Path:
    """A folder for PYTHONPATH with all of them, their commands in its `bin`; skips, and says so, if they cannot be had."""
    digest = hashlib.sha256(" ".join(_PINNED).encode()).hexdigest()[:12]
    folder = TOOLCHAINS / f"peers-{digest}"
    _install(folder, lambda target: [*installer(), "--quiet", "--target", target, *_PINNED])
    return folder
