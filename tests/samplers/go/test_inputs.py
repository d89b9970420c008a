"""What was built from the same files is run without asking `go` to build it; whatever a build depends on has it built anew."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.samplers.go import inputs
from tests.support.go import sample

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.xdist_group("go")

FILES = {
    "work/go.mod": "module shop\n\ngo 1.19\n",
    "work/cmd/main.go": (
        'package main\n\nimport (\n\t"shop/price"\n)\n\nfunc main() { println("one", price.Of(), extra()) }\n'
    ),
    "work/cmd/plain.go": '//go:build !special\n\npackage main\n\nfunc extra() string { return tag }\n\nvar tag = "plain"\n',
    "work/cmd/special.go": '//go:build special\n\npackage main\n\nfunc extra() string { return "special" }\n',
    "work/price/price.go": "package price\n\nvar cents = 1\n\nfunc Of() int { return cents }\n",
}


def edit(file: Path, old: str, new: str) -> None:
    """As an editor does that leaves size and modification time as they were."""
    before = file.stat()
    file.write_text(file.read_text().replace(old, new))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def special(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=mod -tags=special")


def link_elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a package becomes another one, with files of its own."""
    shutil.move(folder / "price", folder.parent / "old")
    (folder / "price").symlink_to(shutil.copytree(folder.parent / "old", folder.parent / "new"))
    (folder.parent / "new" / "price.go").write_text("package price\n\nfunc Of() int { return 4 }\n")


CHANGES: list[tuple[str, Callable[[Path, pytest.MonkeyPatch], object], str]] = [
    ("nothing yet", lambda _folder, _: None, "one 1 plain"),
    ("main's own file", lambda folder, _: edit(folder / "cmd/main.go", '"one"', '"two"'), "two 1 plain"),
    ("another package's", lambda folder, _: edit(folder / "price/price.go", "= 1", "= 2"), "two 2 plain"),
    (
        "a new file",
        lambda folder, _: (folder / "price/new.go").write_text("package price\n\nfunc init() { cents = 3 }\n"),
        "two 3 plain",
    ),
    ("a file less", lambda folder, _: (folder / "price/new.go").unlink(), "two 2 plain"),
    (
        "go.mod",
        lambda folder, _: (folder / "go.mod").write_text("module shop // again\n\ngo 1.19\n"),
        "two 2 plain",
    ),
    ("a linked folder", link_elsewhere, "two 4 plain"),
    ("the environment", special, "two 4 special"),
]


async def test_whatever_a_program_is_built_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each change it runs as it is now; and run once more, without another build."""
    monkeypatch.setattr(inputs, "SETTLED_S", 0.0)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    folder, found = tmp_path / "work", []
    for what, change, _ in CHANGES:
        change(folder, monkeypatch)
        for _ in range(2):
            sampled = await sample(folder, "./cmd")
            found.append((what, sampled.stderr.decode().strip(), any("Building" in line for line in sampled.lines)))
    assert found == [(what, said, is_built) for what, _, said in CHANGES for is_built in (True, False)]


async def test_what_may_look_the_same_after_a_change(tmp_path: Path) -> None:
    """A file that was changed just before a build, or that may stand for others, is no ground to leave the next build out."""
    folder = tmp_path / "work"
    folder.mkdir()
    file = folder / "one.go"
    built = []
    for text in ("1", "1", "2"):
        file.write_text(f"package main\n\nfunc main() {{ println({text}) }}\n")
        sampled = await sample(folder, "one.go")
        built.append((sampled.stderr.decode().strip(), any("Building" in line for line in sampled.lines)))
    assert built == [("1", True), ("1", True), ("2", True)]


MAIN = 'package main\n\nimport "lib"\n\nfunc main() { println(lib.Name) }\n'
LIB = 'package lib\n\nconst Name = "%s"\n'
REPLACED = "module shop\n\ngo 1.19\n\nrequire lib v0.0.0\n\nreplace lib => ../one\n"
MODULES = {
    **{f"{name}/lib.go": LIB % name for name in ("one", "two")},
    **{f"{name}/go.mod": "module lib\n\ngo 1.19\n" for name in ("one", "two")},
}
ELSEWHERE: dict[str, tuple[dict[str, str], dict[str, str], tuple[str, str], str]] = {
    "embedded files": (
        {
            "work/go.mod": "module shop\n\ngo 1.19\n",
            "work/main.go": (
                'package main\n\nimport "embed"\n\n//go:embed data\nvar data embed.FS\n\n'
                'func main() {\n\ttext, _ := data.ReadFile("data/deep/a.txt")\n\tprint(string(text))\n}\n'
            ),
            "work/data/deep/a.txt": "one",
        },
        {},
        ("work/data/deep/a.txt", "two"),
        "one two",
    ),
    "a module in a folder": (
        {**MODULES, "work/go.mod": REPLACED, "work/main.go": MAIN},
        {},
        ("work/go.mod", REPLACED.replace("../one", "../two")),
        "one two",
    ),
    "a workspace's other module": (
        {
            **MODULES,
            "go.work": "go 1.19\n\nuse ./work\n\nuse ./other\n",
            "other/go.mod": REPLACED.replace("shop", "other"),
            "other/other.go": "package other\n",
            "work/go.mod": "module shop\n\ngo 1.19\n\nrequire lib v0.0.0\n",
            "work/main.go": MAIN,
        },
        {"GOFLAGS": "", "GOWORK": ""},
        ("other/go.mod", REPLACED.replace("shop", "other").replace("../one", "../two")),
        "one two",
    ),
    "GOPATH": (
        {"src/shop/main.go": MAIN, "src/lib/lib.go": LIB % "one"},
        {"GO111MODULE": "off", "GOFLAGS": ""},
        ("src/shop/vendor/lib/lib.go", LIB % "two"),
        "one two",
    ),
}


@pytest.mark.parametrize("kind", ELSEWHERE)
async def test_what_lies_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Where files in other places have a say in what is built, it is built each time."""
    files, environment, (changed, text), said = ELSEWHERE[kind]
    monkeypatch.setattr(inputs, "SETTLED_S", 0.0)
    monkeypatch.setenv("GOPATH", str(tmp_path))
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    folder = tmp_path / ("src/shop" if "src/shop/main.go" in files else "work")
    found = [(await sample(folder, ".")).stderr.decode().strip()]
    (tmp_path / changed).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / changed).write_text(text)
    found.append((await sample(folder, ".")).stderr.decode().strip())
    assert " ".join(found) == said
