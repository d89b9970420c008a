# short generators in each other: squares is called by more, that by through; and by loop itself: inner_generators.py SECONDS
import sys, time

def squares(n):
    for i in range(n): yield i * i

def more(n):
    for value in squares(n): yield value + 1

def through(n):
    yield from more(n)

def loop(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        for _ in range(200):
            for value in through(40): value + 1
            for value in squares(20): value + 1

loop(float(sys.argv[1]))
