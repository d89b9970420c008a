"""Installed as a package, with what pip resolves, it works as from the checkout; and the launcher sets up a checkout by itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.backend import Backend
from tests.support.command import Folder, finish
from tests.support.wheels import uv

ROOT = Path(__file__).parent.parent


@pytest.fixture
def folder(tmp_path) -> Iterator[Folder]:
    with Folder(tmp_path) as folder:
        yield folder


def test_an_installed_wheel(folder):
    """`pip install .` gives both commands, all data files and a protobuf that works, although it is austin-python's old one."""
    environment = folder.path / "venv"
    # Away from the checkout: its uv settings override austin-python's pin, which plain pip obeys.
    uv("venv", "--quiet", "--python", sys.executable, str(environment), cwd=folder.path)
    uv("pip", "install", "--quiet", "--python", str(environment), str(ROOT), cwd=folder.path)
    listed = uv("pip", "list", "--quiet", "--python", str(environment), "--format", "json", cwd=folder.path)
    versions = {package["name"]: package["version"] for package in json.loads(listed)}
    assert versions["protobuf"].startswith("3.20")

    folder.write("app.py", "until = 300_000\nwhile until: until -= 1\n")
    with Backend() as backend:
        for command in ("multi_lang_profiler", "mlp"):
            process = subprocess.Popen(
                [environment / "bin" / command, "python", "app.py", "--no-tui", "--report-endpoint", backend.url],
                cwd=folder.path,
                env=folder.environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            finished = finish(process)
            assert finished.status == 0, finished.stderr
            assert "✅ Successfully reported 1 profiles" in finished.stderr
    assert len(backend.accepted) == 2
    site_packages = next(environment.glob("lib/python*/site-packages/multi_lang_profiler"))
    for data in ("tui/app.tcss", "proto/profile.proto", "engine/samplers/node/preload.cjs", "engine/py.typed"):
        assert (site_packages / data).is_file(), f"{data} is not in the wheel"
    assert list(site_packages.glob("engine/samplers/go/_go_*.go"))
    assert list(site_packages.rglob("*.java"))


LACKS = """\
#!/bin/sh
case "$1 $2" in {lacks}) echo "no module named $2" >&2; exit 1;; esac
exec {python} "$@"
"""


@pytest.fixture(scope="module")
def python_with_pip(tmp_path_factory) -> Path:
    environment = tmp_path_factory.mktemp("with_pip")
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    return Path(environment / "bin" / "python")


@pytest.mark.parametrize(
    ("lacks", "says"),
    [
        ("'-m venv'", "ready"),
        ("'-m venv'|'-m pip'", "has neither venv nor pip; install one (Debian: apt install python3-venv)"),
    ],
)
def test_the_first_start(folder, python_with_pip, lacks, says):
    """Without uv the launcher gets it by venv or, where Debian has parted that from Python, by pip; without either it says what to install."""
    checkout = folder.path / "checkout"
    subprocess.run(["git", "clone", "--quiet", ROOT, checkout], check=True)
    shutil.copy(ROOT / "multi_lang_profiler", checkout)
    tools = folder.path / "tools"
    tools.mkdir()
    for name in ("python3.13", "python3.12", "python3.11", "python3", "python"):
        (tools / name).write_text(LACKS.format(lacks=lacks, python=python_with_pip))
        (tools / name).chmod(0o755)
    path = f"{tools}:/usr/bin:/bin"
    if shutil.which("uv", path=path):
        pytest.skip("NOT TESTED: this machine has uv in /usr/bin")
    process = subprocess.run(
        [checkout / "multi_lang_profiler", "--version"],
        env=folder.environment(PATH=path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert says in process.stderr
    assert (process.returncode == 0) == (says == "ready"), process.stderr
    assert process.stdout.startswith("multi_lang_profiler ") == (says == "ready")
