#!/usr/bin/env bash
# watchfiles 1.3.0 (Linux): a file saved by os.replace, as editors and atomic writers do, is "added" and never "modified".
#
# Expected: the file was there before and has other contents now: Change.modified. A reloader that looks for modified files reloads.
# Happens:  a rename onto the file is reported as Change.added of it. Change.modified comes for less: for a chmod that leaves the contents alone.
# Seen (CPython 3.11.7): "replaced: added", "chmod: modified"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target packages watchfiles==1.3.0 >log 2>&1 || { cat log; exit 2; }
cat >program.py <<'P'
import os
from pathlib import Path

from watchfiles import watch

folder, beside = Path("watched"), Path("beside")
folder.mkdir()
beside.mkdir()
file = folder / "a.py"
file.write_text("a = 1\n")


def replaced():
    (beside / "a.py").write_text("a = 2\n")
    os.replace(beside / "a.py", file)


def chmod():
    file.chmod(0o600)


seen = {}
steps = [replaced, chmod]
doing = None
for changes in watch(folder, yield_on_timeout=True, rust_timeout=1500):
    if changes:
        seen.setdefault(doing, set()).update(change.name for change, path in changes if Path(path).name == "a.py")
    elif steps:
        doing = steps[0].__name__
        steps.pop(0)()
    else:
        break
for step, names in seen.items():
    print(f"{step}: {' '.join(sorted(names))}")
raise SystemExit(0 if seen == {"replaced": {"added"}, "chmod": {"modified"}} else 1)
P
PYTHONPATH=packages python3 program.py
