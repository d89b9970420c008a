# hundreds of tasks that take turns every ten microseconds: turns.py SECONDS
import asyncio, sys, time


def spin(n):
    total = 0
    for i in range(n): total += i
    return total


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


asyncio.run(tasks(time.thread_time() + float(sys.argv[1])))
