"""What starts a Java program, as `samplers/java` does, where it is an OpenJDK on whose options ours have no bearing, and the agent is there."""

import os

from ..program.child import Made
from ..samplers.java.agent_start import (
    ASKS,
    INLINED_METHODS,
    POLLING_LOOPS,
    SAMPLES,
    agent_options,
    known_agent,
    level_for,
    recorder_from_s,
)
from .early_made import cache_folder, make_folder, read_start
from .early_python import found_in, on_path

TYPE_CHECKING = False  # As in `child`.
if TYPE_CHECKING:
    from .early_words import Words

_VARIABLES = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")
_NEEDED_MODULES = {"java.instrument", "java.management", "jdk.management"}
_PLAIN_OPTIONS = ("-Xmx", "-Xms", "-Xss", "-ea")
_CLASS_PATH_OPTIONS = ("-cp", "-classpath", "--class-path")


def java_start(words: "Words") -> tuple[tuple[str, ...], dict[str, str], Made] | None:
    """The command, what is added to its environment, and what was made for its sampler. Raises `OSError`."""
    options = words.options.get("--java-arg", [])
    if os.environ.get("ASYNC_PROFILER_HOME") or on_path("asprof") is not None:
        return None
    if any(os.environ.get(name) for name in _VARIABLES) or not _are_plain(options) or not _is_plain(words.program):
        return None
    named, home = words.options.get("--java", ()), os.environ.get("JAVA_HOME", "")
    if named:
        java = found_in((named[-1],))
    elif home:
        java = found_in((f"{home}/bin/java",)) if os.path.normpath(home) == home and home[0] == "/" else None
    else:
        java = on_path("java")
    major, has_recorder = (java and _known_java(java)) or (None, False)
    cache = cache_folder()
    # An = ends the name of an agent.
    if java is None or major is None or cache is None or "=" in cache:
        return None
    from_s = recorder_from_s(major) if has_recorder and words.mode == "cpu" else None
    agent = known_agent(cache, level_for(major, inlined=from_s is not None))
    if agent is None:
        return None
    made = make_folder()
    for name, flags in ((SAMPLES, os.O_RDONLY), (ASKS, os.O_RDWR)):
        os.mkfifo(f"{made.folder}/{name}", 0o600)
        made.descriptors[name] = os.open(f"{made.folder}/{name}", flags | os.O_NONBLOCK | os.O_CLOEXEC)
    loaded = f"-agentlib:instrument={agent}={agent_options(words.mode if from_s is None else f'cpu+{from_s}', words.rate_hz, made.folder)}"
    target = ("-jar", words.program) if words.program.endswith(".jar") else (words.program,)
    seen = POLLING_LOOPS if from_s is None else (*POLLING_LOOPS, *INLINED_METHODS)
    return (java, *seen, loaded, *options, *target, *words.arguments), {}, made


def _is_plain(program: str) -> bool:
    """A source file or jar that is there, or a class's name."""
    if program.endswith((".java", ".jar")):
        return os.path.isfile(program)
    return (
        program.replace(".", "").replace("_", "").isalnum()
        and not program.endswith(".class")
        and not os.path.isdir(program)
    )


def _are_plain(options: list[str]) -> bool:
    """Whether they are a class path and sizes, about which an agent has nothing to say."""
    ahead = ""
    for option in options:
        if not (option.startswith(_PLAIN_OPTIONS) or option in _CLASS_PATH_OPTIONS or ahead in _CLASS_PATH_OPTIONS):
            return False
        if ahead in _CLASS_PATH_OPTIONS and option[:1] in ("@", "-"):
            return False
        ahead = "" if ahead in _CLASS_PATH_OPTIONS else option
    return ahead not in _CLASS_PATH_OPTIONS


def _known_java(java: str) -> tuple[int, bool] | None:
    """The major version of OpenJDK's own launcher and virtual machine, with what the agent needs; and whether there is a Flight Recorder."""
    launcher = os.path.realpath(java)
    home = os.path.dirname(os.path.dirname(launcher))
    lines = read_start(f"{home}/release", 65_536).decode("utf-8", "replace").splitlines()
    told = {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}
    first = told.get("JAVA_VERSION", "").partition(".")[0]
    is_known = (
        os.path.basename(launcher) == "java"
        and read_start(launcher, 4) == b"\x7fELF"
        and os.uname().machine in ("x86_64", "aarch64")
        and os.path.exists(f"{home}/lib/server/libjvm.so")
        and not os.path.exists(f"{home}/lib/default")
        and _NEEDED_MODULES.issubset(told.get("MODULES", "").split())
    )
    # Java 10 has what is to be said, 11 runs sources.
    if not (is_known and first.isdecimal() and int(first) >= 11):
        return None
    return int(first), "jdk.jfr" in told["MODULES"].split()
