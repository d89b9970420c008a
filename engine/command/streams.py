"""Standard streams that our starter has closed (a service manager, `2>&-`): made harmless for us, as they are for the program."""

import os
import sys

TYPE_CHECKING = False  # As in `program/child.py`.
if TYPE_CHECKING:
    from collections.abc import Mapping

_STREAMS = (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_WRONLY, "w"), ("stderr", os.O_WRONLY, "w"))


def open_standard_streams() -> None:
    """Put /dev/null where a standard stream is missing, as long as we run.

    Else the next file we open gets its number: what is said on stderr would go into a socket, and, since `print` takes stdout where
    there is no stderr, into the program's output. They close as the program is started (O_CLOEXEC): it finds them as it would bare.
    """
    for number, (name, flags, mode) in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free, which is this one: those below are open by now.
            opened = _nothing(flags)
            assert opened == number, "os.open gives the lowest free number"
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", errors="replace", closefd=False))  # noqa: SIM115


def _nothing(flags: int) -> int:
    try:
        return os.open(os.devnull, flags | os.O_CLOEXEC)
    except OSError:  # a container without devices
        return os.memfd_create("nothing", os.MFD_CLOEXEC)


def on_terminal(environment: "Mapping[str, str]") -> bool:
    """Whether a screen can be shown where we were started."""
    # Textual draws on stderr.
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return all(stream.isatty() for stream in streams) and environment.get("TERM", "") not in ("", "dumb")
