"""The Java agent's messages -> counts in the recorder. `agent/Window.java` says what the messages look like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...profile.stacks import OTHER_CALLERS, Frame
from .kin import CLOJURE_FILES, clojure_name, groovy_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...profile.recorder import Recorder
    from .sources import JavaSources

MAX_LINE_BYTES = 100_000
MAX_CACHED_FRAMES = 100_000
_RUNTIME_MODULE = re.compile(r"(?:java|jdk)\.")
_RUNTIME_PACKAGE = re.compile(r"(?:java|javax|jdk|sun|com\.sun)\.")
_HIDDEN = re.compile(r"\$\$Lambda|^java\.lang\.invoke\.LambdaForm\$")
_NESTED = re.compile(r"(?<=[^$.])\$(?=[A-Za-z_])")
_LAMBDA = re.compile(r"lambda\$(\w+)\$(\d+)$")
_LAMBDA_OWNERS = {"new": "<init>", "static": "<clinit>"}
_MODULES = (
    ("java.util.logging.", "java.logging"),
    ("java.util.prefs.", "java.prefs"),
    ("java.net.http.", "java.net.http"),
    ("jdk.internal.net.http.", "java.net.http"),
    ("java.lang.management.", "java.management"),
    ("java.lang.instrument.", "java.instrument"),
    ("sun.management.", "java.management"),
    ("javax.management.", "java.management"),
    ("com.sun.tools.javac.", "jdk.compiler"),
    ("javax.crypto.", "java.base"),
    ("javax.net.", "java.base"),
    ("javax.security.", "java.base"),
    ("com.sun.crypto.", "java.base"),
    ("java.sql.", "java.sql"),
    ("javax.sql.", "java.sql"),
    ("jdk.jfr.", "jdk.jfr"),
    ("javax.xml.", "java.xml"),
    ("com.sun.org.apache.", "java.xml"),
    *(
        (f"{package}.", "java.desktop")
        for package in ("java.awt", "java.beans", "javax.swing", "sun.awt", "sun.java2d")
    ),
    *((f"{package}.", "java.base") for package in ("java", "jdk.internal", "sun")),
)
"""Which module of Java 9 and newer a class of the runtime is of, where nobody tells: the first that fits."""
_LAUNCHER = "com.sun.tools.javac.launcher."
_LAUNCHER_CALLS = (_LAUNCHER, "jdk.internal.reflect.", "java.lang.reflect.", "java.lang.invoke.")


class JavaCounts:
    """Stacks as the JVM tells them -> samples of `period_ns` in the recorder.

    What is left of its nanoseconds after a stack's whole samples goes to the next stack, so that the total is exact, and a function too short
    for a sample of its own gets one as often as it should.
    """

    def __init__(self, recorder: Recorder, sources: JavaSources, period_ns: int) -> None:
        self._recorder = recorder
        self._sources = sources
        self._period_ns = period_ns
        self._pid = 0
        self._launcher: set[int] = set()
        self._launcher_calls: set[int] = set()
        self.total = 0
        """Samples so far."""
        self._carry_ns = 0
        self._lost_carry_ns = 0

    def begin(self, pid: int) -> None:
        self._pid = pid

    def thread(self, tid: int, name: str) -> int:
        return self._recorder.table.thread(self._pid, tid, name)

    def frame(self, class_name: str, method: str, file: str, line: int, module: str) -> int | None:
        """The number of that frame; None for the JVM's glue between a lambda and its caller, which exceptions do not show either."""
        if _HIDDEN.search(class_name):
            return None
        frame = frame_of(class_name, method, file, line, module, self._sources)
        index = self._recorder.table.frame(frame)
        if class_name.startswith(_LAUNCHER_CALLS):
            self._launcher_calls.add(index)
            if class_name.startswith(_LAUNCHER):
                self._launcher.add(index)
        return index

    def missing(self) -> int:
        return self._recorder.table.frame(Frame(OTHER_CALLERS, ""))

    def count(self, thread: int, ns: int, stack: list[int], taken_s: tuple[float, float] | None) -> None:
        """`stack` is root first; `taken_s` as in `Recorder.add`."""
        samples, self._carry_ns = divmod(self._carry_ns + ns, self._period_ns)
        if samples <= 0:
            return
        self.total += samples
        if stack and stack[0] in self._launcher:
            stack = self._without_launcher(stack)
        self._recorder.add(thread, self._recorder.table.stack(stack), samples, taken_s)

    def look(self, looks: int, over_ns: int) -> None:
        self._recorder.look(looks, over_ns / 1e9)

    def lose(self, ns: int) -> None:
        lost, self._lost_carry_ns = divmod(self._lost_carry_ns + ns, self._period_ns)
        if lost > 0:
            self._recorder.lose(lost)

    def _without_launcher(self, stack: list[int]) -> list[int]:
        """`stack` as it would be had the source file been compiled beforehand; of the launcher's own work, the compiler's part."""
        for depth, frame in enumerate(stack):
            if frame not in self._launcher_calls:
                return stack[depth:]
        return stack


class WindowReader:
    """Takes what comes out of the agent's pipe and counts each whole stack."""

    def __init__(self, counts: JavaCounts, on_message: Callable[[str, list[str]], None]) -> None:
        self._counts = counts
        self._on_message = on_message
        """Called with the first field and the others of lines that are neither frames nor stacks."""
        self._rest = b""
        self._thread = 0
        self._taken_s: tuple[float, float] | None = None
        """When the samples that follow were taken."""
        self._frames: list[int | None] = []
        self._ids: dict[bytes, int | None] = {}

    def feed(self, data: bytes) -> None:
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > MAX_LINE_BYTES:
            # Nothing the agent writes: what follows up to the next line is skipped as nonsense.
            self._rest = b"?"
        for line in lines:
            try:
                self._read(line)
            except (ValueError, IndexError):
                # Not the agent's. Whoever wrote it had the run of the private folder: the user's own program.
                continue

    def _read(self, line: bytes) -> None:
        kind, _, rest = line.partition(b"\t")
        if kind == b"s":
            ns, _, indexes = rest.partition(b"\t")
            missing = self._counts.missing
            frames = [missing() if index == b"-" else self._frames[int(index)] for index in indexes.split(b" ")]
            stack = [frame for frame in frames if frame is not None]
            self._counts.count(self._thread, int(ns), stack, self._taken_s)
        elif kind == b"f":
            if len(self._ids) > MAX_CACHED_FRAMES:
                self._ids.clear()
            if rest not in self._ids:
                class_name, method, file, number, module = rest.decode("utf-8", "replace").split("\t")
                self._ids[rest] = self._counts.frame(class_name, method, file, int(number), module)
            self._frames.append(self._ids[rest])
        elif kind == b"o":
            began_ns, ended_ns = rest.split(b"\t")
            self._taken_s = int(began_ns) / 1e9, int(ended_ns) / 1e9
        elif kind == b"p":
            polls, ns = rest.split(b"\t")
            self._counts.look(int(polls), int(ns))
        elif kind == b"t":
            tid, name = rest.decode("utf-8", "replace").split("\t")
            self._thread = self._counts.thread(int(tid), name)
        else:
            fields = line.decode("utf-8", "replace").split("\t")
            if kind == b"w":
                self._frames, self._taken_s = [], None
                self._counts.lose(int(fields[1]))
            self._on_message(fields[0], fields[1:])


def runtime_module(class_name: str) -> str:
    """The module of a class of the runtime of Java 9 and newer; empty for others."""
    if not _RUNTIME_PACKAGE.match(class_name):
        return ""
    return next((module for beginning, module in _MODULES if class_name.startswith(beginning)), "")


def frame_of(class_name: str, method: str, file: str, line: int, module: str, sources: JavaSources) -> Frame:
    """`com.acme.Shop$Cart`, `add`, `Shop.java` -> `Shop.Cart.add` in the file found for it, else in `com/acme/Shop.java`.

    The Java runtime's own files begin with their module: `java.base/java/util/HashMap.java`.
    """
    class_name = class_name.partition("/")[0]
    of_clojure = clojure_name(class_name, method, file)
    # Clojure's names have dots behind the first dollar, too, and its types are in a file named for their package.
    package, _, simple = class_name.partition("$")[0].rpartition(".") if of_clojure else class_name.rpartition(".")
    outer = simple.partition("$")[0]
    if file.endswith(CLOJURE_FILES) and package.rpartition(".")[2] == file.rpartition(".")[0]:
        package = package.rpartition(".")[0]
    ending = CLOJURE_FILES[0] if of_clojure else ".java"
    path = f"{package.replace('.', '/')}/{file or outer + ending}".removeprefix("/")
    if simple.startswith("$Proxy") and not file:
        # Made at run time, by this.
        path = "java.base/java/lang/reflect/Proxy.java"
    elif _RUNTIME_MODULE.match(module):
        path = f"{module}/{path}"
    elif not module and _RUNTIME_PACKAGE.match(class_name):
        # Java 8 has no modules; what comes with it lies in rt.jar.
        path = f"rt.jar/{path}"
    else:
        path = (sources.find(package, file) if file else sources.guess(package, outer)) or path
    name = of_clojure or groovy_name(simple, method) or f"{_NESTED.sub('.', simple)}.{_method_name(method)}"
    return Frame(name, path, line)


def _method_name(method: str) -> str:
    """`lambda$main$0` -> `main.lambda$0`: whose lambda it is comes first."""
    found = _LAMBDA.match(method)
    if not found:
        return method
    owner, number = found.groups()
    return f"lambda${number}" if owner == "null" else f"{_LAMBDA_OWNERS.get(owner, owner)}.lambda${number}"
