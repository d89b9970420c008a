"""Twelve short Python children, one after the other, of some 0.08 s of CPU time each."""

import subprocess
import sys

CHILD = "import os, asyncio, http.client, sqlite3, unittest.mock, json, decimal; os._exit(0)"
for _ in range(12):
    subprocess.run([sys.executable, "-S", "-c", CHILD], check=True)
