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
(export_statement "=") @assignment
(import_statement source: (string (string_fragment) @module))
(export_statement source: (string (string_fragment) @module))
"""
_KINDS = {
    "enum": "an enum",
    "namespace": "a namespace",
    "parameter": "a parameter property",
    "decorator": "a decorator",
    "require": "import … = require(…)",
    "assignment": "export =",
}
_LOADING_OPTION = re.compile(
    r"(-r|--require|--import|--loader|--experimental-loader|--experimental-transform-types)(=.*)?"
)
_COMMENT_OR_STRING = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA = re.compile(r",(\s*[}\]])")


def projects_loader(file: Path, working_folder: Path) -> list[str]:
    """The options that load what the project runs its TypeScript with: by its scripts, else its own tsx or ts-node; none if it has none."""
    folders = list(dict.fromkeys((*file.resolve().parents, working_folder, *working_folder.parents)))
    for folder in folders:
        options = _options_of_scripts(folder, file)
        if options:
            return options
    for folder in folders:
        # The option that loads `tsx`; its command would do so in a process of its own.
        package = folder / "node_modules" / "tsx"
        with suppress(OSError, ValueError, KeyError, TypeError):
            entry = json.loads((package / "package.json").read_bytes())["exports"]["."]
            return [f"--import={(package / entry).resolve().as_uri()}"]
    for folder in folders:
        package = folder / "node_modules" / "ts-node"
        if (package / "package.json").is_file():
            if _is_es_module(file):
                return [f"--experimental-loader={(package / 'esm.mjs').resolve().as_uri()}"]
            return [f"--require={(package / 'register' / 'index.js').resolve()}"]
    return []


def beyond_stripping(file: Path) -> str | None:
    """What in `file`, or in what it imports, takes more than stripping its types, and where; None if nothing was found.

    Reads files; takes about a millisecond for each.
    """
    config = _config(file)
    options = config.get("compilerOptions")
    paths = options.get("paths") if isinstance(options, dict) else None
    aliases = [str(alias).partition("*")[0] for alias in paths] if isinstance(paths, dict) else []
    waiting = [file.resolve()]
    seen = set(waiting)
    for module in waiting:
        try:
            source = module.read_bytes() if module.stat().st_size <= _MAX_BYTES else b""
        except OSError:
            continue
        for kind, text, line in _found(source, module):
            if kind != "module":
                return f"{_KINDS[kind]} ({module.name}:{line})"
            imported = (module.parent / text) if text.startswith(".") else None
            if imported is None:
                if any(alias and text.startswith(alias) for alias in aliases):
                    return f"the path alias {text} ({module.name}:{line})"
            elif not imported.is_file():
                if _typescript_of(imported):
                    return f"an import of {text} for a TypeScript file ({module.name}:{line})"
            elif imported.suffix in _ENDINGS and len(seen) < _MAX_FILES and (path := imported.resolve()) not in seen:
                seen.add(path)
                waiting.append(path)
    return None


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
        if kind == "module" and _is_of_types(node):
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


def _options_of_scripts(folder: Path, file: Path) -> list[str]:
    """The loading options of the script in `folder`'s package.json that runs `file` with node."""
    try:
        scripts = json.loads((folder / "package.json").read_bytes())["scripts"]
        commands = [command for script in scripts.values() for command in re.split(r"&&|\|\||;", str(script))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    for command in commands:
        try:
            words = shlex.split(command)
        except ValueError:
            continue
        if "node" not in words or not any(folder.joinpath(word).resolve() == file.resolve() for word in words):
            continue
        options: list[str] = []
        arguments = iter(words[words.index("node") + 1 :])
        for word in arguments:
            match = _LOADING_OPTION.fullmatch(word)
            if match and match[2] is None and match[1] != "--experimental-transform-types":
                options.append(f"{'--require' if word == '-r' else word}={_from(folder, next(arguments, ''))}")
            elif match:
                options.append(f"{match[1]}={_from(folder, match[2][1:])}" if match[2] else word)
        if options:
            return options
    return []


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


def _config(file: Path) -> dict[str, object]:
    """The tsconfig.json that `file` is under, which may have comments and last commas; what it extends is not looked at."""
    for folder in file.resolve().parents:
        with suppress(OSError):
            text = (folder / "tsconfig.json").read_text(errors="replace")
            text = _COMMENT_OR_STRING.sub(lambda match: match[1] or "", text)
            with suppress(ValueError):
                config = json.loads(_LAST_COMMA.sub(r"\1", text))
                return config if isinstance(config, dict) else {}
            return {}
    return {}
