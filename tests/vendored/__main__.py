"""Builds the library inside a run's page anew, from npm, and compares it with what the repository has.

python -m tests.vendored           compares; ends with 1 where they differ
python -m tests.vendored --write   writes it

`package-lock.json` holds the checksum of every package. With the code go the licences of the packages that are in it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
BUNDLE = HERE.parents[1] / "engine" / "formats" / "page_parts" / "flamegraph.min.js"
CHECKSUM = HERE / "flamegraph.sha256"
INPUTS = ("package.json", "package-lock.json", "entry.mjs")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        built = build(Path(folder))
    if sys.argv[1:] == ["--write"]:
        BUNDLE.write_text(built, encoding="utf-8")
        CHECKSUM.write_text(f"{hashlib.sha256(built.encode()).hexdigest()}  {BUNDLE.name}\n")
    same = BUNDLE.read_text(encoding="utf-8") == built
    print(f"{BUNDLE.name}: {len(built):,} bytes, {'as it is built' if same else 'DIFFERS from what is built'}")
    return 0 if same else 1


def build(folder: Path) -> str:
    for name in INPUTS:
        shutil.copy(HERE / name, folder)
    run("npm", "ci", "--silent", "--no-audit", "--no-fund", cwd=folder)
    run(
        folder / "node_modules/.bin/esbuild",
        "entry.mjs",
        "--bundle",
        "--minify",
        # d3-flame-graph tells its own nodes by the name of their class.
        "--keep-names",
        "--format=iife",
        "--global-name=d3",
        "--target=es2020",
        "--charset=ascii",
        # Its rules are in page.css, in the page's own colours.
        "--loader:.css=empty",
        "--metafile=meta.json",
        "--outfile=out.js",
        cwd=folder,
    )
    inside = json.loads((folder / "meta.json").read_text())["outputs"]["out.js"]["inputs"]
    names = sorted({path.split("/")[1] for path, part in inside.items() if path.startswith("node_modules/")})
    licences = "\n".join(licence(folder, name) for name in names)
    return f"/*!\n{licences}*/\n{(folder / 'out.js').read_text()}"


def licence(folder: Path, name: str) -> str:
    package = folder / "node_modules" / name
    version = json.loads((package / "package.json").read_text())["version"]
    text = (package / "LICENSE").read_text().replace("*/", "* /")
    return f"{name} {version}\n\n{text.strip()}\n"


def run(*command: str | Path, cwd: Path) -> None:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


if __name__ == "__main__":
    sys.exit(main())
