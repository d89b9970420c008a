# callers that have gone by the time they are read: an exception passes through twenty of them; and coroutines of hundreds of tasks: callers.py SECONDS
import asyncio, sys, time


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


class Context:
    async def __aenter__(self): return spin(8)
    async def __aexit__(self, *_): spin(8)


async def inner(end):
    while time.thread_time() < end:
        spin(10)
        async with Context(): spin(3)
        await asyncio.sleep(0)


async def middle(end): await inner(end)


async def task(end): await middle(end)


async def tasks(end):
    await asyncio.gather(*[task(end) for _ in range(300)])


seconds = float(sys.argv[1]) / 2
end = time.thread_time() + seconds
while time.thread_time() < end: catcher()
asyncio.run(tasks(end + seconds))
