"""What starts a Python program, as `samplers/python/launch.py` finds it, where there is nothing to say against it."""

import os

TYPE_CHECKING = False  # As in `child`.
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..program.child import Child
    from .early_words import Words

_LOOK_BYTES = 8_192


def python_start(words: "Words") -> tuple[tuple[str, ...], dict[str, str], None] | None:
    """The whole command, with nothing added; None where it takes more than a look to find it, or to tell what is wrong."""
    interpreter = _interpreter(words.options.get("--python", ()))
    if interpreter is None or not (words.is_module or _is_source(words.program)):
        return None
    program = (*(["-m"] if words.is_module else []), words.program)
    return (interpreter, *words.options.get("--python-arg", ()), *program, *words.arguments), {}, None


def look_early(words: "Words", child: "Child") -> None:
    """Start the sampler's helper with the program: it is there some tenths of a second before us."""
    if "AUSTINPATH" in os.environ:
        return
    from ..samplers.python.looker_start import start_looker

    try:
        child.lookers.append(start_looker(words.mode, words.rate_hz, os.getcwd(), child.pid))
    except OSError:
        # It is started later, or told then why it cannot be.
        return


def _interpreter(named: "Sequence[str]") -> str | None:
    if named:
        return found_in((named[-1],))
    virtual = os.environ.get("VIRTUAL_ENV", "")
    if virtual:
        if virtual[0] != "/" or os.path.normpath(virtual) != virtual:
            return None
        if found := found_in((f"{virtual}/bin/python",)):
            return found
    return on_path("python3") or on_path("python")


def on_path(name: str) -> str | None:
    """Where `name` is, by PATH; None also where PATH has folders that are relative."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    if any(folder[:1] != "/" for folder in folders):
        return None
    return found_in(os.path.join(folder, name) for folder in folders)


def found_in(places: "Iterable[str]") -> str | None:
    """The first that can be executed."""
    return next((place for place in places if os.access(place, os.X_OK) and not os.path.isdir(place)), None)


def _is_source(program: str) -> bool:
    """Whether it is a file of text that can be read."""
    try:
        if not os.path.isfile(program):
            return False
        descriptor = os.open(program, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return b"\0" not in os.read(descriptor, _LOOK_BYTES)
        finally:
            os.close(descriptor)
    except (OSError, ValueError):
        return False
