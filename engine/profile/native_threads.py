"""The threads that runtimes keep for themselves, by the names that they give them for the kernel (`/proc/PID/task/TID/comm`, 15 characters).

Nothing a program's own functions do runs on these, so no sample is of them: Node.js' and V8's in `deps/uv/src/unix` and
`src/node_platform.cc`, HotSpot's where it makes a `NamedThread` or a `JavaThread` of its own (`share/gc`, `share/compiler`, `share/runtime`).

Of a longer name the kernel keeps the beginning. Java 27 hands over seven characters, two dots and the last six (`C1 Comp..hread0`).
"""

from __future__ import annotations

PROFILER = "profiler"
"""The group of threads that we brought along."""

_ZGC = ("Driver", "Worker", "Director", "Stat", "Uncommitter", "Unmapper")
_GROUPS = (
    ("multi_lang_prof", PROFILER),
    ("libuv-worker", "libuv-worker"),
    ("V8Worker", "V8 workers"),
    ("node-V8Worker", "V8 workers"),
    ("DelayedTaskSche", "V8 workers"),
    ("C1 CompilerThre", "JIT"),
    ("C1 Comp..hread", "JIT"),
    ("C1 Comp..read", "JIT"),
    ("C2 CompilerThre", "JIT"),
    ("C2 Comp..hread", "JIT"),
    ("C2 Comp..read", "JIT"),
    ("Graal", "JIT"),
    ("JVMCI", "JIT"),
    ("Sweeper thread", "JIT"),
    ("GC Thread#", "garbage collector"),
    ("G1 ", "garbage collector"),
    ("ParGC Thread#", "garbage collector"),
    *((f"{generation}{name}", "garbage collector") for generation in "ZX" for name in _ZGC),
    ("RuntimeWorker#", "garbage collector"),
    ("Shenandoah", "garbage collector"),
    ("Shenand..", "garbage collector"),
    *((f"Shen{name}", "garbage collector") for name in ("Control", "Regulator", "Uncommit", "Worker#")),
    ("StringDedup", "garbage collector"),
    ("VM Thread", "JVM"),
    ("VM Periodic Tas", "JVM"),
    ("VM Peri..Thread", "JVM"),
    ("Monitor Deflati", "JVM"),
    ("Monitor..Thread", "JVM"),
    ("Service Thread", "JVM"),
    ("Signal Dispatch", "JVM"),
    ("Signal ..atcher", "JVM"),
    ("Attach Listener", "JVM"),
    ("JFR ", PROFILER),
    ("Async-profiler", PROFILER),
    ("Async-p..", PROFILER),
    ("multi_l..", PROFILER),
    ("v8:ProfEvntProc", PROFILER),
)


def native_group(name: str) -> str:
    """The group of the threads called `name`; empty for threads that may run the program's own functions."""
    return next((group for beginning, group in _GROUPS if name.startswith(beginning)), "")
