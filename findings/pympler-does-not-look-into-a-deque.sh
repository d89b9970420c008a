#!/usr/bin/env bash
# Pympler 1.1 (Python), asizeof(): a deque, a queue, a partial and a cached function are as small as if they were empty, whatever they hold.
#
# Expected: "the combined (basic and extended) size of an object" with all that it refers to, as for lists, dictionaries and sets, OrderedDict and objects with __slots__: a queue of a thousand messages of 1,000 bytes has a megabyte, wherever
#           it is an attribute of.
# Happens:  what the library has no rule for is taken for a thing without contents, and no rule is there for collections.deque, and so for queue.Queue and asyncio.Queue, nor for functools.partial and lru_cache. What one looks for by
#           such a tool, the buffer, backlog or cache that grows, is the one that does not show; the sizes of the objects that own it are wrong by as much. Nothing is said of types that were passed over.
# Seen (CPython 3.11.7; each holds a thousand bytearrays of 1,000 bytes):
#   "list 1.07 MB, dict 1.13 MB, OrderedDict 1.18 MB, deque 0.01 MB, queue.Queue 0.01 MB, partial 0.00 MB, lru_cache 0.00 MB"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheels pympler==1.1 >log 2>&1 || { cat log; exit 2; }
cat >size.py <<'P'
import collections
import functools
import queue
import sys

from pympler.asizeof import asizeof


@functools.lru_cache(None)
def cached(number):
    return bytearray(1000)


def messages():
    return [bytearray(1000) for _ in range(1000)]


waiting = queue.Queue()
for message in messages():
    waiting.put(message)
for number in range(1000):
    cached(number)
held = {
    "list": messages(),
    "dict": dict(enumerate(messages())),
    "OrderedDict": collections.OrderedDict(enumerate(messages())),
    "deque": collections.deque(messages()),
    "queue.Queue": waiting,
    "partial": functools.partial(print, messages()),
    "lru_cache": cached,
}
sizes = {name: asizeof(one) / 1e6 for name, one in held.items()}
print(", ".join(f"{name} {size:.2f} MB" for name, size in sizes.items()))
sys.exit(0 if all((size > 1) == (name in ("list", "dict", "OrderedDict")) and not 0.1 < size < 1 for name, size in sizes.items()) else 1)
P
PYTHONPATH=wheels python3 size.py
