# greenlets that take turns every ten microseconds, each with a stack of its own: greenlets.py SECONDS
import sys, time

from greenlet import getcurrent, greenlet


def spin(n):
    total = 0
    for i in range(n): total += i
    return total


def short_work(n): return spin(n) + spin(n)


def squares(n):
    total = 0
    for i in range(n): total ^= i * i
    return total


def deep(depth, n): return deep(depth - 1, n) if depth else squares(n)


def rest(): hub.switch()


def shorter(end):
    while time.thread_time() < end:
        short_work(30); rest()


def longer(end):
    while time.thread_time() < end:
        deep(12, 150); rest()


hub = getcurrent()
end = time.thread_time() + float(sys.argv[1])
greenlets = [greenlet(work) for work in (shorter, longer) for _ in range(30)]
while greenlets:
    for each in greenlets: each.switch(end)
    greenlets = [each for each in greenlets if not each.dead]
