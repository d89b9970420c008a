"""How to start a JavaScript or TypeScript program: which `node`, and what makes it take TypeScript."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...processes import is_executable
from ...text import reason
from ..sampler import CannotStart
from .typescript import beyond_stripping, projects_loader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...settings import Settings

OLDEST_SAMPLED = 18
_VERSION_S = 30.0
"""Version managers' shims may be slow at their first call."""
_VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+)\S*\s*")
_STRIPPED_BY_NODE = {".ts", ".mts", ".cts"}
_TYPESCRIPT = _STRIPPED_BY_NODE | {".tsx", ".jsx"}
_MAKES_TYPESCRIPT_RUN = re.compile(
    r"(-r|--(import|require|loader|experimental-(loader|strip-types|transform-types)))(=|$)"
)
_PERMISSION_OPTIONS = {"--permission", "--experimental-permission"}


class NodeCommand(NamedTuple):
    argv: tuple[str, ...]
    version: str
    """As `node --version` says it, `v24.1.0`."""
    source_file: Path | None
    unprofiled: str | None
    """Why V8's profiler cannot be used in this program."""
    is_stripping: bool = False
    """Node.js itself strips the types, as the project brings nothing that could do more."""


async def node_command(settings: Settings, cache_folder: Callable[[], Path]) -> NodeCommand:
    """The command line that runs `settings.program`. Raises `CannotStart`."""
    node = _find(settings.runtime)
    kept = _kept_version(node, cache_folder)
    text = _read(kept)
    version = _VERSION.fullmatch(text)
    if not version:
        text = await _version_text(node)
        version = _VERSION.fullmatch(text)
        _write(kept, text)
    if not version:
        raise CannotStart(
            f"{node} is not Node.js: asked for its version it says {text[:80].strip()!r}; name another with --node"
        )
    number = (int(version[1]), int(version[2]))
    file = _find_file(Path(settings.working_folder, settings.program))
    if file is None and not settings.command:
        raise CannotStart(f"cannot start {settings.program}: no such file")
    options = list(settings.runtime_arguments)
    added: list[str] = []
    is_stripping = False
    if file and file.suffix in _TYPESCRIPT and not any(_MAKES_TYPESCRIPT_RUN.match(option) for option in options):
        loader = projects_loader(file, settings.working_folder)
        beyond: str | None = None
        if loader and _strips(file.suffix, number, options):
            beyond = await asyncio.to_thread(beyond_stripping, file)
        if not _strips(file.suffix, number, options):
            added = loader or _no_loader(file, settings, text.strip())
        elif beyond:
            added = loader
        else:
            is_stripping = not loader
    typed = settings.command or (*options, settings.program, *settings.arguments)
    return NodeCommand(
        argv=(node, *added, *typed),
        version=text.strip(),
        source_file=file,
        unprofiled=_why_unprofiled(number, text.strip(), options),
        is_stripping=is_stripping,
    )


def _find(runtime: str | None) -> str:
    found = shutil.which(runtime or "node")
    if found:
        return found
    if runtime:
        raise CannotStart(f"{runtime} was not found; name a Node.js that is there with --node")
    raise CannotStart("Node.js was not found on PATH; install it or name it with --node")


def _kept_version(node: str, cache_folder: Callable[[], Path]) -> Path | None:
    """Where the version of this very executable is kept: to ask for it takes 40 ms of each start.

    None where what `node` names may run another one tomorrow, as version managers' shims do.
    """
    executable = Path(node).resolve()
    if not executable.name.startswith("node") or not is_executable(executable):
        return None
    try:
        found = executable.stat()
        return cache_folder() / f"node-{found.st_dev:x}-{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}"
    except OSError:
        return None


def _read(kept: Path | None) -> str:
    with suppress(OSError):
        return kept.read_text(errors="replace") if kept else ""
    return ""


def _write(kept: Path | None, text: str) -> None:
    with suppress(OSError):
        if kept:
            kept.write_text(text)


async def _version_text(node: str) -> str:
    # It would refuse to answer for an option in there that it does not know.
    environment = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
    try:
        process = await asyncio.create_subprocess_exec(
            node,
            "--version",
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        raise CannotStart(f"cannot start {node}: {reason(error)}") from None
    try:
        async with asyncio.timeout(_VERSION_S):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise CannotStart(
            f"{node} did not tell its version within {_VERSION_S:g} s; name another with --node"
        ) from None
    return output.decode(errors="replace")


def _find_file(program: Path) -> Path | None:
    """The file that `node PROGRAM` runs, which may be named without its ending or by its folder; None if there is none.

    Node's rules: https://nodejs.org/api/modules.html#all-together
    """
    candidates = [program, program.with_name(program.name + ".js")]
    if program.is_dir():
        with suppress(OSError, ValueError, KeyError, TypeError):
            main = program / json.loads((program / "package.json").read_bytes())["main"]
            candidates += [main, main.with_name(main.name + ".js"), main / "index.js"]
        candidates.append(program / "index.js")
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _strips(ending: str, version: tuple[int, int], options: list[str]) -> bool:
    """Whether Node.js strips the types of such a file: on since 22.18 and 23.6."""
    strips = (22, 18) <= version < (23, 0) or version >= (23, 6)
    return strips and ending in _STRIPPED_BY_NODE and "--no-experimental-strip-types" not in options


def _no_loader(file: Path, settings: Settings, version: str) -> list[str]:
    if file.suffix in _STRIPPED_BY_NODE:
        raise CannotStart(
            f"Node.js {version} cannot run TypeScript ({settings.program}): use Node.js 22.18 or newer (--node PATH), "
            "or add tsx to the project (npm install --save-dev tsx)"
        )
    raise CannotStart(
        f"Node.js cannot run {file.suffix} files ({settings.program}): add tsx to the project (npm install --save-dev tsx)"
    )


def _why_unprofiled(version: tuple[int, int], text: str, options: list[str]) -> str | None:
    if version[0] < OLDEST_SAMPLED:
        return f"Node.js {text} is too old to be sampled: use {OLDEST_SAMPLED} or newer (--node PATH)"
    return why_unpermitted(options)


def why_unpermitted(words: Sequence[str]) -> str | None:
    """Why Node.js cannot be sampled under the permission model, if `words` or the environment ask for that: Node.js 20 would not even start with us."""
    given = {*words, *os.environ.get("NODE_OPTIONS", "").split()}
    if given & _PERMISSION_OPTIONS:
        return "Node.js lets nobody sample a program that runs under its permission model: leave out --permission to see it"
    return None
