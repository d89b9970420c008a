"""A process that can start no other: for Austin, which asks for a version by starting a program with `-V`.

It does so with every program whose path contains "python" and in which it finds no version, the user's own `python-relay` among
them, which would then run a second time. A filter on its system calls (seccomp(2)) makes that impossible: Austin, refused a
fork, takes the version from the file's name or leaves the process alone.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import stat
import struct
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 22, 38
_SECCOMP_MODE_FILTER = 2
_LOAD, _IF_EQUAL, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
"""The filter's instructions: a word of `struct seccomp_data` into the accumulator, two jumps, the verdict (linux/bpf_common.h)."""
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
"""SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO, to which the number of the error is added."""
_EPERM, _ENOSYS = 1, 38
_CLONE_THREAD = 0x10000
_MACHINES = {"x86_64": (0xC000003E, 56, (57, 58)), "aarch64": (0xC00000B7, 220, ())}
"""As linux/audit.h and the kernel's tables have it: the architecture, clone, and what forks on top of that (fork, vfork)."""
_CLONE3 = 435
"""Its flags lie in memory, which a filter cannot see; told that there is no such call, the C library takes clone."""


def starts_nothing(program: str) -> Callable[[], None] | None:
    """What a child calls before it becomes `program`, so that it starts no other process; None where nothing can see to that."""
    # Without that the kernel takes filters from the mighty alone; with it, a file's own rights (setcap, setuid) are void.
    renounces = not _gives_rights(program)
    return _Confinement(renounces) if _works(renounces) else None


class _Confinement:
    """Called between fork and exec, it only calls the kernel: everything else is made before."""

    def __init__(self, renounces: bool) -> None:
        self._renounces = renounces
        instructions = _filter(*_MACHINES[platform.machine()])
        self._filter = ctypes.create_string_buffer(instructions, len(instructions))
        # struct sock_fprog: how many instructions there are, and where.
        self._program = ctypes.create_string_buffer(
            struct.pack("@HP", len(instructions) // 8, ctypes.addressof(self._filter))
        )
        self._prctl = ctypes.CDLL(None).prctl
        self._prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
        self._address = ctypes.addressof(self._program)
        self.has_worked = False

    def __call__(self) -> None:
        if self._renounces:
            self._prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        self.has_worked = self._prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, self._address, 0, 0) == 0


@functools.cache
def _works(renounces: bool) -> bool:
    """Tried in a thread: a filter holds for the thread that sets it and what it starts, and goes with it."""
    if platform.machine() not in _MACHINES:
        return False
    confine = _Confinement(renounces)
    trial = threading.Thread(target=confine)
    trial.start()
    trial.join()
    return confine.has_worked


def _gives_rights(program: str) -> bool:
    """Whether the file lends rights to who starts it."""
    try:
        return bool(
            Path(program).stat().st_mode & (stat.S_ISUID | stat.S_ISGID) or os.getxattr(program, "security.capability")
        )
    except OSError:
        return False


def _filter(architecture: int, clone: int, forks: tuple[int, ...]) -> bytes:
    """The filter's instructions, `struct sock_filter` each; a jump says how many it skips, if so and if not."""
    checks = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_IF_EQUAL, 0, len(forks) + 3, architecture),
        (_LOAD, 0, 0, _NUMBER_AT),
        *((_IF_EQUAL, len(forks) - at + 5, 0, number) for at, number in enumerate(forks)),
        (_IF_EQUAL, 2, 0, clone),
        (_IF_EQUAL, 5, 0, _CLONE3),
    ]
    verdicts = [
        (_RETURN, 0, 0, _ALLOW),
        # A thread is no process.
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_IF_ANY_BIT, 0, 1, _CLONE_THREAD),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE | _EPERM),
        (_RETURN, 0, 0, _REFUSE | _ENOSYS),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in (*checks, *verdicts))
