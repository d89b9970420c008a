"""Spends its time in functions of every kind of name, one after the other, each named on stdout first. Python 3.8 and newer."""

import time


def burn():
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        sum(i * i for i in range(100))


class Shop:
    def method(self):
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            pass

    @staticmethod
    def static():
        def inner():
            until = time.monotonic() + 0.3
            while time.monotonic() < until:
                pass

        inner()


Shop().method()
Shop.static()
burn()
exec(compile("import time\nuntil = time.monotonic() + 0.3\nwhile time.monotonic() < until: pass", "<made up>", "exec"))
