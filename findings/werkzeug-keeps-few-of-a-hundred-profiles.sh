#!/usr/bin/env bash
# Werkzeug 3.1.9 (Flask's server side), ProfilerMiddleware(profile_dir=...): "one file per request" is one file per route, millisecond and second; the others are overwritten.
#
# Expected: a hundred requests leave a hundred files, as the documentation says; and the file of one path is not that of another.
# Happens:  the name is made of method, path, whole milliseconds and the second: GET.orders.0ms.1796078330.prof. Requests of a route that take alike long within a second write to one file, each over the last, without a word: of a load
#           test nearly all is lost, evenly, so that nothing looks missing, and sums over the folder are a few per cent of the truth. A "/" becomes a ".", and the query is not in the name: /a/b and /a.b are one, /orders?x=1 and ?x=2
#           too. A filename_format of one's own, with a counter, keeps all.
# Seen (CPython 3.11.7):
#   "100 requests of /orders: 1 file, with 1 call of the application; /a/b, /a.b, /c?x=1, /c?x=2: 2 files" (one or two more where another second or millisecond begins)
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target wheels werkzeug==3.1.9 >log 2>&1 || { cat log; exit 2; }
cat >serve.py <<'P'
import os
import pstats
import sys

from werkzeug.middleware.profiler import ProfilerMiddleware
from werkzeug.test import Client


def application(environ, start_response):
    start_response("200 OK", [])
    return [b"done"]


def after(folder, *paths):
    os.mkdir(folder)
    client = Client(ProfilerMiddleware(application, stream=None, profile_dir=folder))
    for path in paths:
        client.get(path)
    files = [os.path.join(folder, name) for name in os.listdir(folder)]
    return len(files), sum(calls for file in files for (_, _, name), (calls, *_) in pstats.Stats(file).stats.items() if name == "application")


files, calls = after("orders", *["/orders"] * 100)
others, _ = after("others", "/a/b", "/a.b", "/c?x=1", "/c?x=2")
print(f"100 requests of /orders: {files} file{'s' if files > 1 else ''}, with {calls} call{'s' if calls > 1 else ''} of the application; /a/b, /a.b, /c?x=1, /c?x=2: {others} files")
sys.exit(0 if files < 50 and calls == files and others < 4 else 1)
P
PYTHONPATH=wheels python3 serve.py
