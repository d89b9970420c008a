# coroutines and asynchronous generators that take turns each microsecond, below an event loop: awaits.py SECONDS
import asyncio, sys, time

async def leaf(n):
    total = 0
    for i in range(n): total += i
    return total

async def middle(n):
    return await leaf(n) + await leaf(n // 2)

async def worker():
    for _ in range(300):
        await middle(12)
        await asyncio.sleep(0)

async def numbers(n):
    for i in range(n):
        yield i
        if i % 7 == 0: await asyncio.sleep(0)

async def doubled(n):
    async for value in numbers(n): yield value * 2

async def reader():
    for _ in range(30):
        total = 0
        async for value in doubled(30): total += value
        total += sum([value async for value in numbers(20)])

async def main(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        await asyncio.gather(*[worker() for _ in range(5)])
        await asyncio.gather(*[reader() for _ in range(5)])

asyncio.run(main(float(sys.argv[1])))
