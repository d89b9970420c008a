"""Runs a command in a session of its own until it ends, or until file `end` is there: `python whole.py COMMAND …`.

Writes to file `used` what the kernel charged to it and to all that it waited for, in seconds. WHOLE_ENVIRONMENT has more variables for it.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
# What its parents leave behind is waited for here.
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
variables = {**os.environ, **json.loads(os.environ.pop("WHOLE_ENVIRONMENT", "{}"))}
process = subprocess.Popen(sys.argv[1:], start_new_session=True, env=variables)
ended_s = None
while process.poll() is None:
    time.sleep(0.05)
    if ended_s is None and os.path.exists("end"):
        ended_s = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
    elif ended_s is not None and time.monotonic() - ended_s > 10:
        os.killpg(process.pid, signal.SIGKILL)
ends_s = time.monotonic() + 10
with contextlib.suppress(ChildProcessError):
    while time.monotonic() < ends_s:
        if os.waitpid(-1, os.WNOHANG)[0] == 0:
            time.sleep(0.05)
parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
with open("used", "w") as file:
    json.dump({"cpu_s": sum(part.ru_utime + part.ru_stime for part in parts), "status": process.returncode}, file)
