"""Prices and signatures."""

from decimal import Decimal
from hashlib import pbkdf2_hmac

RULES = [(number, Decimal(number) / 1000) for number in range(1, 40)]


def total(cart):
    return sum((price(name) for name in cart), Decimal(0))


def price(name):
    plain = Decimal(sum(map(ord, name))) / 10
    return min(discounted(plain, minimum, share) for minimum, share in RULES)


def discounted(plain, minimum, share):
    if plain < minimum:
        return plain
    return (plain * (1 - share)).quantize(Decimal("0.01"))


def sign(text):
    return pbkdf2_hmac("sha256", text.encode(), b"only for the example", 12_000).hex()
