"""What makes Node.js run TypeScript: its own type stripping, or what the project brings where that does not do.

Stripping takes erasable syntax only, and modules by the names their files have: https://nodejs.org/api/typescript.html#type-stripping
"""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
from contextlib import suppress
from typing import TYPE_CHECKING

from ...settings import Language
from .packages import by_name, read_package
from .tsconfig import config_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import tree_sitter

_ENDINGS = (".ts", ".mts", ".cts", ".tsx")
_MAX_FILES = 300
_MAX_BYTES = 1_000_000
_IMPORT_MEANS = {".js": (".ts", ".tsx"), ".mjs": (".mts",), ".cjs": (".cts",), ".jsx": (".tsx",)}
"""As TypeScript resolves what a module imports: https://www.typescriptlang.org/docs/handbook/modules/reference.html"""
_QUERY = """
(program [(enum_declaration) @enum (internal_module) @namespace (expression_statement (internal_module) @namespace)])
(export_statement declaration: [(enum_declaration) @enum (internal_module) @namespace])
(required_parameter [(accessibility_modifier) (override_modifier) "readonly"]) @parameter
(decorator) @decorator
(import_require_clause) @require
(import_alias) @alias
(export_statement "=") @assignment
(import_statement source: (string (string_fragment) @module))
(export_statement source: (string (string_fragment) @module))
(call_expression function: (import) arguments: (arguments . (string (string_fragment) @module)))
(call_expression function: (identifier) @called arguments: (arguments . (string (string_fragment) @required)) (#eq? @called "require"))
"""
_KINDS = {
    "enum": "an enum",
    "namespace": "a namespace",
    "parameter": "a parameter property",
    "decorator": "a decorator",
    "require": "import … = require(…)",
    "alias": "import … = …",
    "assignment": "export =",
}
_LOADING_OPTION = re.compile(
    r"(-r|--require|--import|--loader|--experimental-loader|--experimental-transform-types)(=.*)?"
)
_TOOLS = {
    "tsx": "tsx",
    **dict.fromkeys(("ts-node", "ts-node-esm", "ts-node-dev", "tsnd"), "ts-node"),
    "swc-node": "@swc-node/register",
}
"""Commands -> the package that they load."""


def projects_loader(file: Path, working_folder: Path) -> list[str]:
    """The options that load what the project runs its TypeScript with; none if it has nothing.

    Its scripts say so first: the one that runs this very file, else any that runs TypeScript; else what is installed.
    """
    folders = list(dict.fromkeys((*file.resolve().parents, working_folder, *working_folder.parents)))
    for of_this_file in (True, False):
        for folder in folders:
            for command in _scripts(folder):
                options = _options_of(command, folder, file if of_this_file else None, folders)
                if options:
                    return options
    config = config_of(file)
    # Decorators find no types at run time by esbuild, which tsx is made of.
    by_types = config.names_ts_node or config.has_decorator_metadata
    tools = ("ts-node", "@swc-node/register", "tsx") if by_types else ("tsx", "ts-node", "@swc-node/register")
    return next((options for tool in tools if (options := _installed(tool, folders, file))), [])


def _installed(tool: str, folders: list[Path], file: Path) -> list[str]:
    """The options that load the tool, if it is in the `node_modules` of one of the folders; its command would do so in a process of its own."""
    for folder in folders:
        package = folder / "node_modules" / tool
        if not (package / "package.json").is_file():
            continue
        if tool == "tsx":
            with suppress(OSError, ValueError, KeyError, TypeError):
                entry = read_package(package)["exports"]["."]
                return [f"--import={(package / entry).resolve().as_uri()}"]
        elif tool == "ts-node":
            if _is_es_module(file):
                return [f"--experimental-loader={(package / 'esm.mjs').resolve().as_uri()}"]
            return [f"--require={(package / 'register' / 'index.js').resolve()}"]
        elif _is_es_module(file):
            return [f"--import={(package / 'esm' / 'esm-register.mjs').resolve().as_uri()}"]
        else:
            return [f"--require={package.resolve()}"]
    return []


def beyond_stripping(file: Path) -> str | None:
    """What in `file`, or in what it imports, takes more than stripping its types, and where; None if nothing was found.

    Reads files; takes about a millisecond for each.
    """
    config = config_of(file)
    waiting = [file.resolve()]
    seen = set(waiting)
    for module in waiting:
        try:
            source = module.read_bytes() if module.stat().st_size <= _MAX_BYTES else b""
        except OSError:
            continue
        for kind, text, line in _found(source, module):
            where = f"({module.name}:{line})"
            if kind in _KINDS:
                return f"{_KINDS[kind]} {where}"
            is_relative = text.startswith(".")
            imported = (module.parent / text) if is_relative else by_name(text, module)
            if imported is None:
                if any(_is_there(place) for place in config.places(text)):
                    return f"the path alias {text} {where}"
            elif is_relative and not imported.is_file():
                imported = _typescript_of(imported)
                if imported and kind == "module":
                    return f"an import of {text} for a TypeScript file {where}"
            elif imported.suffix == ".tsx":
                return f"an import of {text} {where}"
            if imported and imported.suffix in _ENDINGS and len(seen) < _MAX_FILES:
                path = imported.resolve()
                if path not in seen and "node_modules" not in path.parts:
                    seen.add(path)
                    waiting.append(path)
    return None


def _is_there(place: Path) -> bool:
    return place.is_file() or _typescript_of(place) is not None


def _found(source: bytes, file: Path) -> Iterator[tuple[str, str, int]]:
    """`(kind, text, line)` of what matters, in the order of the file; nothing where the parser could not be installed."""
    try:
        import tree_sitter  # noqa: PLC0415 - dear, and JavaScript does not need it
    except ImportError:
        return
    language, query = _query(file.suffix)
    tree = tree_sitter.Parser(language).parse(source)
    captures = tree_sitter.QueryCursor(query).captures(tree.root_node)
    nodes = [(node, kind) for kind, found in captures.items() for node in found]
    for node, kind in sorted(nodes, key=lambda found: found[0].start_byte):
        if kind == "called" or (kind == "module" and _is_of_types(node)):
            continue
        yield kind, (node.text or b"").decode(errors="replace"), node.start_point[0] + 1


def _is_of_types(node: tree_sitter.Node) -> bool:
    """`import type … from` and `export type … from` are gone at run time."""
    statement = node.parent.parent if node.parent else None
    return statement is not None and any(child.type == "type" for child in statement.children)


@functools.cache
def _query(ending: str) -> tuple[tree_sitter.Language, tree_sitter.Query]:
    import tree_sitter  # noqa: PLC0415 - as above

    from ...sources.grammars import grammar_for, load  # noqa: PLC0415 - as above

    language, _ = load(grammar_for(f"x{ending}", Language.TYPESCRIPT))
    return language, tree_sitter.Query(language, _QUERY)


def _typescript_of(imported: Path) -> Path | None:
    """The TypeScript file that an import of a file that is not there stands for."""
    swapped = [imported.with_suffix(ending) for ending in _IMPORT_MEANS.get(imported.suffix, ())]
    added = [imported.with_name(imported.name + ending) for ending in _ENDINGS]
    inside = [imported / f"index{ending}" for ending in _ENDINGS]
    return next((path for path in (*swapped, *added, *inside) if path.is_file()), None)


def _scripts(folder: Path) -> list[list[str]]:
    """The commands of the scripts in `folder`'s package.json, as words."""
    scripts = read_package(folder).get("scripts")
    if not isinstance(scripts, dict):
        return []
    commands = [command for script in scripts.values() for command in re.split(r"&&|\|\||;", str(script))]
    found = []
    for command in commands:
        with suppress(ValueError):
            found.append(shlex.split(command))
    return found


def _options_of(words: list[str], folder: Path, file: Path | None, folders: list[Path]) -> list[str]:
    """The loading options of a script in `folder` that runs `file`, or any TypeScript if that is None."""
    programs = [word for word in words if word.endswith(_ENDINGS)]
    if file is not None:
        programs = [word for word in words if folder.joinpath(word).resolve() == file.resolve()]
    if not programs:
        return []
    tool = next((_TOOLS[name] for word in words if (name := word.rpartition("/")[2]) in _TOOLS), None)
    if tool:
        return _installed(tool, folders, file or folder / programs[0])
    if "node" not in words:
        return []
    options: list[str] = []
    arguments = iter(words[words.index("node") + 1 :])
    for word in arguments:
        match = _LOADING_OPTION.fullmatch(word)
        if match and match[2] is None and match[1] != "--experimental-transform-types":
            options.append(f"{'--require' if word == '-r' else word}={_from(folder, next(arguments, ''))}")
        elif match:
            options.append(f"{match[1]}={_from(folder, match[2][1:])}" if match[2] else word)
    return options


def _from(folder: Path, value: str) -> str:
    """What a script in `folder` names, from wherever the program is started."""
    return os.path.normpath(folder / value) if value.startswith(".") else value


def _is_es_module(file: Path) -> bool:
    if file.suffix in {".mts", ".cts"}:
        return file.suffix == ".mts"
    for folder in file.resolve().parents:
        with suppress(OSError, ValueError, AttributeError):
            return bool(json.loads((folder / "package.json").read_bytes()).get("type") == "module")
    return False
