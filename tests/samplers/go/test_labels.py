"""What `pprof.Do` and a goroutine's own labels say of a program's work, in all that we write of it."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from multi_lang_profiler.engine.formats import files as export
from multi_lang_profiler.proto import otlp_pb2, pprof_pb2, pyroscope_pb2
from tests.support.backend import Backend
from tests.support.command import Folder
from tests.support.go import every_go, go
from tests.support.viewers import go_tool_pprof, seen_by_speedscope

pytestmark = pytest.mark.xdist_group("go")

Record = Callable[[str, object], None]
Sets = Counter[tuple[tuple[str, str], ...]]
FIB, SUM = (("req", "fib"),), (("job", "7"), ("req", "sum"))
SHARES = {FIB: 50, SUM: 20, (): 30}
OURS = {"pid", "thread", "process.pid", "thread.id", "thread.name", "process_id", "thread_id", "thread_name"}


@every_go
@pytest.mark.parametrize("form", ["otlp", "pyroscope"])
def test_labels_are_in_exports_and_reports(folder: Path, form: str, record_property: Record) -> None:
    """`req: fib` has half of the time in pprof, speedscope and the reports that have a place for labels, as the program's own profile says."""
    with Folder(folder) as run, Backend() as backend:
        backend.store = lambda request: 1  # type: ignore[method-assign]
        words = ["--export", "l.pb.gz", "--export", "l.speedscope.json", "--report-endpoint", backend.url]
        done = run.run(
            *("go", "labels.go", "--go", go(), "--no-tui", *words, "--report-format", form, "--no-spool"),
            *("--", "own"),
        )
    assert done.status == 0, done.stderr
    reported = _in_otlp(backend) if form == "otlp" else _in_pyroscope(backend)
    recording = export.read(folder / "l.pb.gz")
    written: Sets = Counter()
    for (thread, _), samples in recording.counts.by_stack.items():
        written[recording.table.threads[thread].labels] += samples
    record_property("measured", f"{100 * written[FIB] / written.total():.0f}%")
    for sets in (reported, written):
        assert {labels: 100 * n / sets.total() for labels, n in sets.items()} == pytest.approx(SHARES, abs=6)
    tags = go_tool_pprof("-tags", folder / "l.pb.gz")
    assert re.search(r"^ +req: Total [\d.]+m?s.*\n.*\bfib\b", tags, re.MULTILINE), tags
    titles = {
        profile["name"].partition(" (")[0] for profile in seen_by_speedscope(folder / "l.speedscope.json")["profiles"]
    }
    assert titles == {"req=fib", "job=7, req=sum", "goroutines"}


def _in_otlp(backend: Backend) -> Sets:
    sets: Sets = Counter()
    for request in backend.requests:
        body = request.body
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        sent = otlp_pb2.ExportRequest.FromString(body)
        strings, attributes = sent.dictionary.string_table, sent.dictionary.attribute_table
        for resource in sent.resource_profiles:
            for scope in resource.scope_profiles:
                for profile in scope.profiles:
                    for sample in profile.samples:
                        given = [attributes[at] for at in sample.attribute_indices]
                        texts = ((strings[each.key_strindex], each.value.string_value) for each in given)
                        sets[_own(texts)] += sum(sample.values)
    return sets


def _in_pyroscope(backend: Backend) -> Sets:
    sets: Sets = Counter()
    for request in backend.requests:
        for series in pyroscope_pb2.PushRequest.FromString(request.body).series:
            for each in series.samples:
                profile = pprof_pb2.Profile.FromString(gzip.decompress(each.raw_profile))
                strings = profile.string_table
                for sample in profile.sample:
                    texts = ((strings[label.key], strings[label.str]) for label in sample.label)
                    sets[_own(texts)] += sample.value[0]
    return sets


def _own(texts) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, text) for key, text in texts if key not in OURS))
