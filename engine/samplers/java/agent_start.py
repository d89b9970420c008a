"""What the agent is told at its start, and what tells without reading it that the one in the cache is of our sources and was found to be whole.

Loads only what the interpreter has loaded anyway, as the early start does.
"""

import os

SAMPLES, ASKS = "java-samples", "java-asks"
"""The pipes, in the private folder."""
POLLING_LOOPS = ("-XX:+UseCountedLoopSafepoints", "-XX:LoopStripMiningIter=1000")
"""What most collectors set for themselves; `Serial` (the default where there is one core or little memory) and `Parallel` do not."""
INLINED_METHODS = ("-XX:+UnlockDiagnosticVMOptions", "-XX:+DebugNonSafepoints")
"""The compilers keep what they know of all the code they make, not of its safepoints alone."""
RECORDER_SHARE = 0.02
"""Of what a program has used of the CPU, the Flight Recorder may cost this much to begin, if nobody has asked for it."""
AGENT_SOURCES = f"{os.path.dirname(os.path.abspath(__file__))}/agent"


def agent_options(mode: str, rate_hz: int, folder: str) -> str:
    """`mode`: that of the settings, `inlined`, or `cpu+SECONDS`."""
    return f"{mode},{round(1e9 / rate_hz)},{most_percent(rate_hz)},{folder}"


def recorder_from_s(major: int) -> int | None:
    """What a program has to use of the CPU, in seconds, before the Flight Recorder is worth its cost; None where it tells no inlined methods."""
    return round(recorder_cost_s(major) / RECORDER_SHARE) if major >= 17 else None


def recorder_cost_s(major: int) -> float:
    """What the Flight Recorder takes of the CPU to begin, in seconds, as `python -m tests.benchmarks java_recorder` measures it."""
    return 0.9 if major < 25 else 0.7


def most_percent(rate_hz: int) -> int:
    """Of a core, that the agent's polls may take before they become rarer; who asks for many is ready to pay for them."""
    return 3 if rate_hz > 200 else 2


def level_for(major: int, *, inlined: bool) -> int:
    """Of the agent's class files, for that Java: those of 17 have the Flight Recorder."""
    return 17 if inlined or major >= 21 else 8


def known_agent(folder: str, level: int, sources: str = AGENT_SOURCES) -> str | None:
    """The agent's jar for class files of Java `level` in the cache `folder`; None where nothing is known of one."""
    try:
        descriptor = os.open(_stamp(folder, level), os.O_RDONLY | os.O_CLOEXEC)
        try:
            name, _, known = os.read(descriptor, 8_192).decode().partition("\n")
        finally:
            os.close(descriptor)
        jar = f"{folder}/{name}"
        return jar if "/" not in name and known == _identity(jar, sources) else None
    except (OSError, ValueError):
        return None


def note_agent(folder: str, level: int, jar: str, sources: str = AGENT_SOURCES) -> None:
    """Note that `jar` is whole. What cannot be noted is looked at again."""
    temporary = f"{_stamp(folder, level)}.{os.getpid()}"
    try:
        text = f"{os.path.basename(jar)}\n{_identity(jar, sources)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)
        os.rename(temporary, _stamp(folder, level))
    except OSError:
        return


def _stamp(folder: str, level: int) -> str:
    return f"{folder}/java-agent-{level}.known"


def _identity(jar: str, sources: str) -> str:
    """Raises `OSError`."""
    files = [jar, *(f"{sources}/{name}" for name in sorted(os.listdir(sources)) if name.endswith(".java"))]
    found = [os.stat(file) for file in files]
    return " ".join(f"{stat.st_ino:x}.{stat.st_size:x}.{stat.st_mtime_ns:x}" for stat in found)
