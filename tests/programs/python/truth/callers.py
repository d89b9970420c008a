# callers that have gone by the time they are read: an exception passes through twenty of them: callers.py SECONDS
import sys, time


def spin(n):
    total = 0
    for i in range(n): total += i
    return total


def thrower(n):
    if n == 0: raise ValueError
    return thrower(n - 1) + 1


def catcher():
    try: thrower(20)
    except ValueError: return spin(10)
    finally: spin(3)


end = time.thread_time() + float(sys.argv[1])
while time.thread_time() < end: catcher()
