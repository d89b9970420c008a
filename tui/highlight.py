"""Source text in colours: pygments' tokens, brought down to a few kinds that a theme has styles for."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from .text import clean

if TYPE_CHECKING:
    from rich.style import Style

    from .palette import Palette

TAB_SIZE = 4
MAX_CHARACTERS = 400_000
"""Longer texts stay plain: they would take more than a second."""


class Kind(Enum):
    PLAIN = auto()
    COMMENT = auto()
    KEYWORD = auto()
    STRING = auto()
    NUMBER = auto()
    NAME = auto()
    """Of what is being defined."""


Piece = tuple[Kind, str]


def plain_lines(text: str) -> list[list[Piece]]:
    """The lines of `text`, made harmless, without colours."""
    return [[(Kind.PLAIN, clean(line.expandtabs(TAB_SIZE)))] for line in text.split("\n")]


def coloured_lines(text: str, path: str) -> list[list[Piece]]:
    """The lines of `text` in the language that `path`'s ending says; plain where nobody knows it. Takes its time."""
    if len(text) > MAX_CHARACTERS:
        return plain_lines(text)
    # Loading the index of all languages would delay every screen.
    from pygments.lexers import get_lexer_for_filename  # noqa: PLC0415
    from pygments.util import ClassNotFound  # noqa: PLC0415

    try:
        lexer = get_lexer_for_filename(path, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return plain_lines(text)
    lines: list[list[Piece]] = [[]]
    for token, value in lexer.get_tokens(text.expandtabs(TAB_SIZE)):
        kind = _kind(str(token))
        first, *rest = value.split("\n")
        if first:
            lines[-1].append((kind, clean(first)))
        lines.extend([(kind, clean(part))] if part else [] for part in rest)
    return lines


def styles(palette: Palette) -> dict[Kind, Style]:
    return {
        Kind.PLAIN: palette.plain,
        Kind.COMMENT: palette.faint,
        Kind.KEYWORD: palette.accent,
        Kind.STRING: palette.good,
        Kind.NUMBER: palette.warn,
        Kind.NAME: palette.bold,
    }


def _kind(token: str) -> Kind:
    """By the names of pygments' token types, `Token.Literal.String.Doc` and so on."""
    if token.startswith("Token.Comment"):
        return Kind.COMMENT
    if token.startswith(("Token.Keyword", "Token.Operator.Word")):
        return Kind.KEYWORD
    if token.startswith("Token.Literal.String"):
        return Kind.STRING
    if token.startswith("Token.Literal.Number"):
        return Kind.NUMBER
    if token.startswith(("Token.Name.Function", "Token.Name.Class")):
        return Kind.NAME
    return Kind.PLAIN
