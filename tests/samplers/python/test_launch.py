"""A Python program is started as its user would start it, or not at all with one line that says why."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from multi_lang_profiler.engine.samplers.python.launch import python_launch
from multi_lang_profiler.engine.samplers.sampler import CannotStart
from multi_lang_profiler.engine.settings import Language, Settings


def interpreter(folder: Path, name: str = "python3") -> Path:
    """Something executable in a `bin` folder."""
    path = folder / "bin" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def settings(folder: Path, program: str, *arguments: str, **more: object) -> Settings:
    return Settings(Language.PYTHON, program, arguments, working_folder=folder, **more)  # type: ignore[arg-type]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text("print(1)\n")
    return tmp_path


def test_the_interpreter_is_the_users(home: Path) -> None:
    """`--python` comes first, then `$VIRTUAL_ENV`, then `python3` on PATH, then `python`."""
    chosen, virtual = interpreter(home / "chosen", "mine"), interpreter(home / "venv", "python")
    on_path, older = interpreter(home / "path"), interpreter(home / "old", "python")
    program = settings(home, "app.py")
    path = {"PATH": f"{home}/old/bin:{home}/path/bin"}
    venv = {**path, "VIRTUAL_ENV": str(home / "venv")}
    for runtime in (str(chosen), "chosen/bin/mine"):
        assert python_launch(settings(home, "app.py", runtime=runtime), venv).argv[0] == str(chosen)
    assert python_launch(settings(home, "app.py", runtime="./venv"), path).argv[0] == str(virtual)
    assert python_launch(settings(home, "app.py", runtime="python3"), venv).argv[0] == str(on_path)
    assert python_launch(program, venv).argv[0] == str(virtual)
    assert python_launch(program, path).argv[0] == str(on_path)
    assert python_launch(program, {"PATH": f"{home}/old/bin"}).argv[0] == str(older)
    assert python_launch(program, {**path, "VIRTUAL_ENV": "/nowhere"}).argv[0] == str(on_path)


def test_the_command_line_is_what_the_user_wrote(home: Path) -> None:
    """File or module, the interpreter's options before it, the program's own arguments after it, all untouched."""
    python = interpreter(home)
    environment = {"PATH": str(python.parent)}
    launch = python_launch(settings(home, "app.py", "-x", "--", "a b", runtime_arguments=("-X", "dev")), environment)
    assert launch.argv == (str(python), "-X", "dev", "app.py", "-x", "--", "a b")
    assert launch.source_file == home / "app.py"
    assert launch.environment == {}
    module = python_launch(settings(home, "pkg.tool", "-v", is_module=True), environment)
    assert module.argv == (str(python), "-m", "pkg.tool", "-v")
    assert module.source_file is None


def test_the_source_of_a_module_is_found_where_the_interpreter_will_look(home: Path) -> None:
    """In the working folder, on PYTHONPATH and in the interpreter's own packages; a package means its `__main__`."""
    python = interpreter(home / "venv")
    library = home / "venv" / "lib" / "python3.11" / "site-packages"
    for file in (home / "pkg/__main__.py", home / "more/tool.py", library / "server/__main__.py"):
        file.parent.mkdir(parents=True)
        file.touch()
    environment = {"PATH": str(python.parent), "PYTHONPATH": "more"}
    for module, source in (
        ("pkg", "pkg/__main__.py"),
        ("tool", "more/tool.py"),
        ("server", library / "server/__main__.py"),
    ):
        assert python_launch(settings(home, module, is_module=True), environment).source_file == home / source


@pytest.mark.parametrize("kind", ["folder", "zip", "zip with a first line", "compiled", "empty", "pipe", "broken"])
def test_whatever_python_can_run_is_run(home: Path, kind: str) -> None:
    """A folder or a zip file with a `__main__`, compiled code, an empty file, a pipe, and a syntax error (the program's own)."""
    environment = {"PATH": str(interpreter(home).parent)}
    program = home / ("program.pyc" if kind == "compiled" else "program")
    if kind == "folder":
        program.mkdir()
        (program / "__main__.py").touch()
    elif kind.startswith("zip"):
        with program.open("wb") as file:
            file.write(b"#!/usr/bin/env python3\n" if "line" in kind else b"")
            with zipfile.ZipFile(file, "w") as packed:
                packed.writestr("__main__.py", "print(1)")
    elif kind == "compiled":
        program.write_bytes(b"\xa7\r\r\n\0\0\0\0")
    elif kind == "pipe":
        os.mkfifo(program)
    else:
        program.write_text("" if kind == "empty" else "def (:\n")
    source = python_launch(settings(home, program.name), environment).source_file
    assert source == (program / "__main__.py" if kind == "folder" else program)


@pytest.mark.parametrize(
    ("program", "complaint"),
    [
        ("missing.py", "missing.py: there is no such file"),
        ("app.py/deeper.py", "app.py/deeper.py cannot be read: not a directory"),
        ("plain", "plain is a folder without a __main__.py; name the file to run, or a module with -m"),
        ("picture.png", "picture.png is not a Python program: it holds binary data"),
        ("loop.py", "loop.py cannot be read: too many levels of symbolic links"),
        ("x" * 300, "x" * 300 + " cannot be read: file name too long"),
    ],
)
def test_what_cannot_be_run_is_one_clear_line(home: Path, program: str, complaint: str) -> None:
    """Missing, not a file, a plain folder, binary, a link in circles: told before anything is started."""
    (home / "plain").mkdir()
    (home / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    (home / "loop.py").symlink_to("loop.py")
    with pytest.raises(CannotStart) as raised:
        python_launch(settings(home, program), {"PATH": str(interpreter(home).parent)})
    assert str(raised.value) == complaint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read any file")
def test_an_unreadable_file_is_one_clear_line(home: Path) -> None:
    """A program that its user may not read."""
    (home / "app.py").chmod(0)
    with pytest.raises(CannotStart, match=r"^app.py cannot be read: permission denied$"):
        python_launch(settings(home, "app.py"), {"PATH": str(interpreter(home).parent)})


def test_a_missing_interpreter_is_one_clear_line(home: Path) -> None:
    """No Python on PATH, or none where `--python` says: what is missing and what to do."""
    with pytest.raises(CannotStart, match=r"^Python was not found on PATH; install it or name it with --python$"):
        python_launch(settings(home, "app.py"), {"PATH": str(home)})
    for runtime in ("./app.py", "/nowhere/python", "python9"):
        with pytest.raises(
            CannotStart, match=rf"^--python {runtime}: there is no such interpreter, or it cannot be executed$"
        ):
            python_launch(settings(home, "app.py", runtime=runtime), {"PATH": str(home)})
