"""Spends its time in functions of every kind of name, in turn, until there is a line on stdin. Python 3.8 and newer."""

import sys
import threading
import time

BRIEFLY = 0.03
told = threading.Event()
MADE_UP = compile("until = time.monotonic() + BRIEFLY\nwhile time.monotonic() < until: pass", "<made up>", "exec")


def burn():
    until = time.monotonic() + BRIEFLY
    while time.monotonic() < until:
        sum(i * i for i in range(100))


class Shop:
    def method(self):
        until = time.monotonic() + BRIEFLY
        while time.monotonic() < until:
            pass

    @staticmethod
    def static():
        def inner():
            until = time.monotonic() + BRIEFLY
            while time.monotonic() < until:
                pass

        inner()


def listen():
    sys.stdin.readline()
    told.set()


threading.Thread(target=listen).start()
while not told.is_set():
    Shop().method()
    Shop.static()
    burn()
    exec(MADE_UP)
