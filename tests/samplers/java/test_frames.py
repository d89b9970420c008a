"""What the Java agent's messages become: names, places, and exact counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.profile.recorder import Recorder
from multi_lang_profiler.engine.profile.stacks import OTHER_CALLERS, Frame
from multi_lang_profiler.engine.samplers.java.frames import JavaCounts, WindowReader, frame_of
from multi_lang_profiler.engine.samplers.java.sources import JavaSources

PERIOD_NS = 10_000_000
NOWHERE = JavaSources(Path("/nowhere"))


def reader(recorder: Recorder, messages: list[tuple[str, ...]] | None = None) -> WindowReader:
    taken = messages if messages is not None else []
    counts = JavaCounts(recorder, NOWHERE, PERIOD_NS)
    counts.begin(4711)
    return WindowReader(counts, lambda kind, fields: taken.append((kind, *fields)))


def stacks(recorder: Recorder) -> dict[tuple[str, ...], int]:
    table = recorder.table
    return {
        (
            table.threads[thread].name,
            *(table.functions[table.frames[frame].function].name for frame in table.stacks[stack]),
        ): samples
        for (thread, stack), samples in recorder.run.by_stack.items()
    }


@pytest.mark.parametrize(
    ("class_name", "method", "file", "module", "expected"),
    [
        ("App", "main", "App.java", "", ("App.main", "App.java")),
        ("com.acme.Shop", "add", "Shop.java", "", ("Shop.add", "com/acme/Shop.java")),
        ("com.acme.Shop$Cart", "add", "Shop.java", "", ("Shop.Cart.add", "com/acme/Shop.java")),
        ("com.acme.Shop$1", "run", "Shop.java", "", ("Shop$1.run", "com/acme/Shop.java")),
        ("com.acme.Shop$Cart$2Local", "<init>", "Shop.java", "", ("Shop.Cart$2Local.<init>", "com/acme/Shop.java")),
        ("com.acme.Shop", "lambda$main$0", "Shop.java", "", ("Shop.main.lambda$0", "com/acme/Shop.java")),
        ("com.acme.Shop", "lambda$new$3", "Shop.java", "", ("Shop.<init>.lambda$3", "com/acme/Shop.java")),
        ("com.acme.Shop", "lambda$static$1", "Shop.java", "", ("Shop.<clinit>.lambda$1", "com/acme/Shop.java")),
        ("com.acme.Shop", "lambda$null$2", "Shop.java", "", ("Shop.lambda$2", "com/acme/Shop.java")),
        ("com.acme.ShopKt", "main", "Shop.kt", "", ("ShopKt.main", "com/acme/Shop.kt")),
        ("com.acme.Shop$_sell_closure1", "doCall", "Shop.groovy", "", ("Shop.sell.closure1", "com/acme/Shop.groovy")),
        ("Shop$_sell_closure1$_closure2", "doCall", "", "", ("Shop.sell.closure1.closure2", "Shop.java")),
        ("acme_shop.core$pay_BANG_", "invokeStatic", "core.clj", "", ("acme-shop.core/pay!", "acme_shop/core.clj")),
        ("acme_shop.core$pay$fn__12", "doInvoke", "", "", ("acme-shop.core/pay/fn--12", "acme_shop/core.clj")),
        ("acme_shop.core.Till", "sum", "core.clj", "", ("Till.sum", "acme_shop/core.clj")),
        ("com.acme.MainKt$main$1", "invoke", "Main.kt", "", ("MainKt.main$1.invoke", "com/acme/Main.kt")),
        ("com.acme.Bean$$Proxy$7", "get", "", "", ("Bean$$Proxy$7.get", "com/acme/Bean.java")),
        ("jdk.proxy1.$Proxy0", "get", "", "jdk.proxy1", ("$Proxy0.get", "java.base/java/lang/reflect/Proxy.java")),
        ("com.acme.Hidden/0x00007f12", "run", "", "", ("Hidden.run", "com/acme/Hidden.java")),
        ("java.util.HashMap", "put", "HashMap.java", "java.base", ("HashMap.put", "java.base/java/util/HashMap.java")),
        ("java.util.Map$Entry", "get", "", "java.base", ("Map.Entry.get", "java.base/java/util/Map.java")),
        ("java.util.HashMap", "put", "HashMap.java", "", ("HashMap.put", "rt.jar/java/util/HashMap.java")),
        ("com.acme.Shop", "add", "Shop.java", "com.acme.shop", ("Shop.add", "com/acme/Shop.java")),
    ],
)
def test_names_and_places(class_name, method, file, module, expected):
    """Functions are named as Java programmers say them; the runtime's files are known by their module."""
    assert frame_of(class_name, method, file, 7, module, NOWHERE) == Frame(expected[0], expected[1], 7)


def test_stacks_of_a_window():
    """Stacks refer to the window's frames; hidden glue is left out, missing callers are marked, lost time is counted as lost."""
    recorder = Recorder()
    messages: list[tuple[str, ...]] = []
    reader(recorder, messages).feed(
        b"hello\t17.0.15\n"
        b"t\t1\tmain\nf\tApp\tmain\tApp.java\t3\t\nf\tApp$$Lambda/0x1\trun\t\t0\t\nf\tApp\twork\tApp.java\t9\t\n"
        b"s\t20000000\t0 1 2\ns\t10000000\t- 0 2\ns\t10000000\t0 - 2\nw\t30000000\t10000000\n"
        b"t\t2\tpool\nf\tB\trun\tB.java\t1\t\ns\t10000000\t0\nw\t0\t10000000\n"
    )
    assert stacks(recorder) == {
        ("main", "App.main", "App.work"): 2,
        ("main", OTHER_CALLERS, "App.main", "App.work"): 1,
        ("main", "App.main", OTHER_CALLERS, "App.work"): 1,
        ("pool", "B.run"): 1,
    }
    assert recorder.lost_samples == 3
    assert messages == [("hello", "17.0.15"), ("w", "30000000", "10000000"), ("w", "0", "10000000")]


def test_javas_launcher_is_not_the_program():
    """A source file's stacks begin with its main method; what the launcher compiles is the compiler's."""
    recorder = Recorder()
    launcher = "com.sun.tools.javac.launcher.SourceLauncher"
    frames = [
        (launcher, "main", "jdk.compiler"),
        (launcher, "execute", "jdk.compiler"),
        ("jdk.internal.reflect.DirectMethodHandleAccessor", "invoke", "java.base"),
        ("java.lang.reflect.Method", "invoke", "java.base"),
        ("App", "main", ""),
        ("java.lang.reflect.Method", "invoke", "java.base"),
        ("com.sun.tools.javac.api.JavacTaskImpl", "call", "jdk.compiler"),
    ]
    lines = "".join(f"f\t{name}\t{method}\t\t0\t{module}\n" for name, method, module in frames)
    reader(recorder).feed(
        f"t\t1\tmain\n{lines}s\t10000000\t0 1 2 3 4 5\ns\t10000000\t0 6\ns\t10000000\t0\nw\t0\t1\n".encode()
    )
    assert stacks(recorder) == {
        ("main", "App.main", "Method.invoke"): 1,
        ("main", "JavacTaskImpl.call"): 1,
        ("main", "SourceLauncher.main"): 1,
    }


def test_when_and_how_often_a_window_was_polled():
    """Samples count for the time the window says they were taken in; one that says nothing is of now."""
    recorder = Recorder()
    _, late = recorder.close_second(10.0), recorder.close_second(11.0)
    made = reader(recorder)
    made.feed(
        b"o\t9000000000\t11000000000\np\t40\t500000000\nt\t1\tmain\nf\tApp\tmain\tApp.java\t3\t\ns\t1000000000\t0\nw\t0\t10000000\n"
    )
    made.feed(b"t\t1\tmain\nf\tApp\tmain\tApp.java\t3\t\ns\t70000000\t0\nw\t0\t10000000\n")
    now = recorder.close_second(12.0)
    assert late.samples == pytest.approx(50, abs=1)
    assert now.samples == 7
    assert (now.looks, now.looked_s) == (40, 0.5)


@given(st.lists(st.integers(0, 50_000_000), max_size=50), st.integers(1, 40))
def test_no_nanosecond_is_lost(weights, cut):
    """Whatever the weights and however the pipe cuts the messages: the samples are the whole periods in the sum of all weights."""
    recorder = Recorder()
    made = reader(recorder)
    lines = "".join(f"s\t{ns}\t{index % 3}\n" for index, ns in enumerate(weights))
    frames = "".join(f"f\tC{index}\tm\tC.java\t1\t\n" for index in range(3))
    data = f"t\t1\tmain\n{frames}{lines}w\t0\t1\n".encode()
    for at in range(0, len(data), cut):
        made.feed(data[at : at + cut])
    assert recorder.run.total == sum(weights) // PERIOD_NS
    assert sum(recorder.run.by_stack.values()) == recorder.run.total


@given(st.lists(st.binary(max_size=60), max_size=30))
def test_nonsense_does_no_harm(chunks):
    """What the program writes into the pipe in the agent's stead is never trusted, and what the agent writes then is read."""
    recorder = Recorder()
    made = reader(recorder)
    for chunk in chunks:
        made.feed(chunk)
    before = recorder.run.total
    made.feed(b"\nw\t0\t1\nt\t1\tmain\nf\tApp\tmain\tApp.java\t3\t\ns\t10000000\t0\nw\t0\t1\n")
    assert recorder.run.total >= before + 1


def test_an_endless_line_is_not_kept():
    """Memory stays bounded when no line ever ends."""
    recorder = Recorder()
    made = reader(recorder)
    for _ in range(100):
        made.feed(b"s" * 60_000)
    assert len(made._rest) < 200_000
    made.feed(b"\nt\t1\tmain\nf\tApp\tmain\tApp.java\t3\t\ns\t10000000\t0\nw\t0\t1\n")
    assert recorder.run.total == 1


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_sources_are_found_by_what_they_say(tmp_path):
    """Of files with one name the one counts whose package it is, wherever it lies; one of no package is not that of another."""
    one = write(tmp_path, "a/src/main/java/com/acme/Shop.java", "/* (c) */\npackage com.acme;\nclass Shop {}\n")
    other = write(tmp_path, "b/odd place/Shop.java", "package org.other;\nclass Shop {}\n")
    plain = write(tmp_path, "z/Shop.java", "class Shop {}\n")
    write(tmp_path, "node_modules/Hidden.java", "class Hidden {}\n")
    sources = JavaSources(tmp_path)
    assert sources.find("com.acme", "Shop.java") is None
    sources.index()
    assert sources.find("com.acme", "Shop.java") == one
    assert sources.find("org.other", "Shop.java") == other
    assert sources.find("", "Shop.java") == plain
    assert sources.find("com.other", "Shop.java") is None
    assert sources.find("", "Hidden.java") is None


def test_a_class_is_found_where_projects_keep_it(tmp_path):
    """The main class's source is found without the index, in the usual folders and in those of the class path."""
    maven = write(tmp_path, "src/main/java/com/acme/App.java", "package com.acme;\n")
    assert JavaSources(tmp_path).find_class("com.acme.App") == maven
    assert JavaSources(tmp_path).find_class("com.acme.App$Nested") == maven
    kotlin = write(tmp_path, "lib/com/acme/Tool.kt", "package com.acme\n")
    assert JavaSources(tmp_path, [tmp_path / "lib"]).find_class("com.acme.Tool") == kotlin
    assert JavaSources(tmp_path).find_class("com.acme.None") is None


def test_classes_of_a_single_source_file(tmp_path):
    """All that a program of one file defines is in that file, also where the JVM does not name it."""
    program = Path(write(tmp_path, "App.java", "class App {}\nclass Helper {}\n"))
    sources = JavaSources(tmp_path, [], program)
    assert frame_of("Helper", "help", "", 2, "", sources).file == str(program)
    assert frame_of("Helper", "help", "App.java", 2, "", sources).file == str(program)
    assert frame_of("com.acme.Helper", "help", "", 2, "", sources).file == "com/acme/Helper.java"


def test_a_class_is_found_where_its_name_does_not_tell(tmp_path: Path) -> None:
    """Kotlin's top level, and classes that share a file, where nobody says the file: as async-profiler and the Flight Recorder do not."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "Main.kt").write_text("package shop\n\nfun main() {}\n\nclass Cart(val size: Int)\n")
    (tmp_path / "src" / "Other.kt").write_text("package other\n\nclass Cart\n")
    (tmp_path / "src" / "tools.kt").write_text("package shop\n\nfun tidy() {}\n")
    (tmp_path / "src" / "Shop.scala").write_text("package shop\n\ntrait Till {}\n")
    (tmp_path / "src" / "core.clj").write_text("(ns ^:dev shop-floor.core\n  (:require [clojure.string]))\n")
    sources = JavaSources(tmp_path)
    sources.index()
    for class_name, file in {
        "MainKt": "Main.kt",
        "ToolsKt": "tools.kt",
        "Cart$Item": "Main.kt",
        "Till": "Shop.scala",
    }.items():
        found = frame_of(f"shop.{class_name}", "run", "", 3, "", sources).file
        assert found == str(tmp_path / "src" / file)
    clojure = frame_of("shop_floor.core$pay", "invokeStatic", "", 3, "", sources)
    assert clojure == Frame("shop-floor.core/pay", str(tmp_path / "src" / "core.clj"), 3)
    assert frame_of("shop.Nobody", "run", "", 3, "", sources).file == "shop/Nobody.java"
