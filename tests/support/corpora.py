"""Real source files of each language, and what the language's own parser counts in them."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sysconfig
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from multi_lang_profiler.engine.settings import Language

from .go import ENVIRONMENT, go
from .java import jdk
from .node import TYPESCRIPT, node, npm_package

PROGRAMS = Path(__file__).resolve().parents[1] / "programs" / "static"
STANDARD_LIBRARY = Path(sysconfig.get_paths()["stdlib"])


@dataclass(frozen=True)
class Counts:
    """Of one file, by the definitions of `StaticAnalysis`."""

    classes: int
    imports: int
    functions: Counter[tuple[int, int]]
    """The line and the complexity of each function."""


def corpus(language: Language) -> list[Path]:
    """Code that nobody here wrote: what comes with Python and Go, and packages from npm."""
    match language:
        case Language.PYTHON:
            folders = [STANDARD_LIBRARY / name for name in ("asyncio", "email", "http", "json", "logging", "unittest")]
            found = [file for folder in folders for file in folder.glob("*.py")]
        case Language.JAVASCRIPT:
            package = npm_package("async", "3.2.6") / "node_modules" / "async"
            found = [file for file in package.rglob("*.js") if "dist" not in file.parts]
        case Language.TYPESCRIPT:
            package = npm_package("chevrotain", "11.2.0") / "node_modules" / "chevrotain"
            found = list((package / "src").rglob("*.ts"))
        case Language.JAVA:
            package = npm_package("cordova-plugin-file", "8.1.3") / "node_modules" / "cordova-plugin-file"
            found = list(package.rglob("*.java"))
        case Language.GO:
            source = Path(go()).parents[1] / "src"
            folders = [source / name for name in ("encoding/json", "go/parser", "net/url", "sort", "text/template")]
            found = [file for folder in folders for file in folder.glob("*.go") if not file.name.endswith("_test.go")]
    return sorted(found)


def own_counts(language: Language, files: list[Path], folder: Path) -> list[Counts]:
    """What Python's `ast`, the TypeScript compiler, javac and Go's parser count. `folder` is for what must be built."""
    names = [str(file) for file in files]
    match language:
        case Language.PYTHON:
            return [_python_counts(file.read_bytes()) for file in files]
        case Language.JAVASCRIPT | Language.TYPESCRIPT:
            compiler = npm_package("typescript", TYPESCRIPT) / "node_modules" / "typescript"
            command = [str(node(24)), str(PROGRAMS / "count.cjs"), str(compiler)]
        case Language.JAVA:
            command = [jdk(), str(PROGRAMS / "Count.java")]
        case Language.GO:
            command = [str(folder / "count")]
            build = [go(), "build", "-o", *command, str(PROGRAMS / "count.go")]
            subprocess.run(build, env={**os.environ, **ENVIRONMENT}, timeout=120, check=True)
    run = subprocess.run([*command, *names], stdout=subprocess.PIPE, timeout=120, check=True)
    return [
        Counts(classes, imports, Counter((line, complexity) for line, complexity in functions))
        for classes, imports, functions in json.loads(run.stdout)
    ]


def _python_counts(source: bytes) -> Counts:
    functions: list[list[int]] = []
    classes = imports = 0

    def visit(node: ast.AST, owner: list[int]) -> None:
        nonlocal classes, imports
        classes += isinstance(node, ast.ClassDef)
        imports += len(node.names) if isinstance(node, ast.Import) else isinstance(node, ast.ImportFrom)
        owner[1] += _python_decisions(node)
        decorators = []
        inner = owner
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            decorators = node.decorator_list
            inner = [node.lineno, 1]
            functions.append(inner)
        for child in ast.iter_child_nodes(node):
            visit(child, owner if child in decorators else inner)

    visit(ast.parse(source), [0, 0])
    return Counts(classes, imports, Counter((line, complexity) for line, complexity in functions))


def _python_decisions(node: ast.AST) -> int:
    match node:
        case ast.If() | ast.IfExp() | ast.For() | ast.AsyncFor() | ast.While() | ast.ExceptHandler():
            return 1
        case ast.BoolOp(values=values):
            return len(values) - 1
        case ast.comprehension(ifs=conditions):
            return 1 + len(conditions)
        case ast.Try(finalbody=[_, *_]) | ast.TryStar(finalbody=[_, *_]):
            return 1
        case ast.match_case(guard=guard):
            return 1 + (guard is not None)
    return 0
