"""TypeScript as people write it, run by what their projects bring; bundles; code made at run time."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.events import Warned
from multi_lang_profiler.engine.samplers.node.typescript import beyond_stripping, projects_loader
from tests.support.node import PROGRAMS, TS_NODE, TSX, TYPESCRIPT, majors, node, npm_package, sample

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.node import Sampled

both = majors(20, 24)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with programs and the tsx of its own."""
    shutil.copytree(PROGRAMS / "typed", tmp_path, dirs_exist_ok=True)
    (tmp_path / "node_modules").symlink_to(npm_package("tsx", TSX) / "node_modules")
    return tmp_path


def own_lines(sampled: Sampled, *functions: str) -> dict[str, set[int]]:
    return {function: set(sampled.lines(function)) for function in functions}


@both
async def test_lines_are_those_of_the_function(project, major):
    """tsx writes all on one line: a sample has a line of its function all the same, or its first; never one of another's."""
    sampled = await sample(project, "two.ts", node(major))
    lines = own_lines(sampled, "slowSquare", "slowText")
    assert lines["slowSquare"]
    assert lines["slowSquare"] <= set(range(4, 11)), lines
    assert lines["slowText"] <= set(range(12, 19)), lines


@majors(20)
async def test_a_short_file_on_one_line_keeps_its_functions_apart(project, major):
    """Seven lines that became one: each function's samples are in its own line."""
    sampled = await sample(project, "short_file.ts", node(major))
    assert own_lines(sampled, "dist", "closest") == {"dist": {3}, "closest": {5}}


@both
@pytest.mark.parametrize("thread", ["main", "worker"])
async def test_lines_through_a_loader_that_keeps_its_source_maps_to_itself(tmp_path, major, thread):
    """ts-node, swc, babel and vite name what they compiled by its source: the map in there is read, in the main thread and in workers."""
    shutil.copytree(PROGRAMS / "typed", tmp_path, dirs_exist_ok=True)
    (tmp_path / "node_modules").symlink_to(npm_package("typescript", TYPESCRIPT) / "node_modules")
    options = ("--require=./register.cjs", "--no-experimental-strip-types")[: 1 if major == 20 else 2]
    sampled = await sample(tmp_path, "compiled.ts", node(major), arguments=(thread,), runtime_arguments=options)
    assert (sampled.status, sampled.stderr) == (0, "")
    lines = own_lines(sampled, "Cart.total", "each")
    assert {15} <= lines["Cart.total"] <= {11, 14, 15}, lines
    assert {26} <= lines["each"] <= {23, 25, 26}, lines


@both
async def test_lines_through_the_projects_ts_node(tmp_path, major):
    """The real one: where a project has no tsx it runs what Node.js alone does not, and lines are those of the source."""
    shutil.copy(PROGRAMS / "typed" / "parameters.ts", tmp_path)
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": {"module": "commonjs", "target": "es2022"}}))
    (tmp_path / "node_modules").mkdir()
    for name, version in (("ts-node", TS_NODE), ("typescript", TYPESCRIPT)):
        (tmp_path / "node_modules" / name).symlink_to(npm_package(name, version) / "node_modules" / name)
    sampled = await sample(tmp_path, "parameters.ts", node(major))
    assert (sampled.status, sampled.stdout, sampled.stderr) == (0, "true\n", "")
    lines = own_lines(sampled, "Scale.weigh")["Scale.weigh"]
    assert lines & {16, 17}, lines
    assert lines <= set(range(14, 21)), lines


@majors(24)
@pytest.mark.parametrize(
    ("program", "hot", "file"),
    [
        ("not_erasable.ts", "area", "not_erasable.ts"),
        ("js_ending.mts", "partWork", "part.ts"),
        ("src/app.ts", "partWork", "aliased/parts/work.ts"),
    ],
)
async def test_the_projects_loader_is_used_where_node_alone_does_not_do(project, major, program, hot, file):
    """Enums, namespaces, parameter properties, decorators, `./part.js` that means part.ts, aliases of a tsconfig.json that is extended."""
    folder = project if (project / program).is_file() else project / "aliased"
    sampled = await sample(folder, program, node(major))
    assert (sampled.status, sampled.stderr) == (0, "")
    assert sampled.share(hot) + sampled.share("A.run") > 0.3
    # Without the query that tsx loads CommonJS by.
    assert {place for function, place, _ in sampled.places() if function == hot} == {str(project / file)}
    assert not [event for event in sampled.events if isinstance(event, Warned)]


async def test_without_a_loader_the_way_out_is_named(tmp_path):
    """Node.js refuses the program, as it would without us; the line says what in it and what to do."""
    shutil.copy(PROGRAMS / "typed" / "not_erasable.ts", tmp_path)
    sampled = await sample(tmp_path, "not_erasable.ts", node(24))
    assert sampled.status == 1
    (line,) = [event.line for event in sampled.events if isinstance(event, Warned)]
    assert "an enum (not_erasable.ts:2)" in line
    assert "npm install --save-dev tsx" in line


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("type A = { x: number };\nexport const f = (a: A): number => a.x as number;\n", None),
        ("declare enum A { X }\ndeclare namespace B { const x: number; }\nimport type { C } from './c.js';\n", None),
        ("// enum A { X }\nconst s = 'namespace B {}';\n", None),
        ("import { x } from './other.ts';\nimport fs from 'node:fs';\n", None),
        ("\nexport enum A { X }\n", "an enum (app.ts:2)"),
        ("namespace A { export const x = 1; }\n", "a namespace (app.ts:1)"),
        ("class A { constructor(readonly x: number) {} }\n", "a parameter property (app.ts:1)"),
        ("class A { @log run() {} }\n", "a decorator (app.ts:1)"),
        ("import a = require('a');\n", "import … = require(…) (app.ts:1)"),
        ("import { x } from './other';\n", "an import of ./other for a TypeScript file (app.ts:1)"),
        ("export * from './other.js';\n", "an import of ./other.js for a TypeScript file (app.ts:1)"),
        ("import { y } from './deep.ts';\n", "an enum (deep.ts:1)"),
        ("import { z } from '@lib/z';\n", "the path alias @lib/z (app.ts:1)"),
        ("import { z } from 'lib/z';\n", "the path alias lib/z (app.ts:1)"),
        ("import { z } from 'lib';\nimport path from 'path';\n", None),
        ("const { y } = require('./deep');\n", "an enum (deep.ts:1)"),
        ("const { y } = await import('./deep.ts');\n", "an enum (deep.ts:1)"),
        ("import { y } from '#parts/deep';\n", "an enum (deep.ts:1)"),
        ("import { y } from '@shop/parts';\n", "an enum (index.ts:1)"),
        ("import { Button } from './button.tsx';\n", "an import of ./button.tsx (app.ts:1)"),
        ("import url from 'node:url';\nimport parse = url.parse;\n", "import … = … (app.ts:2)"),
        ("const enum A { X }\nconsole.log(A.X);\n", "an enum (app.ts:1)"),
    ],
)
def test_what_stripping_does_not_do_is_found(tmp_path, text, found):
    """In the program and what it imports; not in comments, strings, or what is only of types."""
    packages = tmp_path / "node_modules" / "@shop"
    for folder in (tmp_path / "lib", tmp_path / "parts", packages, tmp_path / "node_modules" / "base"):
        folder.mkdir(parents=True)
    (packages / "parts").symlink_to(tmp_path / "parts")
    (tmp_path / "parts" / "package.json").write_text(
        '{"exports": {".": {"types": "./x.d.ts", "default": "./index.ts"}}}'
    )
    (tmp_path / "parts" / "index.ts").write_text("enum D { X }\nexport const y = D.X;\n")
    (tmp_path / "package.json").write_text('{"imports": {"#parts/*": "./*.ts"}}')
    (tmp_path / "tsconfig.json").write_text(
        '{ // as people write it\n "extends": ["base", "./own"], /* "x": */ "compilerOptions": { "strict": true, } }'
    )
    (tmp_path / "node_modules" / "base" / "tsconfig.json").write_text(
        '{"compilerOptions": {"paths": {"@lib/*": ["x"]}}}'
    )
    (tmp_path / "own.json").write_text(
        '{"compilerOptions": {"baseUrl": "${configDir}", "paths": {"@lib/*": ["./lib/*"]}}}'
    )
    (tmp_path / "lib" / "z.ts").write_text("export const z = 1;\n")
    (tmp_path / "button.tsx").write_text("export const Button = 1;\n")
    (tmp_path / "other.ts").write_text("export const x = 1;\n")
    (tmp_path / "deep.ts").write_text("enum D { X }\nexport const y = D.X;\n")
    (tmp_path / "app.ts").write_text(text)
    assert beyond_stripping(tmp_path / "app.ts") == found


def test_the_projects_own_way_comes_first(tmp_path):
    """What its scripts run the program with; else its tsx, else its ts-node."""
    app = tmp_path / "src" / "app.ts"
    app.parent.mkdir()
    app.touch()
    assert projects_loader(app, tmp_path) == []
    ts_node = tmp_path / "node_modules" / "ts-node"
    ts_node.mkdir(parents=True)
    (ts_node / "package.json").write_text("{}")
    assert projects_loader(app, tmp_path) == [f"--require={ts_node}/register/index.js"]
    tsx = tmp_path / "node_modules" / "tsx"
    tsx.mkdir()
    (tsx / "package.json").write_text('{"exports": {".": "./loader.mjs"}}')
    assert projects_loader(app, tmp_path) == [f"--import=file://{tsx}/loader.mjs"]
    scripts = {"test": "node --test", "start": "tsc --noEmit && node --import ./loader.mjs -r dotenv/config src/app.ts"}
    (tmp_path / "package.json").write_text(json.dumps({"scripts": scripts}))
    assert projects_loader(app, tmp_path) == [f"--import={tmp_path}/loader.mjs", "--require=dotenv/config"]
    other = app.with_name("other.ts")
    other.touch()
    assert projects_loader(other, tmp_path) == [f"--import={tmp_path}/loader.mjs", "--require=dotenv/config"]


@pytest.mark.parametrize(
    ("scripts", "config", "wanted"),
    [
        ({}, {}, "tsx"),
        ({"start": "NODE_ENV=test npx ts-node src/app.ts"}, {}, "ts-node"),
        ({"start": "ts-node src/app.ts", "dev": "nodemon --exec tsx src/other.ts"}, {}, "ts-node"),
        ({"dev": "nodemon --exec tsx src/other.ts"}, {"ts-node": {"swc": True}}, "tsx"),
        ({"build": "tsc"}, {"ts-node": {"swc": True}}, "ts-node"),
        ({}, {"compilerOptions": {"emitDecoratorMetadata": True}}, "ts-node"),
    ],
)
def test_of_two_loaders_the_one_that_the_project_names_is_taken(tmp_path, scripts, config, wanted):
    """By a script of this file, by one of another, by tsconfig.json, by decorators that esbuild gives no types."""
    for folder in ("src", "node_modules/ts-node", "node_modules/tsx"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "src" / "app.ts").touch()
    (tmp_path / "node_modules" / "ts-node" / "package.json").write_text("{}")
    (tmp_path / "node_modules" / "tsx" / "package.json").write_text('{"exports": {".": "./loader.mjs"}}')
    (tmp_path / "package.json").write_text(json.dumps({"scripts": scripts}))
    (tmp_path / "tsconfig.base.json").write_text(json.dumps(config))
    (tmp_path / "tsconfig.json").write_text('{"extends": "./tsconfig.base.json"}')
    (option,) = projects_loader(tmp_path / "src" / "app.ts", tmp_path)
    assert f"/node_modules/{wanted}/" in option


@both
@pytest.mark.parametrize("options", [("--sourcemap",), ("--sourcemap=inline",)])
async def test_a_minified_bundle_has_the_sources_names_and_places(project, major, options):
    """Functions that a bundler renamed are called what the source calls them, whether the map lies beside the bundle or in it."""
    esbuild = npm_package("tsx", TSX) / "node_modules" / "esbuild" / "bin" / "esbuild"
    command = [esbuild, "bundle/index.ts", "--bundle", "--minify", *options, "--platform=node", "--outfile=out.js"]
    await asyncio.to_thread(subprocess.run, command, cwd=project, capture_output=True, check=True)
    sampled = await sample(project, "out.js", node(major))
    calc, index = str(project / "bundle" / "calc.ts"), str(project / "bundle" / "index.ts")
    assert sampled.places() >= {("taxes", calc, 6), ("hotLoop", index, 3), ("Pricing.total", calc, 4)}
    assert own_lines(sampled, "taxes", "hotLoop") == {"taxes": {6}, "hotLoop": {3}}


@both
@pytest.mark.own_code(20)
async def test_functions_made_at_run_time_are_told_apart(tmp_path, major):
    """Four scripts that `new Function` made are four rows, with the places that made them (Node.js 22.9), and none of them is called native."""
    shutil.copy(PROGRAMS / "made_functions.js", tmp_path)
    sampled = await sample(tmp_path, "made_functions.js", node(major))
    hot = {function: count for function, count in sampled.self_samples().items() if count > 0.05 * sampled.samples}
    assert len(hot) == 4, hot
    assert "(anonymous) template-b.js:1" in hot
    by_place = {"validate made at made_functions.js:4", "(anonymous) made at made_functions.js:2"}
    assert hot.keys() >= (by_place if major > 20 else {"validate"})
    assert not {function for function, file, _ in sampled.places() if function in hot and file == "<native>"}


async def test_functions_on_one_line_are_told_apart(tmp_path):
    """Two of one name on one line are two rows: the second has its column."""
    loop = "let s = 0; for (let i = 0; i < n; i++) s += Math.sin(i); return s;"
    (tmp_path / "line.js").write_text(
        f"const all = [{{ f(n) {{ {loop} }} }}, {{ f(n) {{ {loop} }} }}];\n"
        "for (let i = 0; i < 12; i++) all.forEach((each) => each.f(1e6));\n"
    )
    sampled = await sample(tmp_path, "line.js", node(24))
    hot = {function for function, count in sampled.self_samples().items() if count > 0.1 * sampled.samples}
    assert len(hot) == 2, hot
    assert "f" in hot
    assert all(name.startswith("f line.js:1:") for name in hot - {"f"})
