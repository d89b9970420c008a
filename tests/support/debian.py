"""Packages of Debian's unstable, unpacked into a folder: no installation, no root, any glibc."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_DEADLINE_S = 180


class NotToBeHad(Exception):
    """Why there is no such program here, on one line."""


def unpack(folder: Path, what: str, *packages: str) -> Path:
    """Those packages and all they need, below the folder given back. Raises `NotToBeHad` for `what`, and as `subprocess.run` does."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb") and KEYRING.exists()):
        raise NotToBeHad(f"{what} is brought with Debian's apt, which is not here")
    root = folder / "root"
    for name in ("state/lists/partial", "cache/archives/partial", "debs/partial", "root"):
        (folder / name).mkdir(parents=True)
    (folder / "sources.list").write_text(f"deb [signed-by={KEYRING}] {_archive()} unstable main\n")
    configuration = folder / "apt.conf"
    configuration.write_text(
        f'Dir::State "{folder}/state";\nDir::State::status "/dev/null";\nDir::Cache "{folder}/cache";\n'
        f'Dir::Cache::archives "{folder}/debs";\nDir::Etc::sourcelist "{folder}/sources.list";\n'
        'Dir::Etc::sourceparts "-";\nDir::Etc::preferencesparts "-";\nAcquire::Languages "none";\nDebug::NoLocking "1";\n'
    )
    install = ("install", "-qq", "-y", "--download-only", "--no-install-recommends", *packages)
    _run("apt-get", "update", "-qq", APT_CONFIG=str(configuration))
    _run("apt-get", *install, APT_CONFIG=str(configuration))
    for package in (folder / "debs").glob("*.deb"):
        _run("dpkg-deb", "-x", str(package), str(root))
    for name in ("state", "cache", "debs"):
        shutil.rmtree(folder / name)
    return root


def loader_of(root: Path) -> Path:
    """What starts programs of the packages in `root`, with the C library beside it. Raises `NotToBeHad`."""
    loader = next(root.glob("usr/lib/*/ld-linux-*.so*"), None)
    if loader is None:
        raise NotToBeHad("Debian's C library brought no loader")
    return loader


def _archive() -> str:
    """Where this machine has its own packages from."""
    asked = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"],
        capture_output=True,
        text=True,
        timeout=_DEADLINE_S,
        check=True,
    )
    archives = {line.rstrip("/") for line in asked.stdout.split()}
    for archive in sorted(archives):
        if archive.endswith("/debian"):
            return archive
    raise NotToBeHad("this machine's packages are not Debian's")


def _run(*command: str, **environment: str) -> None:
    subprocess.run(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=_DEADLINE_S,
        check=True,
    )
