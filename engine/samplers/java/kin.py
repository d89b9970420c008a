"""Names of functions of the languages that compile to Java's classes, as those who write in them know them.

Clojure makes a class of each function: `my_app.core$pay_BANG_` is `my-app.core/pay!` (clojure.lang.Compiler, `demunge`). Groovy makes one of
each closure: `Shop$_sell_closure1` is `Shop.sell.closure1`.
"""

from __future__ import annotations

import re

CLOJURE_FILES = (".clj", ".cljc")
_CLOJURE_CALLS = frozenset({"invoke", "invokeStatic", "invokePrim", "doInvoke", "applyTo"})
_IN_CLOJURE = {
    "_COLON_": ":",
    "_PLUS_": "+",
    "_GT_": ">",
    "_LT_": "<",
    "_EQ_": "=",
    "_TILDE_": "~",
    "_BANG_": "!",
    "_CIRCA_": "@",
    "_SHARP_": "#",
    "_SINGLEQUOTE_": "'",
    "_DOUBLEQUOTE_": '"',
    "_PERCENT_": "%",
    "_CARET_": "^",
    "_AMPERSAND_": "&",
    "_STAR_": "*",
    "_BAR_": "|",
    "_LBRACE_": "{",
    "_RBRACE_": "}",
    "_LBRACK_": "[",
    "_RBRACK_": "]",
    "_SLASH_": "/",
    "_BSLASH_": "\\",
    "_QMARK_": "?",
    "$": "/",
    "_": "-",
}
_MUNGED = re.compile("|".join(map(re.escape, _IN_CLOJURE)))
_CLOSURE = re.compile(r"\$_(?:(\w+?)_)?(closure\d+|lambda\d+)(?=$|\$)")


def clojure_name(class_name: str, method: str, file: str) -> str | None:
    """Of a function with its namespace, as Go's names have their package; None where it is none of Clojure's.

    `file` is empty where nobody tells it. Records and types are classes as Java's are.
    """
    namespace, _, function = class_name.partition("$")
    # A namespace ends in small letters, a class of anybody else does not.
    is_clojures = file.endswith(CLOJURE_FILES) or (
        not file and method in _CLOJURE_CALLS and namespace.rpartition(".")[2][:1].islower()
    )
    if not function or not is_clojures:
        return None
    name = _MUNGED.sub(lambda found: _IN_CLOJURE[found[0]], class_name)
    return name if method in _CLOJURE_CALLS else f"{name}.{method}"


def groovy_name(simple: str, method: str) -> str | None:
    """Of the closure that a class is, `simple` being its name without the package; None where it is none."""
    if method not in ("doCall", "call") or not _CLOSURE.search(simple):
        return None
    return _CLOSURE.sub(lambda found: "".join(f".{part}" for part in found.groups() if part), simple)
