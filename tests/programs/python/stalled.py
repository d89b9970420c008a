"""Makes something that it has in common with its profiler stand still, then works on: stalled.py WHAT SECONDS.

WHAT is stderr or stdout (whose pipe is filled), disk (a source file of a disk that hangs), proc (what /proc says of us, likewise) or
nothing. Ends with status 7, as on SIGTERM.
"""

import os
import signal
import subprocess
import sys
import time


def fill(descriptor):
    os.set_blocking(descriptor, False)
    for size in (4096, 100, 1):
        try:
            while True:
                os.write(descriptor, b"x" * (size - 1) + b"\n")
        except BlockingIOError:
            pass
    os.set_blocking(descriptor, True)


def work(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))
        time.sleep(0.01)


what, seconds = sys.argv[1], float(sys.argv[2])
signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
if what in ("stderr", "stdout"):
    fill({"stdout": 1, "stderr": 2}[what])
elif what == "disk":
    # Opening a pipe waits for who opens its other end: as a disk does that hangs.
    os.mkfifo("hangs.py")
    names = {"time": time}
    exec(compile("\n\ndef work(seconds):\n end = time.monotonic() + seconds\n while time.monotonic() < end: sum(range(1000))", os.path.abspath("hangs.py"), "exec"), names)
    work = names["work"]
elif what == "proc":
    os.mkfifo("maps")
    subprocess.run(["mount", "--bind", "maps", "/proc/%d/maps" % os.getpid()], check=True)
open("stalled", "w").close()
work(seconds)
os._exit(7)
