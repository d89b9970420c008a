"""Runs of real programs, sampled and kept in tests/data: what they measured is old, what they look like is not.

`small` is one file of eight functions, `flask_server` a server under load, `lizard` a command-line tool (Austin, 250 Hz),
`typescript_compiler` one run of tsc (V8's profiler). Their paths were renamed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.formats import files as export

if TYPE_CHECKING:
    from multi_lang_profiler.engine.profile.recording import Recording

NAMES = ("small", "flask_server", "lizard", "typescript_compiler")


def recording(name: str) -> Recording:
    return export.read(Path(__file__).parent.parent / "data" / f"{name}.pb.gz")
