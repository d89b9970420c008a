"""The launcher of a checkout, with a stand-in for uv that notes what it is asked for: which interpreter it takes, and when it sets up anew."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.command import DEADLINE_S

ROOT = Path(__file__).resolve().parents[2]
UTILITIES = ("cat", "cmp", "cp", "env", "grep", "ln", "mkdir", "mktemp", "rm", "sh", "touch")
VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"
UV = f"""\
#!/bin/sh
echo "$*" >>"$UV_LOG"
case "$*" in {{refuses}}) echo "error: Failed to build tree-sitter" >&2; exit 1;; esac
mkdir -p "$UV_PROJECT_ENVIRONMENT/bin" "$UV_PROJECT_ENVIRONMENT/lib/{VERSION}/site-packages"
ln -sf {sys.executable} "$UV_PROJECT_ENVIRONMENT/bin/python"
"""


@dataclass
class Checkout:
    path: Path
    tools: Path
    """All that is on PATH."""

    @property
    def asked(self) -> list[str]:
        """What uv was asked for, each time."""
        log = self.path / "uv.log"
        return log.read_text().splitlines() if log.exists() else []

    def has(self, *pythons: str, uv_refuses: str = "nothing") -> None:
        for name in pythons:
            (self.tools / name).write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
            (self.tools / name).chmod(0o755)
        (self.tools / "uv").write_text(UV.format(refuses=uv_refuses))
        (self.tools / "uv").chmod(0o755)

    def start(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.path / "multi_lang_profiler", *(words or ("--version",))],
            env={"PATH": str(self.tools), "HOME": str(self.path), "UV_LOG": str(self.path / "uv.log"), **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_S,
        )


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    path, tools = tmp_path / "check out", tmp_path / "tools"
    path.mkdir()
    tools.mkdir()
    for name in ("multi_lang_profiler", "uv.lock"):
        shutil.copy(ROOT / name, path)
    for name in ("engine", "proto", "tui"):
        (path / name).symlink_to(ROOT / name)
    # Found by its own place, not by where a link leads.
    (path / "engine").unlink()
    shutil.copytree(ROOT / "engine", path / "engine", ignore=shutil.ignore_patterns("__pycache__"))
    for name in UTILITIES:
        (tools / name).symlink_to(shutil.which(name) or "")
    return Checkout(path, tools)


def test_it_sets_up_once(checkout):
    """The second start asks nobody; a new lock file is set up, the same one with a new date is not."""
    checkout.has("python3.12")
    first = checkout.start()
    assert first.stdout.startswith("multi_lang_profiler "), first.stderr
    assert "ready" in first.stderr
    assert len(checkout.asked) == 1
    lock, ready = checkout.path / "uv.lock", checkout.path / ".venv" / "ready"
    for _ in range(2):
        assert checkout.start().stderr == ""
        os.utime(lock, ns=(ready.stat().st_mtime_ns + 10**9,) * 2)
    assert len(checkout.asked) == 1
    lock.write_text(lock.read_text() + "\n")
    os.utime(lock, ns=(ready.stat().st_mtime_ns + 2 * 10**9,) * 2)
    assert checkout.start().stdout.startswith("multi_lang_profiler ")
    assert len(checkout.asked) == 2


@pytest.mark.parametrize("pythons", [["python3.14"], ["python3.15"], ["python"]])
def test_a_python_of_any_name_will_do(pythons, checkout):
    """Where there is only a Python that is newer than those we know, it is taken; only where there is none, that is said."""
    checkout.has(*pythons)
    assert checkout.start().stdout.startswith("multi_lang_profiler ")
    assert checkout.asked[0].endswith(f"--python {checkout.tools / pythons[0]} --no-dev --inexact")


def test_without_a_python_it_says_so(checkout):
    checkout.has()
    finished = checkout.start()
    assert finished.returncode == 1
    assert "Python 3.11 or newer was not found on PATH" in finished.stderr


@pytest.mark.parametrize("change", ["minor", "gone"])
def test_an_interpreter_that_has_become_another_is_set_up_for(change, checkout):
    """After an upgrade `python3` may be another minor version, or be gone: no traceback, a new environment."""
    checkout.has("python3")
    assert checkout.start().returncode == 0
    library = checkout.path / ".venv" / "lib"
    if change == "minor":
        (library / VERSION).rename(library / "python3.9")
    else:
        interpreter = checkout.path / ".venv" / "bin" / "python"
        interpreter.unlink()
        interpreter.symlink_to("/nowhere/python3")
    finished = checkout.start()
    assert finished.stdout.startswith("multi_lang_profiler "), finished.stderr
    assert "Traceback" not in finished.stderr
    assert len(checkout.asked) == 2


def test_an_interpreter_for_which_every_package_is_built_is_preferred(checkout):
    """Where a package cannot be built for the first one, the next is taken."""
    checkout.has("python3.13", "python3.12", uv_refuses="*python3.13*")
    assert checkout.start().stdout.startswith("multi_lang_profiler ")
    assert ["python3.13" in asked for asked in checkout.asked] == [True, False]


def test_where_no_interpreter_has_all_packages_one_goes_without(checkout):
    """tree-sitter has no build for the newest Python: we run without the static analysis, and say so."""
    checkout.has("python3.15", uv_refuses="*inexact")
    finished = checkout.start()
    assert finished.stdout.startswith("multi_lang_profiler "), finished.stderr
    assert "tree-sitter has no build for" in finished.stderr
    assert checkout.asked[1].endswith("--no-install-package tree-sitter")


def test_the_users_python_variables_are_the_programs(checkout):
    """PYTHONHOME, PYTHONPATH and their like do not reach us; the program gets them, and nothing of the launcher's."""
    checkout.has("python3")
    poison = {"PYTHONHOME": "/nowhere", "PYTHONPATH": "/nowhere", "PYTHONSTARTUP": "/nowhere"}
    assert checkout.start(**poison).stdout.startswith("multi_lang_profiler ")
    (checkout.path / "argv.sh").write_text("env")
    finished = checkout.start("--quiet", "--", "sh", str(checkout.path / "argv.sh"), **poison)
    told = dict(line.split("=", 1) for line in finished.stdout.splitlines())
    assert poison.items() <= told.items(), finished.stderr
    assert not [name for name in told if name.startswith("MULTI_LANG_PROFILER_SETUP")]


def test_a_link_to_it_is_followed(checkout, tmp_path):
    """From a folder on PATH, say."""
    checkout.has("python3")
    (checkout.tools / "readlink").symlink_to(shutil.which("readlink") or "")
    link = tmp_path / "profiler"
    link.symlink_to(checkout.path / "multi_lang_profiler")
    done = subprocess.run(
        [link, "--version"], env={"PATH": str(checkout.tools), "UV_LOG": "/dev/null"}, capture_output=True, check=False
    )
    assert done.stdout.startswith(b"multi_lang_profiler "), done.stderr
