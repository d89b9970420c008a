#!/usr/bin/env bash
# httpx 0.28.1: NO_PROXY=127.0.0.0/8 is read as a network, and then keeps one single address from the proxy: 127.0.0.0.
#
# Expected: the client looks for "/" in an entry of NO_PROXY, so it means networks, as curl (7.86 and later), Go and requests do.
# Happens:  the entry becomes the pattern "all://127.0.0.0/8"; of it only the host 127.0.0.0 is compared. 127.0.0.1 goes to the proxy, and a report meant for
#           a collector on the same machine leaves it.
# Seen (CPython 3.11.7): "NO_PROXY=127.0.0.1: server" and "NO_PROXY=127.0.0.0/8: proxy"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target packages httpx==0.28.1 >log 2>&1 || { cat log; exit 2; }
cat >program.py <<'P'
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx


def answering(name):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(name.encode())

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


server, proxy = answering("server"), answering("proxy")
for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[name]
os.environ["HTTP_PROXY"] = proxy
answers = {}
for hosts in ("127.0.0.1", "127.0.0.0/8"):
    os.environ["NO_PROXY"] = hosts
    answers[hosts] = httpx.get(server).text
    print(f"NO_PROXY={hosts}: {answers[hosts]}")
raise SystemExit(0 if answers == {"127.0.0.1": "server", "127.0.0.0/8": "proxy"} else 1)
P
PYTHONPATH=packages python3 program.py
