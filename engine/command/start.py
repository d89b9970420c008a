"""What the launcher starts: the command line, straight from the checkout and the environment beside it.

Run with `-I -S`: neither the user's PYTHON… variables, which are meant for the program, nor the start-up files of installed packages
(the finder of an editable install takes as long as the interpreter itself) come in between.
"""

from __future__ import annotations

import os
import sys

_SETUP = "MULTI_LANG_PROFILER_SETUP"


def start() -> None:
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120 - loads less
    major, minor = sys.version_info[:2]
    packages = f"{root}/.venv/lib/python{major}.{minor}/site-packages"
    has_been_set_up = os.environ.pop(_SETUP, "") == "done"
    if not os.path.isdir(packages):  # noqa: PTH112
        _set_up_again(root, packages, has_been_set_up=has_been_set_up)
    sys.path.append(packages)
    # A package by that name, wherever the checkout lies and whatever its folder is called.
    package = type(sys)("multi_lang_profiler")
    package.__path__ = [root]
    sys.modules[package.__name__] = package
    from multi_lang_profiler.engine.command.early import main  # noqa: PLC0415 - it can be found only now

    main()


def _set_up_again(root: str, packages: str, *, has_been_set_up: bool) -> None:
    """The interpreter that the environment was made with has become another minor version since (an upgrade of the system, say)."""
    if has_been_set_up:
        sys.exit(
            f"multi_lang_profiler: {packages} is not there, although it was just set up; remove {root}/.venv and try again"
        )
    launcher = f"{root}/multi_lang_profiler"
    os.execve(launcher, [launcher, *sys.argv[1:]], {**os.environ, _SETUP: "again"})  # noqa: S606 - it is our own


if __name__ == "__main__":
    start()
