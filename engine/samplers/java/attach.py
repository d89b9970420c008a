"""How an agent gets into a JVM that runs already: HotSpot's attach protocol.

The source is OpenJDK's: `attachListener_posix.cpp`, and `VirtualMachineImpl.java` of `jdk.attach` for the other side. A file in
/tmp and SIGQUIT make the JVM listen on a socket, on which it takes one command per connection. `jcmd` does the same, but it takes
a JDK and the start of a second JVM, and does not tell the reasons apart that we give for a refusal.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...processes import JVM_LIBRARY, mapped_library, status_field
from ..sampler import SamplingFailed
from .runtime import installed_java

if TYPE_CHECKING:
    from .runtime import JavaRuntime

_ANSWER_S = 10.0
_LISTEN_S = 5.0
_LOOK_INTERVAL_S = 0.02
_TOO_EARLY = "NullPointerException"
"""A JVM answers so while it has no class loader yet that could load an agent."""
_ATTEMPTS, _AGAIN_S = 8, 0.1
_OVER = {"", "Z", "X"}
_ALLOWS_AGENTS = re.compile(rb"-XX:([+-])EnableDynamicAgentLoading")
_CAN_BE_ATTACHED_TO = re.compile(rb"sun\.rt\.jvmCapabilities\0+([01])")
_WARNS_FROM = 21
"""https://openjdk.org/jeps/451"""
_OPTION_VARIABLES = (b"JAVA_TOOL_OPTIONS=", b"JDK_JAVA_OPTIONS=", b"_JAVA_OPTIONS=")


def running_java(pid: int) -> JavaRuntime:
    """The Java that `pid` runs. Raises `SamplingFailed` if it is none, or has ended."""
    library = mapped_library(pid, JVM_LIBRARY)
    if library is None:
        raise SamplingFailed(f"process {pid} has ended, or runs another program now", final=True)
    # HOME/lib/server/libjvm.so, and up to Java 8 HOME/lib/amd64/server.
    home = next((folder for folder in library.parents if (folder / "bin" / "java").exists()), library.parents[2])
    return installed_java(home)


class Refusal(NamedTuple):
    """Why no agent can be loaded into a JVM without harm."""

    why: str
    """With what to do about it."""
    briefly: str
    """The same for a row of the ledger."""
    may_pass: bool = False
    """A JVM that has just begun looks so, too."""


def why_no_agent(pid: int, *, may_warn: bool) -> Refusal | None:
    """Why no agent can be loaded into the JVM `pid` without harm; None if one can.

    `may_warn`: the user knows that Java 21 and newer print a warning.
    """
    started = "start it with multi_lang_profiler java"
    user = Path(f"/proc/{pid}").stat().st_uid
    if user != os.geteuid():
        why = f"it runs as another user ({user}), whom alone a JVM obeys: run the profiler as that user"
        return Refusal(why, "another user's")
    if not _shares_our_files(pid):
        why = (
            "it runs in another container or with a private /tmp: run the profiler in there (docker exec, kubectl exec)"
        )
        return Refusal(why, "in another container, or with a private /tmp")
    if mapped_library(pid, "libj9vm") is not None:
        return Refusal(f"its Java is OpenJ9, and only HotSpot can be attached to: {started}", "OpenJ9")
    options = _options(pid)
    if b"-XX:+DisableAttachMechanism" in options or _says_it_is_closed(pid):
        why = f"it was started with -XX:+DisableAttachMechanism: leave that out, or {started}"
        return Refusal(why, "started with -XX:+DisableAttachMechanism")
    allowed = _ALLOWS_AGENTS.findall(options)
    if allowed and allowed[-1] == b"-":
        why = f"it was started with -XX:-EnableDynamicAgentLoading: leave that out, or {started}"
        return Refusal(why, "started with -XX:-EnableDynamicAgentLoading")
    can_be_asked = _catches(pid, signal.SIGQUIT)
    version = running_java(pid).major
    if not allowed and not may_warn and (version is None or version >= _WARNS_FROM) and b"-Xrs" not in options:
        why = (
            f"Java {_WARNS_FROM} and newer print a warning on the program's stderr when an agent is loaded: accept that with"
            " --force, or start the program with -XX:+EnableDynamicAgentLoading"
        )
        return Refusal(why, f"Java {_WARNS_FROM} and newer take --force or -XX:+EnableDynamicAgentLoading")
    if not can_be_asked:
        why = f"it was started with -Xrs, so that the signal which makes a JVM listen would kill it: {started}"
        return Refusal(why, "started with -Xrs", may_pass=b"-Xrs" not in options)
    return None


async def load_agent(pid: int, jar: Path, options: str) -> None:
    """Load the agent and call its `agentmain(options)`, which has returned then. Raises `SamplingFailed`."""
    inner = status_field(pid, "NSpid").split()[-1:] or [str(pid)]
    socket = Path(f"/tmp/.java_pid{inner[0]}")  # noqa: S108 - the JVM's choice, whatever TMPDIR says
    for attempt in range(_ATTEMPTS):
        try:
            async with asyncio.timeout(_ANSWER_S):
                await _until_it_can_be_asked(pid)
                answer = await _command(pid, socket, "load", "instrument", "false", f"{jar}={options}")
        except (OSError, TimeoutError) as error:
            why = str(error) or f"it did not answer within {_ANSWER_S:g} s"
            raise SamplingFailed(f"The JVM of process {pid} does not take an agent: {why}", final=True) from None
        # The status of the command and of the agent's start: "0", "return code: 0", up to Java 8 "0", "0".
        status, _, said = answer.partition("\n")
        if status.strip() == "0" and said.strip().rpartition(" ")[2] == "0":
            return
        if _TOO_EARLY not in said or attempt == _ATTEMPTS - 1:
            said = " ".join(said.split()) or status.strip()
            raise SamplingFailed(f"The JVM of process {pid} refused the agent: {said}", final=True)
        await asyncio.sleep(_AGAIN_S)


async def _until_it_can_be_asked(pid: int) -> None:
    """A JVM that has just begun would be killed by the signal that makes it listen."""
    while status_field(pid, "State")[:1] not in _OVER and not _catches(pid, signal.SIGQUIT):  # noqa: ASYNC110 - nobody tells us
        await asyncio.sleep(_LOOK_INTERVAL_S)


async def _command(pid: int, socket: Path, *words: str) -> str:
    """What the JVM answers. Raises `OSError`."""
    try:
        reader, writer = await asyncio.open_unix_connection(socket)
    except (FileNotFoundError, ConnectionRefusedError):
        # It does not listen yet; a killed JVM of the same number may have left its socket.
        _ask_to_listen(pid, socket)
        await _until_it_listens(socket)
        reader, writer = await asyncio.open_unix_connection(socket)
    _request(socket).unlink(missing_ok=True)
    try:
        writer.write(b"".join(word.encode() + b"\0" for word in ("1", *words)))
        return (await reader.read()).decode(errors="replace")
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def _ask_to_listen(pid: int, socket: Path) -> None:
    socket.unlink(missing_ok=True)
    request = _request(socket)
    request.unlink(missing_ok=True)
    os.close(os.open(request, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    if not _catches(pid, signal.SIGQUIT):
        request.unlink()
        raise ProcessLookupError("it has ended")
    os.kill(pid, signal.SIGQUIT)


async def _until_it_listens(socket: Path) -> None:
    try:
        async with asyncio.timeout(_LISTEN_S):
            while not _is_there(socket):  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(_LOOK_INTERVAL_S)
    except TimeoutError:
        # The request stays: a JVM that is only stopped and finds none when it goes on would print its threads' stacks.
        raise OSError(f"it did not listen within {_LISTEN_S:g} s") from None


def _request(socket: Path) -> Path:
    return socket.with_name(socket.name.replace("java_", "attach_"))


def _is_there(socket: Path) -> bool:
    return socket.is_socket()


def _shares_our_files(pid: int) -> bool:
    mine, its = (Path(f"/proc/{whose}") for whose in ("self", pid))
    return (mine / "ns/mnt").readlink() == (its / "ns/mnt").readlink() and (mine / "root").samefile(its / "root")


def _catches(pid: int, number: int) -> bool:
    """Whether the process has a handler for the signal."""
    mask = status_field(pid, "SigCgt")
    return bool(mask) and bool(int(mask, 16) >> (number - 1) & 1)


def _options(pid: int) -> bytes:
    """The command line, and before it the variables with options for JVMs."""
    process = Path(f"/proc/{pid}")
    variables = (process / "environ").read_bytes().split(b"\0")
    return b"\0".join(
        (*(text for text in variables if text.startswith(_OPTION_VARIABLES)), (process / "cmdline").read_bytes())
    )


def _says_it_is_closed(pid: int) -> bool:
    """What the JVM itself publishes, where it publishes anything: options may also stand in files."""
    for published in Path("/tmp").glob(f"hsperfdata_*/{pid}"):  # noqa: S108 - the JVM's choice
        with suppress(OSError):
            found = _CAN_BE_ATTACHED_TO.search(published.read_bytes())
            return found is not None and found[1] == b"0"
    return False
