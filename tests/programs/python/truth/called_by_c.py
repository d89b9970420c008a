"""Half of the time in a loop that stays where it is, half in functions that C code calls, each time from another depth of the C stack."""

import json
import random
import sys
import time
from functools import reduce

spent = {"steady": 0.0, "through": 0.0}


def leaf(x):
    total = 0
    for i in range(12):
        total += x * i
    return total


def step(depth, _):
    return max([depth, 1], key=lambda value: through(value - 1)) if depth > 1 else leaf(depth)


def through(depth):
    return reduce(step, (depth, None))


def steady(rounds):
    total = 0
    for i in range(rounds):
        total += i
    return total


def main(seconds):
    chance = random.Random(1)
    end = time.thread_time() + seconds
    while (began := time.thread_time()) < end:
        for _ in range(20):
            through(chance.randrange(1, 7))
        between = time.thread_time()
        steady(max(100, int((between - began) * 2e7)))
        spent["through"] += between - began
        spent["steady"] += time.thread_time() - between


main(float(sys.argv[1]))
print(json.dumps(spent))
