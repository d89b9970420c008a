"""Files of profilers that cannot be opened, told by how they begin: what each is, and the way there."""

from __future__ import annotations

_FOLDED = "which can be opened"
_SVG = "it is a drawing, such as flame graph tools make of folded stacks; what it was made of can be opened"
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PERFILE2", f"it is perf's own data; perf script -i FILE > run.perf prints it, {_FOLDED}"),
    (b"memray", "it is memray's, of memory allocated; see it with python -m memray flamegraph FILE"),
    (b"PK\x03\x04", "it is a zip archive; unpack it and open what is in it"),
    (b"go 1.", "it is an execution trace of Go's; go tool trace -pprof=sched FILE > run.pb.gz makes profiles of it, which can be opened"),
    (b"Nettrace", "it is a trace of .NET's; dotnet-trace convert --format Speedscope FILE makes a speedscope file, which can be opened"),
    (b"SIMPLEPERF", "it is simpleperf's; its report_sample.py FILE > run.perf prints it as perf script does, which can be opened"),
    (b"v8-version,", "it is V8's log (node --prof); node --prof-process sums it up; node --cpu-prof writes a .cpuprofile, which can be opened"),
    (b"# callgrind format", "it is callgrind's, which has no stacks; see it with callgrind_annotate or KCachegrind"),
    (b"version: 1\ncreator:", "it is callgrind's, which has no stacks; see it with callgrind_annotate or KCachegrind"),
    (b"events: ", "it is callgrind's, which has no stacks; see it with callgrind_annotate or KCachegrind"),
    (b"heap profile: ", "it is Go's heap profile as text; fetch it without ?debug=1, the pprof that comes then can be opened"),
    (b"goroutine profile: ", "it is Go's goroutine profile as text; fetch it without ?debug=1, the pprof that comes then can be opened"),
    (b"--- contention:", "it is Go's block profile as text; fetch it without ?debug=1, the pprof that comes then can be opened"),
    (b"--- mutex:", "it is Go's mutex profile as text; fetch it without ?debug=1, the pprof that comes then can be opened"),
    (b"threadcreate profile: ", "it is Go's threadcreate profile as text; fetch it without ?debug=1, the pprof that comes then can be opened"),
    (b"\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00", "it is gperftools' old form; pprof -proto BINARY FILE > run.pb.gz makes a pprof of it, which can be opened"),
    (b"SQLite format 3\x00", "it is an SQLite database; view --from FILE opens one of receive, nsys export others'"),
    (b"\x80\x04\x95", "it is a pickle, as line_profiler writes them, which would run code if it were opened; see it with python -m line_profiler FILE"),
    (b"rbspy", "it is rbspy's own recording; rbspy report -f collapsed -i FILE -o run.folded makes folded stacks of it, which can be opened"),
    (b"% self  % total  name", "it is rbspy's summary, which holds no stacks; its --raw-file becomes folded stacks by rbspy report -f collapsed, which can be opened"),
    (b"<?xml ", _SVG),
    (b"<svg ", _SVG),
    (b"\x7fELF", "it is a program, and no profile"),
)  # fmt: skip
_KEYS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"session", "frame_tree"}), "it is a session of pyinstrument's; pyinstrument --load FILE -r speedscope makes a speedscope file, which can be opened"),
    (frozenset({"root_frame", "sample_count"}), "it is pyinstrument's JSON; pyinstrument -r speedscope makes a speedscope file, which can be opened"),
    (frozenset({"files", "elapsed_time_sec"}), "it is Scalene's, which tells of lines and holds no stacks; see it with scalene view FILE"),
    (frozenset({"snapshot", "nodes", "edges"}), "it is a heap snapshot, of what is in memory and not of what ran; open it in Chromium's DevTools"),
)  # fmt: skip


def named(content: bytes) -> str:
    """What `content` is, and how to convert it; empty of what nobody knows."""
    return next((what for magic, what in _MAGIC if content.startswith(magic)), "")


def named_json(fields: dict[str, object]) -> str:
    """The same of a JSON object."""
    return next((what for keys, what in _KEYS if keys <= fields.keys()), "")
