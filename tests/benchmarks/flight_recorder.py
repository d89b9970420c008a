"""What Java's own Flight Recorder samples of a program, with all the help that it takes: `profile.jfc` and DebugNonSafepoints."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def recorded(java: str | Path, words: Sequence[str], recording: Path, *, depth: int) -> tuple[list[list[str]], str]:
    """The stacks of all samples, leaf first, of at most `depth` functions as they are named here; and what the program printed."""
    options = ["-XX:+UnlockDiagnosticVMOptions", "-XX:+DebugNonSafepoints", "-Xlog:jfr*=off"]
    options += [f"-XX:FlightRecorderOptions:stackdepth={depth}"]
    options += [f"-XX:StartFlightRecording:filename={recording},settings=profile"]
    # The exit status is the program's own affair.
    ran = subprocess.run([java, *options, *words], check=False, capture_output=True, text=True)
    command = [str(Path(java).with_name("jfr")), "print", "--json", "--stack-depth", str(depth)]
    only = ["--events", "jdk.ExecutionSample", str(recording)]
    printed = subprocess.run([*command, *only], capture_output=True, check=True).stdout
    events = (event["values"]["stackTrace"] for event in json.loads(printed)["recording"]["events"])
    return [[_name(frame["method"]) for frame in trace["frames"]] for trace in events if trace], ran.stdout


def _name(method: dict[str, Any]) -> str:
    return f"{method['type']['name'].split('/')[-1].replace('$', '.')}.{method['name']}"
