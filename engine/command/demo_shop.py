"""The program of `multi_lang_profiler demo`: a shop whose visitors first look around, then search, then buy."""

import hashlib
import os
import random
import signal
import sys
import threading
import time
from decimal import Decimal

PRODUCTS = [
    f"{colour} {thing}" for colour in ("amber", "green", "blue", "grey") for thing in ("desk", "lamp", "chair", "shelf")
]
STAGES = ((60, 2, 1), (8, 40, 1), (8, 4, 12))
"""How often a visitor looks at the catalogue, searches, and buys."""
STAGE_S = 12.0
BEGAN_S = time.monotonic()
random_source = random.Random(1)  # noqa: S311 - whom it should look like is a visitor


def distance(left: str, right: str) -> int:
    """How many letters must change (Levenshtein)."""
    row = list(range(len(right) + 1))
    for i, letter in enumerate(left, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(right, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (letter != other))
    return row[-1]


def search(query: str) -> str:
    return min(PRODUCTS, key=lambda product: distance(query, product))


def card(product: str) -> str:
    words = "".join(f"<b>{word.title()}</b> " for word in product.split())
    return f"<li>{words * 20}</li>"


def show_catalogue() -> str:
    return "\n".join(card(product) for _ in range(8) for product in PRODUCTS)


def total(items: int) -> Decimal:
    prices = (Decimal(100 + 7 * item) / 3 for item in range(items * 40))
    return sum(prices, Decimal(0)).quantize(Decimal("0.01"))


def sign(text: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", text.encode(), b"shop", 2_000).hex()


def check_out(items: int) -> str:
    return sign(f"{items} items: {total(items)} euros")


def visit(stage: int) -> None:
    looks, searches, buys = STAGES[stage]
    for _ in range(looks):
        show_catalogue()
    for _ in range(searches):
        search(random_source.choice(("amber dessk", "green shelv", "blu lmap")))
    for _ in range(buys):
        check_out(random_source.randint(1, 30))


def visitors(visits: list[int]) -> None:
    while True:
        stage = int((time.monotonic() - BEGAN_S) / STAGE_S) % len(STAGES)
        visit(stage)
        visits[stage] += 1
        time.sleep(random_source.uniform(0.02, 0.1))


def serve_while_watched() -> None:
    """A demo must not outlive whoever is looking, even if that was killed."""
    parent, visits = os.getppid(), [0] * len(STAGES)
    for number in range(2):
        threading.Thread(target=visitors, args=(visits,), name=f"visitors {number + 1}", daemon=True).start()
    while os.getppid() == parent:
        time.sleep(1.0)
        print(f"{visits[0]} looked around, {visits[1]} searched, {visits[2]} bought", flush=True)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    serve_while_watched()
