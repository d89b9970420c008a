"""Command lines whose mistakes are one clear line."""

from __future__ import annotations

import argparse
from typing import NoReturn


class UsageError(Exception):
    """The command line or the environment is wrong. The text is one clear line."""


class UsageParser(argparse.ArgumentParser):
    """Raises `UsageError` where argparse would print its usage and exit."""

    def error(self, message: str) -> NoReturn:
        unknown = message.removeprefix("unrecognized arguments: ")
        if unknown != message:
            raise UsageError(
                f"unknown option {unknown.split()[0]!r}; the program's own arguments go behind --: … -- {unknown}"
            )
        raise UsageError(message.removeprefix("argument "))
