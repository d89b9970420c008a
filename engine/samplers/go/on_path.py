"""What lies on PATH before the user's `go` under a command: a script that has `stand_in` change its words. Apart from that, which takes 2 ms to load."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SOCKET_NAME = ".agent"
"""Of the agent's socket, which lies beside the executable, or beside the script's folder."""
SOCKET_VARIABLE = "MULTI_LANG_PROFILER_GO"
"""Leads programs to the socket that does not lie beside their executable; `_go_link.go` has it, too."""
USED = b"U"
"""The beginning of a message that tells how many nanoseconds of CPU time the asking has taken."""
_SCRIPT = """\
#!/bin/sh
# Made by multi_lang_profiler for one run: what go builds in it gets the sampler built in.
case "$1" in
run | test | build) words=$({python} -I -m {module} {config} "$@" </dev/null 2>/dev/null) && eval "set -- $words" ;;
esac
exec {go} "$@"
"""


def put_on_path(folder: Path, go: str, rate_hz: int) -> Path:
    """Make in `folder` what stands in for the user's `go`; the folder to be put before the others on PATH. Raises `OSError`."""
    config = folder / "config.json"
    config.write_text(json.dumps({"go": go, "rate_hz": rate_hz, "folder": str(folder)}))
    names = {"python": sys.executable, "module": f"{__package__}.stand_in", "config": str(config), "go": go}
    (folder / "bin").mkdir()
    script = folder / "bin" / "go"
    script.write_text(_SCRIPT.format(**{name: shlex.quote(text) for name, text in names.items()}))
    script.chmod(0o700)
    return script.parent
