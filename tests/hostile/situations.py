"""What a program may be started in. Each is a piece of shell that ends in running "$@"."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Situation:
    name: str
    script: str
    ending: str = "7"
    """What the program is told to end with."""
    needs: str = ""
    """Shell that succeeds where the situation can be made."""
    not_for: str = ""
    """A language that cannot be had there, bare or not."""

    def command(self, words: list[str]) -> list[str]:
        return ["sh", "-c", self.script, "situation", *words]

    @property
    def why_not(self) -> str | None:
        """Why the situation cannot be made on this machine."""
        if self.needs and subprocess.run(["sh", "-c", self.needs], check=False, capture_output=True).returncode:
            return f"cannot be made here: {self.needs}"
        return None


# A mount that nobody else sees; as root, for only root may mount over what is root's.
_MOUNT = "unshare --mount --propagation private"
_MOUNTS = f"{_MOUNT} mount -t tmpfs none /mnt"
_NOBODY = "unshare --user --map-user=54321"
"""A user without a passwd entry, who may what the tester may as the owner of files, but nothing of root's."""
_NO_TEMPORARY = " && ".join(
    f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder}" for folder in ("/tmp", "/var/tmp")
)

SITUATIONS = (
    Situation("as usual", 'exec "$@"'),
    Situation("ends by a signal", 'exec "$@"', ending="kill"),
    Situation("no HOME, no passwd entry", f'unset HOME; exec {_NOBODY} "$@"', needs=f"{_NOBODY} true"),
    Situation("stdin closed", 'exec "$@" <&-'),
    Situation("stdout closed", 'exec "$@" >&-'),
    Situation("stderr closed", 'exec "$@" 2>&-'),
    Situation("all three closed", 'exec "$@" <&- >&- 2>&-'),
    Situation("home read-only", f'exec {_MOUNT} sh -c \'mount -t tmpfs -o ro none "$HOME" && exec "$@"\' - "$@"', needs=_MOUNTS),
    Situation("home full", f'exec {_MOUNT} sh -c \'mount -t tmpfs -o size=4k,nr_inodes=1 none "$HOME" && exec "$@"\' - "$@"', needs=_MOUNTS),
    Situation(
        "cache, state and runtime folder another user's",
        'mkdir -p "$HOME/.cache/multi_lang_profiler" "$HOME/.local/state/multi_lang_profiler" "$HOME/run/multi_lang_profiler" && '
        'chmod 700 "$HOME"/*/multi_lang_profiler "$HOME/.cache/multi_lang_profiler" && '
        f'chown -R 1:1 "$HOME/.cache" "$HOME/.local" "$HOME/run" && XDG_RUNTIME_DIR="$HOME/run" exec {_NOBODY} "$@"',
        needs=f"test $(id -u) = 0 && {_NOBODY} true",
    ),
    Situation("no folder for temporary files", f'exec {_MOUNT} sh -c \'{_NO_TEMPORARY} && exec "$@"\' - "$@"', needs=_MOUNTS),
    Situation("TMPDIR is not there", 'TMPDIR=/nowhere exec "$@"'),
    Situation("no /proc", f'exec {_MOUNT} sh -c \'mount -t tmpfs none /proc && exec "$@"\' - "$@"', needs=_MOUNTS),
    Situation("umask 0", 'umask 0; exec "$@"'),
    # `go build` itself, as `go run`, refuses to begin there.
    Situation("working folder removed", 'mkdir "$HOME/gone" && cd "$HOME/gone" && rmdir "$HOME/gone" && exec "$@"', not_for="Go"),
    Situation("40 open files at most", 'ulimit -n 40; exec "$@"'),
    Situation("an ASCII locale", 'PYTHONCOERCECLOCALE=0 PYTHONUTF8=0 LC_ALL=C exec "$@"'),
    Situation("an empty environment", 'exec env -i GOCACHE="$GOCACHE" GOROOT="$GOROOT" "$@"'),
    Situation("hang-ups ignored", 'trap "" HUP; exec "$@"'),
)  # fmt: skip
