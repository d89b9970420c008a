"""Command lines whose mistakes are one clear line."""

from __future__ import annotations

import argparse
import difflib
from typing import NoReturn

MAX_OPTION_LENGTH = 24


class UsageError(Exception):
    """The command line or the environment is wrong. The text is one clear line."""


class UsageParser(argparse.ArgumentParser):
    """Raises `UsageError` where argparse would print its usage and exit."""

    def error(self, message: str) -> NoReturn:
        unknown = message.removeprefix("unrecognized arguments: ")
        if unknown != message:
            raise UsageError(
                f"unknown option {self._option(unknown.split()[0])}; the program's own arguments go behind --"
            )
        raise UsageError(message.removeprefix("argument "))

    def _option(self, word: str) -> str:
        """`word` by its name alone: what stands in or behind a mistyped option may be a key."""
        name = word.partition("=")[0] if word.startswith("--") else word[:2]
        like = difflib.get_close_matches(name, self._option_string_actions, 1, cutoff=0.75)
        # `--tokenSECRET` is no name either.
        shown = repr(name if len(name) <= MAX_OPTION_LENGTH else f"{name[:MAX_OPTION_LENGTH]}…")
        return f"{shown} (did you mean {like[0]}?)" if like else shown
