"""Source -> StaticAnalysis, by tree-sitter.

Run as a program it does so once: source on standard input; file and language as arguments; counts on standard output.
"""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import dataclass, field, fields
from operator import itemgetter
from pathlib import PurePath
from typing import TYPE_CHECKING

import tree_sitter

from ..settings import Language
from .grammars import Scope, grammar_for, load
from .static_analysis import MAX_MEMORY_BYTES, MAX_TIME_S, FunctionSpan, StaticAnalysis

if TYPE_CHECKING:
    from .grammars import Grammar

_DEFINITIONS = ("function", "class", "body")


@dataclass(slots=True)
class _Definition:
    """A function or a class. Several patterns of the query may find it, each with another part of its name."""

    kind: str
    """One of `_DEFINITIONS`, as `Grammar.query` tells them apart."""
    line: int
    end_line: int
    texts: dict[str, str] = field(default_factory=dict)
    """What was captured beside it, by the captures' names."""


@dataclass(slots=True)
class _Findings:
    """What the grammar's query finds in a file."""

    definitions: dict[tuple[int, int], _Definition] = field(default_factory=dict)
    """By the offsets they begin and end at."""
    decisions: list[int] = field(default_factory=list)
    """The offsets they stand at."""
    imports: int = 0


def measure(source: bytes, file: PurePath | str, language: Language) -> StaticAnalysis:
    """As `static_analysis.analyse`, but in this process, which source that the parser cannot cope with may end."""
    path = PurePath(file)
    grammar = grammar_for(path, language)
    findings = _find(_utf8(source), grammar)
    functions, decisions_outside = _functions(findings, grammar, path)
    return StaticAnalysis(
        file_size_bytes=len(source),
        line_count=len(source.split(b"\n")) - (not source or source.endswith(b"\n")),
        function_count=len(functions),
        class_count=sum(definition.kind == "class" for definition in findings.definitions.values()),
        import_count=findings.imports,
        complexity_score=sum(function.complexity for function in functions) + decisions_outside,
        functions=tuple(sorted(functions, key=lambda function: (function.line, -function.end_line))),
    )


def _utf8(source: bytes) -> bytes:
    """`source` in the encoding the parser reads. What is not UTF-8 is taken for Latin-1: names may come out wrong, counts do not."""
    try:
        source.decode()
    except UnicodeDecodeError:
        return source.decode("latin-1").encode()
    return source


def _find(source: bytes, grammar: Grammar) -> _Findings:
    language, query = load(grammar)
    tree = tree_sitter.Parser(language).parse(source)
    findings = _Findings()
    for _pattern, captures in tree_sitter.QueryCursor(query).matches(tree.root_node):
        if nodes := captures.get("decision"):
            # The parser mends broken source with tokens of no width.
            findings.decisions += [node.start_byte for node in nodes if node.end_byte > node.start_byte]
        elif nodes := captures.get("import"):
            findings.imports += len(nodes)
        elif nodes := captures.get("require"):
            findings.imports += sum(_text(node, source) == "require" for node in nodes)
        else:
            _add_definition(findings.definitions, captures, source)
    findings.decisions.sort()
    return findings


def _add_definition(
    definitions: dict[tuple[int, int], _Definition], captures: dict[str, list[tree_sitter.Node]], source: bytes
) -> None:
    kind = next(kind for kind in _DEFINITIONS if kind in captures)
    node = captures.pop(kind)[0]
    place = (node.start_byte, node.end_byte)
    definition = definitions.get(place)
    if definition is None:
        definition = definitions[place] = _Definition(kind, node.start_point.row + 1, node.end_point.row + 1)
    for capture, nodes in captures.items():
        definition.texts.setdefault(capture, _text(nodes[0], source))
        if capture in {"name", "constructor"}:
            definition.line = nodes[0].start_point.row + 1


def _text(node: tree_sitter.Node, source: bytes) -> str:
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")


def _functions(findings: _Findings, grammar: Grammar, path: PurePath) -> tuple[list[FunctionSpan], int]:
    """The functions, named and with their complexity, and the number of decisions outside of them."""
    events: list[tuple[int, int, _Definition | None]] = [(place, 0, None) for place in findings.decisions]
    events += [(start, -end, definition) for (start, end), definition in findings.definitions.items()]
    events.sort(key=itemgetter(0, 1))
    file = Scope(path.stem, sys.maxsize)
    scopes = [file]
    functions: list[tuple[_Definition, Scope]] = []
    for start, minus_end, definition in events:
        while scopes[-1].end <= start:
            scopes.pop()
        if definition is None:
            next(scope for scope in reversed(scopes) if not scope.is_class).decisions += 1
            continue
        is_class = definition.kind != "function"
        name = grammar.name(definition.texts, is_class, scopes)
        scopes.append(Scope(name, -minus_end, is_class, "name" not in definition.texts))
        if not is_class:
            functions.append((definition, scopes[-1]))
    spans = [
        FunctionSpan(
            scope.name or f"(anonymous) {path.name}:{definition.line}",
            definition.line,
            definition.end_line,
            1 + scope.decisions,
        )
        for definition, scope in functions
    ]
    return spans, file.decisions


def _main() -> None:
    file, language = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_TIME_S, MAX_TIME_S))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    analysis = measure(sys.stdin.buffer.read(), file, Language(language))
    counts = {each.name: getattr(analysis, each.name) for each in fields(analysis) if each.init}
    json.dump(counts | {"functions": analysis.functions}, sys.stdout)


if __name__ == "__main__":
    _main()
