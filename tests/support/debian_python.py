"""CPython 3.14 and 3.15 from Debian's unstable packages, unpacked into a folder: no installation, no root, any glibc."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.debian import NotToBeHad, loader_of, unpack

_TOOLCHAINS = Path(__file__).resolve().parents[2] / ".toolchains"


def debian_python(version: str) -> Path:
    """A command that runs Python `version`; brought the first time, which takes some 10 s. Raises `NotToBeHad`."""
    folder = _TOOLCHAINS / f"debian-python{version}"
    command = folder / f"python{version}"
    if command.exists():
        return command
    packages = [f"python{version}-minimal", f"libpython{version}-minimal", f"libpython{version}-stdlib"]
    making = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        loader = loader_of(unpack(making, f"Python {version}", *packages))
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
