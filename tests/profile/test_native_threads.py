"""Threads that runtimes keep for themselves are known by what the kernel is told that they are called."""

from __future__ import annotations

import pytest

from multi_lang_profiler.engine.profile.native_threads import PROFILER, native_group


@pytest.mark.parametrize(
    ("group", "names"),
    [
        # As Java up to 26 has them, of which the kernel keeps fifteen characters, and as Java 27 has: without their middle.
        ("JIT", ("C1 CompilerThre", "C2 CompilerThre", "C1 Comp..hread0", "C2 Comp..read12")),
        ("JVM", ("VM Thread", "VM Periodic Tas", "VM Peri..Thread", "Signal ..atcher", "Service Thread")),
        ("garbage collector", ("GC Thread#0", "G1 Main Marker", "G1 Refi..kers#0", "G1 Conc#0")),
        (
            "garbage collector",
            ("ZDriverMajor", "ZWorkerYoung#0", "XDriver", "XUncommitter", "ZStat", "RuntimeWorker#0"),
        ),
        ("garbage collector", ("Shenandoah GC T", "ShenControl", "ShenWorker#0", "ShenUncommit")),
        (PROFILER, ("multi_lang_prof", "multi_l..ampler", "JFR Recorder Th", "JFR Rec..Thread")),
        # Java code of the program's runs on these: finalizers, cleaners, and all that it has named itself.
        ("", ("Finalizer", "Referen..andler", "Common-Cleaner", "main", "java", "http-ni..exec-1", "C1", "Shenzhen-1")),
    ],
)
def test_a_thread_is_known_by_its_name(group: str, names: tuple[str, ...]) -> None:
    assert {name: native_group(name) for name in names} == dict.fromkeys(names, group)
