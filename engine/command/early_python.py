"""What starts a Python program, as `samplers/python/launch.py` finds it, where there is nothing to say against it."""

import os

TYPE_CHECKING = False  # As in `child`.
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_LOOK_BYTES = 8_192


def python_argv(
    program: str, arguments: "Sequence[str]", options: "Mapping[str, Sequence[str]]", *, is_module: bool
) -> tuple[str, ...] | None:
    """The whole command; None where it takes more than a look to find it, or to tell what is wrong."""
    interpreter = _interpreter(options.get("--python", ()))
    if interpreter is None or not (is_module or _is_source(program)):
        return None
    return (interpreter, *options.get("--python-arg", ()), *(["-m"] if is_module else []), program, *arguments)


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
