"""Command lines whose mistakes are one clear line."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_OPTION_LENGTH = 24


class UsageError(Exception):
    """The command line or the environment is wrong. The text is one clear line."""


class UsageParser(argparse.ArgumentParser):
    """Raises `UsageError` where argparse would print its usage and exit."""

    takes_arguments = False
    """Whether what we do not know may be meant for a program."""

    def error(self, message: str) -> NoReturn:
        unknown = message.removeprefix("unrecognized arguments: ")
        if unknown != message:
            hint = "the program's own arguments go behind --"
            if not self.takes_arguments:
                hint = f"{self.prog} --help lists those there are"
            raise UsageError(f"unknown option {shown_option(unknown.split()[0], self._option_string_actions)}; {hint}")
        raise UsageError(message.removeprefix("argument "))


def shown_option(word: str, known: Iterable[str]) -> str:
    """`word` by its name alone, for what stands in or behind a mistyped option may be a key; with the one of `known` that is meant, perhaps."""
    name = word.partition("=")[0] if word.startswith("--") else word[:2]
    import difflib  # noqa: PLC0415 - only for mistakes

    like = difflib.get_close_matches(name, known, 1, cutoff=0.75)
    # `--tokenSECRET` is no name either.
    shown = repr(name if len(name) <= MAX_OPTION_LENGTH else f"{name[:MAX_OPTION_LENGTH]}…")
    return f"{shown} (did you mean {like[0]}?)" if like else shown
