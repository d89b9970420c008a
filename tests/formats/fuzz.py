"""Damages files of every form that can be opened: each is read, or refused with a line; nothing else may come of it.

python -m tests.formats.fuzz                 10,000 mutations of each form, in some minutes
python -m tests.formats.fuzz 500 mojo page   fewer, of some
"""

from __future__ import annotations

import copy
import gzip
import json
import random
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from multi_lang_profiler.engine.formats import files
from tests.formats.foreign_samples import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterable

NOW = datetime(2026, 11, 30, tzinfo=UTC)
_ODD: tuple[Any, ...] = (
    *(None, True, -1, 0, 0.5, 1e308, 2**70, -(2**70), 10**400, "", "x", "1e9", "\x1b]0;t\x07", "\ud800", "a\nb"),
    *([], {}, [[]], [{}], {"": None}, [None], [1, 2, 3, 4, 5], ["x"] * 3),
)
LONGEST_S = 5.0
"""For a single damaged file of some kilobytes."""


def main(arguments: list[str]) -> int:
    rounds = int(arguments[0]) if arguments else 10_000
    failed = False
    for form in arguments[1:] or SAMPLES:
        began_s = time.perf_counter()
        read, faults = fuzzed(form, range(rounds))
        took_s = time.perf_counter() - began_s
        print(f"{form}: {rounds} mutations, {read} read, {rounds - read} refused, {took_s:.0f} s", *faults, sep="\n  ")
        failed |= bool(faults)
    return int(failed)


def fuzzed(form: str, seeds: Iterable[int]) -> tuple[int, list[str]]:
    """How many damaged files of `form` were read all the same, and what else happened than that a line refused them."""
    whole = SAMPLES[form]()
    packed = whole.startswith(b"\x1f\x8b")
    whole = gzip.decompress(whole) if packed else whole
    read, faults = 0, []
    for seed in seeds:
        content = damaged(whole, random.Random(seed))
        began_s = time.perf_counter()
        try:
            files.loads(content, NOW).profile()
            read += 1
        except ValueError as error:
            if "\n" in str(error) or len(str(error)) > 2_000:
                faults.append(f"seed {seed}: no line: {str(error)[:200]!r}")
        except Exception as error:
            faults.append(f"seed {seed}: {type(error).__name__}: {error}")
        if time.perf_counter() - began_s > LONGEST_S:
            faults.append(f"seed {seed}: took {time.perf_counter() - began_s:.1f} s")
    return read, faults


def damaged(whole: bytes, chance: random.Random) -> bytes:
    """`whole` with some of its bytes, or its JSON with some of its values, changed, left out or doubled."""
    if whole.startswith((b"{", b"[{")) and chance.random() < 0.7:
        return _changed(whole, chance)
    content = bytearray(whole)
    for _ in range(chance.choice((1, 1, 2, 4, 8, 30))):
        at, size = chance.randrange(len(content)), chance.choice((1, 1, 1, 2, 4, 8, 200))
        kind = chance.randrange(5)
        if kind == 0:
            content[at : at + size] = b""
        elif kind == 1:
            content[at:at] = content[at : at + size]
        elif kind == 2:
            content[at : at + size] = chance.randbytes(size)
        elif kind == 3:
            content[at : at + 1] = bytes((content[at] ^ 1 << chance.randrange(8),)) if at < len(content) else b""
        else:
            content[at : at + size] = chance.choice((b"9" * size, b"-1", b"\xff" * size, b"\n", b";", b"\x00"))
        content = content or bytearray(b"x")
    return bytes(content[: chance.randrange(len(content)) + 1] if chance.random() < 0.1 else content)


def _changed(whole: bytes, chance: random.Random) -> bytes:
    document = json.loads(whole)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at: Any = document
        while True:
            keys: list[Any] = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = chance.choice(keys)
            if isinstance(at[key], dict | list) and at[key] and chance.random() < 0.85:
                at = at[key]
                continue
            kind = chance.random()
            if kind < 0.2:
                del at[key]
            elif kind < 0.3 and isinstance(at, list):
                at.insert(key, at[key])
            else:
                at[key] = copy.deepcopy(chance.choice(_ODD))
            break
    return json.dumps(document).encode("utf-8", "surrogatepass")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
