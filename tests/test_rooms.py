"""The rooms of the engine and their order, as `engine/README.md` shows them, hold for every import."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import grimp
import pytest

ENGINE = Path(__file__).parent.parent / "engine"
ROOT = "multi_lang_profiler.engine"
GROUND = "ground"
PAGE = (ENGINE / "README.md").read_text()
ROWS: list[list[str]] = [
    [word.removesuffix(".py") for word in re.findall(r"\w+(?:\.py)?", row)]
    for row in re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", PAGE, re.MULTILINE)[1:]
]
ORDER = [row[0] for row in ROWS]
"""From the top floor down; a row with several files is one room."""
ROOMS = {name: row[0] for row in ROWS for name in row}
ARROWS = re.findall(r"^    (\w+)(?:\[.*?\])? -->(?:\|.*?\|)? (\w+)", PAGE, re.MULTILINE)


@functools.cache
def graph() -> grimp.ImportGraph:
    """Every import inside the engine, those for type checkers and those inside functions too."""
    return grimp.build_graph(ROOT, cache_dir=None)


def room_of(module: str) -> str:
    name = module.removeprefix(f"{ROOT}.")
    first = name.partition(".")[0]
    return ROOMS.get(first, GROUND)


def path_of(module: str) -> str:
    return f"{module.removeprefix('multi_lang_profiler.').replace('.', '/')}.py"


def imports() -> list[tuple[str, str]]:
    found = graph()
    return [
        (one, other) for one in sorted(found.modules) for other in sorted(found.find_modules_directly_imported_by(one))
    ]


def faults_of(pairs: list[tuple[str, str]], order: list[str]) -> list[str]:
    """A line for each import that goes up, naming both files."""
    floor = {room: at for at, room in enumerate(order)}
    return [
        f"{path_of(one)} ({room_of(one)}) imports {path_of(other)} ({room_of(other)}), a room above it"
        for one, other in pairs
        if floor[room_of(one)] > floor[room_of(other)]
    ]


def test_every_folder_is_a_room_of_the_page() -> None:
    """The page's table names the folders of the engine, each once, and the ground's files; nothing else lies there."""
    folders = {path.name for path in ENGINE.iterdir() if path.is_dir() and any(path.glob("**/*.py"))}
    assert sorted(ORDER) == sorted([*folders, "engine", GROUND])
    ground = {path.stem for path in ENGINE.glob("*.py")} - set(ROOMS)
    (row,) = re.findall(rf"^\| {GROUND} \| (.*) \| .* \|$", PAGE, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == ground
    assert len(ground) < 10, "the ground is for what every room needs"


def test_no_import_goes_up() -> None:
    """A room uses only rooms below it."""
    assert not faults_of(imports(), ORDER), "\n".join(faults_of(imports(), ORDER))


def test_an_import_that_goes_up_is_told_with_both_files() -> None:
    """The check itself: held to the opposite order, it names an importing and an imported file."""
    told = faults_of(imports(), ORDER[::-1])
    assert "engine/reporting/buffer.py (reporting) imports engine/formats/wire.py (formats), a room above it" in told


def test_runtimes_do_not_know_each_other() -> None:
    """A runtime's room uses what is common to samplers, never another runtime's; what is common uses none of them."""
    inner = f"{ROOT}.samplers."

    def runtime(module: str) -> str:
        return module.removeprefix(inner).rpartition(".")[0] if module.startswith(inner) else ""

    faults = [
        f"{path_of(one)} imports {path_of(other)}"
        for one, other in imports()
        if one.startswith(inner) and runtime(other) and runtime(one) != runtime(other)
    ]
    assert not faults, "\n".join(faults)


def test_no_file_imports_in_a_circle() -> None:
    """Files of one room do not import each other in a circle."""
    found = graph()
    circles = [
        " and ".join(sorted((path_of(one), path_of(other))))
        for one, other in imports()
        if one != other and found.chain_exists(importer=other, imported=one)
    ]
    assert not circles, "\n".join(sorted(set(circles)))


@pytest.mark.parametrize("arrow", [arrow for arrow in ARROWS if {*arrow} <= {*ORDER}], ids="-".join)
def test_the_picture_is_true(arrow: tuple[str, str]) -> None:
    """Where the picture has data go from one room to another, the one whose data it is has an import between them."""
    one, other = arrow
    assert any({room_of(a), room_of(b)} == {one, other} for a, b in imports()), f"nothing joins {one} and {other}"


def test_the_files_that_the_page_names_exist() -> None:
    for name in re.findall(r"`([a-z_/]+/[a-z_]+\.(?:py|cjs))`", PAGE):
        assert (ENGINE / name).exists() or (ENGINE.parent / name).exists(), name
