"""What static analysis knows of each language: its tree-sitter grammar, what to look for in the tree, how functions are named."""

from __future__ import annotations

import functools
import importlib
import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

import tree_sitter

from ..settings import Language

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MAX_NAME_LENGTH = 200
"""Characters. Longer ones, as computed keys of any expression can be, count as no name."""


@dataclass(slots=True)
class Scope:
    """A function, a class or the file: where names are looked up and decisions are counted."""

    name: str
    """The file's is its stem."""
    end: int
    """Byte offset behind it."""
    is_class: bool = False
    is_unnamed: bool = False
    unnamed_inside: int = 0
    """Functions and classes without a name of their own met in it so far, those further in left out."""
    decisions: int = 0


@dataclass(frozen=True, slots=True)
class Grammar:
    module: str
    """The package that brings it."""
    entry: str
    """The function of `module` that gives the grammar."""
    query: str
    """Captures `@function`, `@class` and `@body` (of a class without a declaration), each with what `name` needs beside
    it, and `@import`, `@require` (what is called with a string) and `@decision`. What they mean: `StaticAnalysis`."""
    name: Callable[[Mapping[str, str], bool, Sequence[Scope]], str]
    """From the texts captured beside a function or class, whether it is a class, and the scopes around it, outermost (the
    file) first: its name, or the empty string if it has none."""


def grammar_for(file: PurePath | str, language: Language) -> Grammar:
    """By the file's ending; by the language it is run as where the ending says nothing."""
    return _BY_ENDING.get(PurePath(file).suffix.lower()) or _BY_LANGUAGE[language]


@functools.cache
def load(grammar: Grammar) -> tuple[tree_sitter.Language, tree_sitter.Query]:
    language = tree_sitter.Language(getattr(importlib.import_module(grammar.module), grammar.entry)())
    return language, tree_sitter.Query(language, grammar.query)


def _text(captured: str) -> str:
    return captured if len(captured) <= MAX_NAME_LENGTH and "\n" not in captured else ""


def _python_name(texts: Mapping[str, str], _is_class: bool, around: Sequence[Scope]) -> str:
    """`__qualname__`."""
    scope = around[-1]
    if len(around) == 1:
        return texts["name"]
    return f"{scope.name}.{texts['name']}" if scope.is_class else f"{scope.name}.<locals>.{texts['name']}"


_PYTHON_QUERY = """
(function_definition name: (_) @name) @function
(class_definition name: (_) @name) @class
(import_statement name: (_) @import)
[(import_from_statement) (future_import_statement)] @import
["if" "elif" "for" "while" "except" "finally" "case" "and" "or"] @decision
"""


def _javascript_name(texts: Mapping[str, str], is_class: bool, around: Sequence[Scope]) -> str:
    """As V8 names and infers them, with the class before its members."""
    name = _text(texts.get("name") or texts.get("target", "")).strip("'\"").replace(".prototype.", ".")
    owner = ""
    if name.startswith("this."):
        name = name.removeprefix("this.")
        constructor = around[-1].name.removesuffix(".constructor")
        owner = constructor if constructor.rpartition(".")[2][:1].isupper() else ""
    elif name and around[-1].is_class and not is_class:
        owner = around[-1].name
    return f"{owner}.{name}" if owner else name


_JAVASCRIPT_QUERY = """
(function_declaration name: (_) @name) @function
(generator_function_declaration name: (_) @name) @function
(function_expression name: (_)? @name) @function
(generator_function name: (_)? @name) @function
(arrow_function) @function
(method_definition name: (_) @name) @function
(variable_declarator
  name: (identifier) @target
  value: [(function_expression) (generator_function) (arrow_function)] @function)
(assignment_expression
  left: [(identifier) (member_expression)] @target
  right: [(function_expression) (generator_function) (arrow_function)] @function)
(augmented_assignment_expression
  left: [(identifier) (member_expression)] @target
  right: [(function_expression) (generator_function) (arrow_function)] @function)
(assignment_pattern
  left: (identifier) @target
  right: [(function_expression) (generator_function) (arrow_function)] @function)
(object_assignment_pattern
  left: (_) @target
  right: [(function_expression) (generator_function) (arrow_function)] @function)
(export_statement
  "default" @target
  value: [(function_expression) (generator_function) (arrow_function)] @function)
(pair
  key: (_) @target
  value: [(function_expression) (generator_function) (arrow_function)] @function)

(class_declaration name: (_) @name) @class
(class name: (_)? @name) @class
(variable_declarator name: (identifier) @target value: (class) @class)
(assignment_expression left: [(identifier) (member_expression)] @target right: (class) @class)

(import_statement) @import
(export_statement source: (_)) @import
(call_expression function: (import)) @import
(call_expression function: (identifier) @require arguments: (arguments . (string)))

["if" "for" "while" "case" "catch" "&&" "||" "??" "&&=" "||=" "??="] @decision
(ternary_expression "?" @decision)
(assignment_pattern "=" @decision)
(object_assignment_pattern "=" @decision)
"""

_JAVASCRIPT_ONLY = """
(field_definition
  property: (_) @target
  value: [(function_expression) (generator_function) (arrow_function)] @function)
"""

_TYPESCRIPT_ONLY = """
(public_field_definition
  name: (_) @target
  value: [(function_expression) (generator_function) (arrow_function)] @function)
(abstract_class_declaration name: (_) @name) @class
(required_parameter "=" @decision)
(optional_parameter "=" @decision)
"""


def _java_name(texts: Mapping[str, str], is_class: bool, around: Sequence[Scope]) -> str:
    """As in a stack trace, without the package and with dots: `Outer.Inner.method`, `Outer$1.run`, `Outer.<init>`."""
    classes = [scope for scope in around if scope.is_class]
    owner = classes[-1] if classes else around[0]
    if not is_class:
        return f"{owner.name}.{texts.get('name', '<init>')}"
    if "name" not in texts:
        owner.unnamed_inside += 1
        return f"{owner.name}${owner.unnamed_inside}"
    if not classes:
        return texts["name"]
    return f"{owner.name}.{texts['name']}" if around[-1].is_class else f"{owner.name}$1{texts['name']}"


_JAVA_QUERY = """
(method_declaration name: (_) @name body: (_)) @function
(constructor_declaration name: (_) @constructor) @function
(compact_constructor_declaration name: (_) @constructor) @function
(class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @class
(enum_declaration name: (_) @name) @class
(record_declaration name: (_) @name) @class
(annotation_type_declaration name: (_) @name) @class
(object_creation_expression (class_body) @body)
(enum_constant body: (_) @body)
(import_declaration) @import
["if" "for" "while" "case" "catch" "&&" "||"] @decision
(ternary_expression "?" @decision)
"""


def _go_name(texts: Mapping[str, str], is_class: bool, around: Sequence[Scope]) -> str:
    """As in a stack trace, without the package: `(*T).Method`, `Map[...]`, `main.func1`, `main.func1.2`."""
    if "name" not in texts:
        scope = around[-1]
        scope.unnamed_inside += 1
        owner = scope.name if len(around) > 1 else "init"
        return f"{owner}.{'' if scope.is_unnamed else 'func'}{scope.unnamed_inside}"
    name = texts["name"] + ("[...]" if "generic" in texts and not is_class else "")
    if "receiver" not in texts:
        return name
    receiver = re.sub(r"\[.*\]", "[...]", texts["receiver"], flags=re.DOTALL)
    return f"({receiver}).{name}" if receiver.startswith("*") else f"{receiver}.{name}"


_GO_QUERY = """
(function_declaration name: (_) @name type_parameters: (_)? @generic body: (_)) @function
(method_declaration
  receiver: (parameter_list (parameter_declaration type: (_) @receiver))
  name: (_) @name
  body: (_)) @function
(func_literal) @function
(type_spec name: (_) @name) @class
(import_spec) @import
["if" "for" "case" "&&" "||"] @decision
"""

_PYTHON = Grammar("tree_sitter_python", "language", _PYTHON_QUERY, _python_name)
_JAVASCRIPT = Grammar("tree_sitter_javascript", "language", _JAVASCRIPT_QUERY + _JAVASCRIPT_ONLY, _javascript_name)
_TYPESCRIPT = Grammar(
    "tree_sitter_typescript", "language_typescript", _JAVASCRIPT_QUERY + _TYPESCRIPT_ONLY, _javascript_name
)
_TSX = Grammar("tree_sitter_typescript", "language_tsx", _JAVASCRIPT_QUERY + _TYPESCRIPT_ONLY, _javascript_name)
_JAVA = Grammar("tree_sitter_java", "language", _JAVA_QUERY, _java_name)
_GO = Grammar("tree_sitter_go", "language", _GO_QUERY, _go_name)

_BY_ENDING = {
    ".py": _PYTHON,
    ".pyw": _PYTHON,
    ".js": _JAVASCRIPT,
    ".mjs": _JAVASCRIPT,
    ".cjs": _JAVASCRIPT,
    ".jsx": _JAVASCRIPT,
    ".ts": _TYPESCRIPT,
    ".mts": _TYPESCRIPT,
    ".cts": _TYPESCRIPT,
    ".tsx": _TSX,
    ".java": _JAVA,
    ".go": _GO,
}
_BY_LANGUAGE = {
    Language.PYTHON: _PYTHON,
    Language.JAVASCRIPT: _JAVASCRIPT,
    Language.TYPESCRIPT: _TYPESCRIPT,
    Language.JAVA: _JAVA,
    Language.GO: _GO,
}
