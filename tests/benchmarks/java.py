"""What sampling a Java program costs it, beside the Flight Recorder with its own settings for profiling (`profile.jfc`)."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.overhead import NONE, OURS, Contender, enough_rounds, overhead
from tests.support.command import COMMAND
from tests.support.java import PROGRAMS, compile_java, jdk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.measure import Command, Length
    from tests.benchmarks.table import Table

KINDS = {1: "one busy thread", 2: "two busy threads"}
LIMIT = 1.05
PEER = "JFR profile.jfc"
INLINED = f"{OURS} --java-inlined"


def tables(length: Length) -> Iterator[Table]:
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        classes = Path(name)
        compile_java(classes, PROGRAMS / "Sections.java", PROGRAMS / "Timed.java")
        for threads, title in length.sized(KINDS, {1: KINDS[1]}).items():
            rounds = enough_rounds(partial(java, classes, threads), classes, length.work_s)
            yield from overhead(
                f"Java, {title}",
                contenders(classes, rounds, threads),
                folder=classes,
                times=length.rounds,
                limit=LIMIT,
                beside=(PEER,),
                fewer={INLINED: 3},
                with_start=threads == 1,
            )


def java(classes: Path, threads: int, rounds: int, *options: str) -> Command:
    return [jdk(), *options, "-cp", str(classes), "Timed", "Sections", str(rounds), str(threads)]


def contenders(classes: Path, rounds: int, threads: int) -> dict[str, Contender]:
    recording = f"-XX:StartFlightRecording:filename={classes / 'recording.jfr'},settings=profile"
    ours: Command = [
        COMMAND,
        "java",
        "Timed",
        "--java",
        jdk(),
        "--java-arg=-cp",
        f"--java-arg={classes}",
        "--no-tui",
        "--quiet",
    ]
    words = ["--", "Sections", str(rounds), str(threads)]
    return {
        NONE: Contender(java(classes, threads, rounds)),
        OURS: Contender([*ours, *words]),
        INLINED: Contender([*ours, "--java-inlined", *words]),
        PEER: Contender(java(classes, threads, rounds, recording, "-Xlog:jfr*=off")),
    }
