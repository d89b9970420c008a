"""How far what is sampled of gofmt agrees with the profile that it takes of itself (`-cpuprofile`), one after the other."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from multi_lang_profiler.engine.samplers.pprof_reader import read_profile
from tests.benchmarks.agreement import agreement
from tests.support.go import ENVIRONMENT, go, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.measure import Length
    from tests.benchmarks.table import Table

PACKAGES = ("go", "net", "runtime", "crypto", "encoding", "internal")


def tables(length: Length) -> Iterator[Table]:
    os.environ.update(ENVIRONMENT)
    sources = Path(go()).parents[1] / "src"
    words = ["-l", *[str(sources / name) for name in PACKAGES] * length.sized(6, 1)]
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        own_profile = Path(name, "own.pb.gz")
        plain = Path(name, "gofmt")
        subprocess.run([go(), "build", "-o", plain, "cmd/gofmt"], cwd=sources, check=True)
        # It complains, and ends with 2, where test data is broken on purpose.
        subprocess.run([plain, "-cpuprofile", own_profile, *words], check=False, capture_output=True)
        sampled = asyncio.run(sample(sources, "cmd/gofmt", *words))
        yield agreement("gofmt", "itself", _self_samples(own_profile.read_bytes()), sampled.self_samples)


def _self_samples(data: bytes) -> Counter[str]:
    counts: Counter[str] = Counter()
    profile = read_profile(data)
    for stack, count in profile.samples:
        frames = [frame.function for place in stack for frame in profile.locations[place]]
        # See _PREEMPTED in the sampler.
        counts[frames[1] if frames[0] == "runtime.asyncPreempt" else frames[0]] += count
    return counts
