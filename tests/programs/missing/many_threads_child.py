"""A server with N waiting threads starts a Python child, which uses two seconds of CPU time: many_threads_child.py N [PYTHON]"""

import subprocess
import sys
import threading
import time

CHILD = "import time\ndef work(s):\n    t = time.thread_time()\n    while time.thread_time() - t < s:\n        for _ in range(1000): pass\nwork(2)\n"
stop = threading.Event()
threading.stack_size(256 * 1024)
for _ in range(int(sys.argv[1])):
    threading.Thread(target=stop.wait, daemon=True).start()
time.sleep(1)
subprocess.run([sys.argv[2] if len(sys.argv) > 2 else sys.executable, "-c", CHILD], check=True)
