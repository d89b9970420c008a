"""A judge of samplers inside a Python program: which function it is in at each tick of its own CPU time (`programs/foreign/judge.c`).

python -m tests.judge PYTHON PROGRAM …     runs it and prints the functions that its time went to, hottest first

No look from outside is compared: a signal handler in the thread that runs asks where it is. A program that uses SIGPROF itself cannot be
judged so; nor, beside the main one, sub-interpreters.
"""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from multi_lang_profiler.engine.samplers.python.layout import Layout, layout_of
from multi_lang_profiler.engine.samplers.python.memory import Memory
from multi_lang_profiler.engine.samplers.python.runtime import runtime_address
from tests.support.node import TOOLCHAINS

SOURCE = Path(__file__).parent / "programs" / "foreign" / "judge.c"
ROW = struct.Struct("<Qii112s256s")


def variables(python: str, folder: Path) -> dict[str, str]:
    """The environment of a program of that interpreter that judges itself and all that it starts; `folder` gets what `told` reads."""
    return {"LD_PRELOAD": str(compiled()), "JUDGE_FOLDER": str(folder), "JUDGE_OFFSETS": offsets(python)}


def told(folder: Path) -> Counter[tuple[str, str, int]]:
    """`(qualified name, file, first line)` -> ticks, of all processes together."""
    ticks: Counter[tuple[str, str, int]] = Counter()
    for file in folder.glob("*.judge"):
        for code, count, first_line, name, path in ROW.iter_unpack(file.read_bytes()):
            if code:
                ticks[_text(name), _text(path), first_line] += count
    return ticks


def compiled() -> Path:
    """Raises `FileNotFoundError` where there is no C compiler."""
    file = TOOLCHAINS / f"judge-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]}.so"
    if not file.exists():
        TOOLCHAINS.mkdir(exist_ok=True)
        unfinished = file.with_suffix(f".{os.getpid()}")
        subprocess.run(["cc", "-O2", "-Wall", "-shared", "-fPIC", "-o", unfinished, SOURCE, "-ldl"], check=True)
        unfinished.rename(file)
    return file


def offsets(python: str) -> str:
    """What the library asks for as JUDGE_OFFSETS."""
    return " ".join(map(str, _offsets(_layout(python))))


def _layout(python: str) -> Layout:
    """Of the interpreter, as it says itself when it runs."""
    words = [python, "-c", "import sys; print('%d %d' % sys.version_info[:2], flush=True); input()"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asked:
        assert asked.stdout is not None
        major, minor = map(int, asked.stdout.readline().split())
        layout = layout_of(Memory(asked.pid), runtime_address(asked.pid), (major, minor))
        asked.communicate(b"\n")
    return layout


def _offsets(layout: Layout) -> list[int]:
    code, previous, _, owner = layout.frame_order
    return [
        -1 if layout.c_frame is None else layout.c_frame,
        layout.current_frame,
        _offset(layout.frame_fields, code),
        _offset(layout.frame_fields, previous),
        -1 if owner < 0 else _offset(layout.frame_fields, owner),
        layout.code_name,
        layout.code_filename,
        layout.code_first_line,
        layout.text_size,
    ]


def _offset(fields: struct.Struct, place: int) -> int:
    """Where the field of that place stands."""
    count = len(fields.unpack(bytes(fields.size)))
    return fields.pack(*(int(each == place) for each in range(count))).index(1)


def _text(content: bytes) -> str:
    return content.partition(b"\0")[0].decode(errors="replace")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        status = subprocess.run(
            sys.argv[1:], env={**os.environ, **variables(sys.argv[1], Path(folder))}, check=False
        ).returncode
        ticks = told(Path(folder))
    for (name, file, first_line), count in ticks.most_common(20):
        print(f"{100 * count / ticks.total():5.1f}%  {name} ({file}:{first_line})")
    return status


if __name__ == "__main__":
    sys.exit(main())
