"""What there is to buy."""

from html import escape
from itertools import product

COLOURS = ("amber", "black", "green", "ivory", "ochre", "white")
THINGS = ("armchair", "bookshelf", "desk lamp", "footstool", "mirror", "rug", "sideboard", "table")
PRODUCTS = [f"{colour} {thing} <{size}>" for colour, thing, size in product(COLOURS, THINGS, "SML")]
PAGE_SIZE = 24


def page(number):
    first = number * PAGE_SIZE % len(PRODUCTS)
    return PRODUCTS[first : first + PAGE_SIZE]


def card(name):
    lines = [f"<li class='{escape(part)}'>{escape(name)}</li>" for part in name.split()]
    stars = sum(number * number % 7 for number in range(400))
    return f"<ul data-stars='{stars}'>{''.join(lines)}</ul>"
