#!/usr/bin/env python3
"""A docstring with if, for and while in it."""

from __future__ import annotations

import json, os.path as path
from collections.abc import (
    Iterable,
)


class Shop:
    limit = 3 if path.sep == "/" else 4  # outside of all functions

    def __init__(self, goods: Iterable[str] = (), open=True and not False) -> None:
        self.goods = [good for good in goods if good] or None

    @property
    @staticmethod
    def total():
        try:
            return 1
        except (ValueError, KeyError):
            return 2
        finally:
            pass

    async def serve(self):
        async for customer in self:
            def pay(amount):
                return amount and amount > 0 and customer

            class Receipt:
                def print(self): return json.dumps({})
            pay(lambda x: x if x else None)
        else:
            assert self
        match self:
            case 1 | 2 if self.goods:
                pass
            case _:
                pass


def outer():
    return f"{1 if path else 2}"


while outer():
    break
