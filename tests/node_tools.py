"""Runs what Node.js projects are developed with, with and without the profiler: the hottest function has to be the project's.

python -m tests.node_tools                 all, in some ten minutes; installs packages from npm into a temporary folder
python -m tests.node_tools jest vitest     some

Each line is as `python -m tests.commands` writes it. Ends with 1 if one is not as it should be.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING

from tests.command_projects import Project, install, use
from tests.commands import main
from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# One function: what V8 compiles into a caller's loop while that runs is in part the caller's, with `--cpu-prof`, too.
PRICE = """function price(ms) {
  let sum = 0;
  for (const until = Date.now() + ms; Date.now() < until; ) for (let i = 0; i < 1e5; i++) sum += Math.sqrt(i);
  return sum;
}
const prices = price;
"""
TYPED = PRICE.replace("(ms)", "(ms: number): number")
TESTS = "describe('shop', () => {{ for (const name of ['a', 'b']) {each}(name, () => {{ prices({ms}); }}); }});\n"
SOME = r"\d+ (?:passed|passing)"


def npm(folder: Path, *packages: str, **config: object) -> None:
    """A project with these packages."""
    (folder / "package.json").write_text(json.dumps({"name": "shop", "private": True, **config}))
    if packages:
        install("npm", "install", "--silent", "--no-audit", "--no-fund", *packages, cwd=folder)


def node_test(folder: Path) -> Project:
    """`node --test`, which starts a process for each file."""
    npm(folder)
    for name in ("one", "two"):
        text = PRICE + "const { describe, it } = require('node:test');\n" + TESTS.format(each="it", ms=700)
        (folder / f"{name}.test.js").write_text(text)
    return Project(folder, ["node", "--test"], {"JavaScript": "price"}, compared=r"# pass \d+|. pass \d+")


def mocha(folder: Path) -> Project:
    npm(folder, "mocha@11.7.4")
    (folder / "test").mkdir()
    for name in ("one", "two"):
        (folder / "test" / f"{name}.js").write_text(PRICE + TESTS.format(each="it", ms=700))
    return Project(folder, ["npx", "mocha", "--parallel", "--timeout", "9000"], {"JavaScript": "price"}, compared=SOME)


def jest(folder: Path) -> Project:
    """In worker processes, each test file in a context of `vm` of its own."""
    npm(folder, "jest@30.2.0")
    for name in ("one", "two", "three"):
        (folder / f"{name}.test.js").write_text(PRICE + TESTS.format(each="test", ms=700))
    return Project(folder, ["npx", "jest", "--maxWorkers=2"], {"JavaScript": "price"})


def vitest(folder: Path, pool: str = "threads") -> Project:
    """TypeScript, in worker threads."""
    npm(folder, "vitest@3.2.4", type="module")
    for name in ("one", "two", "three"):
        text = "import { describe, test } from 'vitest';\n" + TYPED + TESTS.format(each="test", ms=700)
        (folder / f"{name}.test.ts").write_text(text)
    command = ["npx", "vitest", "run", f"--pool={pool}", "--no-color"]
    return Project(folder, command, {"JavaScript": "price"}, compared=SOME)


def vitest_forks(folder: Path) -> Project:
    """In processes, which vitest ends by SIGTERM as soon as they have answered."""
    return vitest(folder, "forks")


def next_dev(folder: Path) -> Project:
    """`next dev` with a page that is made on the server."""
    npm(folder, "next@15.5.6", "react@19.2.0", "react-dom@19.2.0")
    (folder / "pages").mkdir()
    (folder / "pages" / "index.js").write_text(
        PRICE + "export const getServerSideProps = () => ({ props: { sum: prices(200) } });\n"
        "export default function Page({ sum }) { return <p>{sum}</p>; }\n"
    )
    port = free_port()
    environment = {"NEXT_TELEMETRY_DISABLED": "1"}
    command = ["npx", "next", "dev", "-p", str(port)]
    return Project(
        folder, command, {"JavaScript": "price"}, environment, lambda: use(port, 8), compared="nothing of it"
    )


def nest(folder: Path) -> Project:
    """`nest start` of a project in TypeScript with decorators."""
    nest_packages = [f"@nestjs/{name}@11.1.8" for name in ("common", "core", "platform-express")]
    others = ("@nestjs/cli@11.0.10", "reflect-metadata@0.2.2", "rxjs@7.8.2", "typescript@5.9.3", "@types/node@24.9.1")
    npm(folder, *nest_packages, *others)
    options = {
        "module": "commonjs",
        "target": "es2022",
        "outDir": "dist",
        "sourceMap": True,
        "emitDecoratorMetadata": True,
        "experimentalDecorators": True,
    }
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options}))
    (folder / "src").mkdir()
    port = free_port()
    (folder / "src" / "main.ts").write_text(
        "import 'reflect-metadata';\nimport { Controller, Get, Module } from '@nestjs/common';\n"
        "import { NestFactory } from '@nestjs/core';\n"
        + TYPED
        + "@Controller() class Shop { @Get() sum(): string { return String(prices(50)); } }\n"
        "@Module({ controllers: [Shop] }) class App {}\n"
        f"void NestFactory.create(App, {{ logger: false }}).then((app) => app.listen({port}));\n"
    )
    return Project(
        folder, ["npx", "nest", "start"], {"JavaScript": "price"}, {}, lambda: use(port, 5), compared="nothing of it"
    )


def cluster(folder: Path) -> Project:
    """A primary with 16 workers, each of which serves some requests' work and leaves."""
    npm(folder)
    (folder / "app.js").write_text(
        PRICE + "const cluster = require('cluster');\n"
        "if (cluster.isPrimary) { for (let i = 0; i < 16; i++) cluster.fork(); }\n"
        "else { prices(300); cluster.worker.disconnect(); }\n"
    )
    return Project(folder, ["node", "app.js"], {"JavaScript": "price"})


def children(folder: Path) -> Project:
    """Two hundred forked children, four at a time, of which the parent ends each by SIGTERM once it has answered."""
    npm(folder)
    (folder / "child.js").write_text(PRICE + "prices(100);\nprocess.send('done');\nsetInterval(() => {}, 1e6);\n")
    (folder / "app.js").write_text(
        "const { fork } = require('child_process');\nlet left = 200;\nlet ended = 0;\n"
        "function next() {\n  if (left-- <= 0) return;\n  const child = fork('./child.js');\n"
        "  child.on('message', () => child.kill('SIGTERM'));\n"
        "  child.on('exit', (code, signal) => { ended += signal === 'SIGTERM'; if (ended === 200) console.log('all'); next(); });\n}\n"
        "for (let i = 0; i < 4; i++) next();\n"
    )
    return Project(folder, ["node", "app.js"], {"JavaScript": "price"})


PROJECTS: dict[str, Callable[[Path], Project]] = {
    project.__name__: project
    for project in (node_test, mocha, jest, vitest, vitest_forks, next_dev, nest, cluster, children)
}

if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main(PROJECTS))
