"""Ends, or goes on, in the way its argument names (one of the functions below). Python 3.8 and newer."""

import ctypes
import os
import sys
import time


def burn(cpu_seconds):
    until = time.process_time() + cpu_seconds
    while time.process_time() < until:
        pass


def toil():
    burn(30)


def quick():
    pass


def idle():
    print("idle", flush=True)
    sys.stdin.readline()


def blink():
    """Works for a moment whenever a line comes, and waits for the next."""
    for _ in sys.stdin:
        burn(0.1)
        print("done", flush=True)


def exec_other():
    burn(0.2)
    os.execv("/bin/sh", ["sh", "-c", "read line"])


def exec_python():
    burn(0.2)
    os.execv(sys.executable, [sys.executable, __file__, "after"])


def after():
    print("again", flush=True)
    burn(0.7)


def forks():
    """Leaves its work to twenty children, which outlive it if nobody waits for them."""
    children = []
    for _ in range(20):
        child = os.fork()
        if not child:
            burn(0.1)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def closes():
    """Makes its memory unreadable for all but root's equals."""
    pr_set_dumpable = 4
    ctypes.CDLL(None).prctl(pr_set_dumpable, 0)
    print("closed", flush=True)
    burn(0.7)


if __name__ == "__main__":
    globals()[sys.argv[1].replace("-", "_")]()
    sys.exit(7)
