"""CPython 3.14 and 3.15 from Debian's unstable packages, unpacked into a folder: no installation, no root, any glibc."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

_TOOLCHAINS = Path(__file__).resolve().parents[2] / ".toolchains"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_DEADLINE_S = 120


class NotToBeHad(Exception):
    """Why there is no such interpreter here, on one line."""


def debian_python(version: str) -> Path:
    """A command that runs Python `version`; brought the first time, which takes some 10 s. Raises `NotToBeHad`."""
    folder = _TOOLCHAINS / f"debian-python{version}"
    command = folder / f"python{version}"
    if command.exists():
        return command
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb") and _KEYRING.exists()):
        raise NotToBeHad(f"Python {version} is brought with Debian's apt, which is not here")
    making = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        _unpack(making, version)
        loader = next(making.glob("root/usr/lib/*/ld-linux-*.so*"), None)
        if loader is None:
            raise NotToBeHad("Debian's C library brought no loader")
        library, triplet = loader.name, loader.parent.name
        script = making / command.name
        # Wherever the folder is by then: several checkouts may share it.
        script.write_text(
            '#!/bin/sh\nroot=$(dirname "$(readlink -f "$0")")/root/usr\n'
            f'exec "$root/lib/{triplet}/{library}" --library-path "$root/lib/{triplet}" "$root/bin/python{version}" "$@"\n'
        )
        script.chmod(0o755)
        # Another test run may have been faster.
        if not folder.exists():
            making.rename(folder)
    except (subprocess.SubprocessError, OSError) as error:
        raise NotToBeHad(f"Python {version} could not be brought with apt: {error}") from None
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return command


def _unpack(folder: Path, version: str) -> None:
    for name in ("state/lists/partial", "cache/archives/partial", "debs/partial", "root"):
        (folder / name).mkdir(parents=True)
    (folder / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {_archive()} unstable main\n")
    configuration = folder / "apt.conf"
    configuration.write_text(
        f'Dir::State "{folder}/state";\nDir::State::status "/dev/null";\nDir::Cache "{folder}/cache";\n'
        f'Dir::Cache::archives "{folder}/debs";\nDir::Etc::sourcelist "{folder}/sources.list";\n'
        'Dir::Etc::sourceparts "-";\nDir::Etc::preferencesparts "-";\nAcquire::Languages "none";\nDebug::NoLocking "1";\n'
    )
    packages = [f"python{version}-minimal", f"libpython{version}-minimal", f"libpython{version}-stdlib"]
    _run("apt-get", "update", "-qq", APT_CONFIG=str(configuration))
    _run(
        "apt-get",
        "install",
        "-qq",
        "-y",
        "--download-only",
        "--no-install-recommends",
        *packages,
        APT_CONFIG=str(configuration),
    )
    for package in (folder / "debs").glob("*.deb"):
        _run("dpkg-deb", "-x", str(package), str(folder / "root"))
    for name in ("state", "cache", "debs"):
        shutil.rmtree(folder / name)


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
