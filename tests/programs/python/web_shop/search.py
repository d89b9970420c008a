"""Finds products although the visitor mistyped them."""

import re


def best(query, products):
    wanted = tokens(query)
    ranked = sorted((score(wanted, tokens(name)), name) for name in products)
    return ranked[:10]


def tokens(text):
    return re.findall(r"[a-z]+", text.lower())


def score(wanted, words):
    # Every word of the query counts with the word that is nearest to it.
    return sum(min(distance(word, other) for other in words) for word in wanted)


def distance(left, right):
    """How many letters to change, add or leave out (Levenshtein)."""
    previous = list(range(len(right) + 1))
    for row, letter in enumerate(left, 1):
        current = [row]
        for column, other in enumerate(right, 1):
            change = previous[column - 1] + (letter != other)
            current.append(min(change, previous[column] + 1, current[-1] + 1))
        previous = current
    return previous[-1]
