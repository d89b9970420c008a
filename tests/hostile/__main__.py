"""Prints the table of situations and languages: `python -m tests.hostile [WORD …]`, of situations or languages whose names hold a word; 1 if a cell differs."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

from .matrix import Result, try_cell
from .situations import SITUATIONS
from .subjects import SUBJECTS, Subjects


def main(words: list[str]) -> int:
    wrong = []
    print(
        "| situation | language | status | bytes on stdout | on stderr | starts | seconds | we say |\n|---|---|--:|--:|--:|--:|--:|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        subjects = Subjects(Path(folder))
        for situation in SITUATIONS:
            for language in SUBJECTS:
                if words and not any(word in name for word in words for name in (situation.name, language)):
                    continue
                if situation.not_for == language:
                    continue
                if why := situation.why_not:
                    print(f"| {situation.name} | {language} | {why} |", flush=True)
                    continue
                try:
                    subject = subjects.of(language)
                except pytest.skip.Exception as skipped:
                    print(f"| {situation.name} | {language} | {skipped} |", flush=True)
                    continue
                cell = try_cell(situation, subject)
                bare, ours = _columns(cell.bare), _columns(cell.ours)
                figures = " | ".join(
                    one if one == other else f"{one}, **{other}**" for one, other in zip(bare, ours, strict=True)
                )
                took = f"{cell.bare.took_s:.1f}, {cell.ours.took_s:.1f}"
                print(
                    f"| {situation.name} | {language} | {figures} | {took} | {' '.join(cell.ours.lines)} |", flush=True
                )
                wrong += [f"{situation.name}, {language}: {fault}" for fault in cell.faults]
    print(*wrong, sep="\n", file=sys.stderr)
    return 1 if wrong else 0


def _columns(result: Result) -> list[str]:
    status = "killed" if result.status is None else str(result.status)
    return [status, str(len(result.stdout)), str(len(result.stderr)), str(result.starts)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
