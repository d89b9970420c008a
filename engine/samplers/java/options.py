"""What the user tells the JVM, wherever it is said, and what follows from it for us."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_VARIABLES = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")
_TOLD_ELSEWHERE = ("-XX:Flags=", "-XX:VMOptionsFile=", "-XX:+ReadVMOptionsFile")
_RECORDS = re.compile(
    r"-XX:AOTCacheOutput=|-XX:AOTMode=(?:record|create)$|-XX:ArchiveClassesAtExit=|-Xshare:dump$"
    r"|-XX:\+AutoCreateSharedArchive$|-XX:\+RecordDynamicDumpInfo$|-XX:\+DumpSharedSpaces$"
)
_USES_ARCHIVE = re.compile(r"-XX:(?:AOTCache=|AOTMode=|SharedArchiveFile=)|-Xshare:on$")
_CLASS_LOADER = "-Djava.system.class.loader="
_CHECKS_NATIVES = re.compile(r"-Xcheck:jni$|-XX:\+CheckJNICalls$")
_NAMES_MODULES = re.compile(r"-m$|--module(?:=|$)|--limit-modules(?:=|$)")
_SECURITY_MANAGER = re.compile(r"-Djava\.security\.manager(?:=(?!(?:dis)?allow$).*)?$")
_MAX_FILE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class JavaOptions:
    """The options of the command line, of the files it names with `@`, and of the variables that Java reads."""

    words: tuple[str, ...]
    are_known: bool
    """Whether these are all: a file may be unreadable, or the JVM be told to read more of them."""

    @property
    def why_no_agent(self) -> str | None:
        """Why there must be no agent of ours in this JVM, as one clear line; None if there may be one."""
        if recorded := next(filter(_RECORDS.match, self.words), None):
            return (
                f"{recorded} records this run, and the profiler's agent would be in the record, so it runs unprofiled;"
                " profile a run without it"
            )
        archive = next(filter(_USES_ARCHIVE.match, self.words), None)
        if archive and self.names_modules:
            return (
                f"{archive} fits the program's own modules alone, and the profiler's agent needs java.instrument beside them, so it"
                " runs unprofiled; profile a run without it"
            )
        return None

    @property
    def why_no_java_agent(self) -> str | None:
        """Why there must be no agent in Java, though a library of natives may be: as one clear line."""
        loader = next((word for word in self.words if word.startswith(_CLASS_LOADER)), None)
        if loader is None:
            return None
        # One without the method `appendToClassPathForInstrumentation`: there the JVM ends with "FATAL ERROR" at its start.
        return f"{loader} may end a JVM that has an agent in it, so the program runs unprofiled; async-profiler can be there (--async-profiler)"

    @property
    def uses_archive(self) -> bool:
        """Whether classes come from an archive of the user's own, which may not fit a JVM with more in it."""
        return any(map(_USES_ARCHIVE.match, self.words))

    @property
    def checks_natives(self) -> bool:
        """Whether the JVM watches over what native code does, and prints what it finds: handlers of signals, say, that a library has set."""
        return any(map(_CHECKS_NATIVES.match, self.words))

    @property
    def names_modules(self) -> bool:
        """Whether the graph of modules is of the user's choosing, so that `java.instrument` may not be in it."""
        return any(map(_NAMES_MODULES.match, self.words))

    @property
    def sets_security_manager(self) -> bool:
        """Whether there is one before any of our code runs, whose policy does not know us (up to Java 23)."""
        return any(map(_SECURITY_MANAGER.match, self.words))


def java_options(arguments: Iterable[str], environment: Mapping[str, str], folder: Path) -> JavaOptions:
    """`arguments` are those before the program's name; files that they name lie in `folder`."""
    words: list[str] = []
    are_known = True
    for variable in _VARIABLES:
        words += _split(environment.get(variable, ""))
    words += arguments
    told: list[str] = []
    for word in words:
        if word.startswith("@") and not word.startswith("@@"):
            file = folder / word[1:]
            try:
                with file.open("rb") as open_file:
                    told += _split(open_file.read(_MAX_FILE_BYTES).decode("utf-8", "replace"))
            except OSError:
                are_known = False
        else:
            told.append(word)
    are_known = are_known and not any(word.startswith(_TOLD_ELSEWHERE) for word in told)
    return JavaOptions(tuple(told), are_known)


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return text.split()
