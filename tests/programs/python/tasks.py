"""Tasks that wait, each in a way of its own, until `go` is read; `python tasks.py IDLERS`: so many that wait for a queue."""

import asyncio
import sys
import threading
import time


async def deep(levels, event):
    if levels:
        return await deep(levels - 1, event)
    return await event.wait()


async def numbers(event):
    yield 1
    await event.wait()
    yield 2


async def count(event):
    return [number async for number in numbers(event)]


class Order:
    def __init__(self, event):
        self.event = event

    def __await__(self):
        return (yield from self.event.wait().__await__())


async def order(event):
    await Order(event)


async def idler(queue):
    await queue.get()


async def crew(event):
    async with asyncio.TaskGroup() as group:
        group.create_task(deep(3, event), name="deep-3")
        group.create_task(count(event))


async def busy(event):
    while not event.is_set():
        ends = time.perf_counter() + 0.02
        while time.perf_counter() < ends:
            pass
        await asyncio.sleep(0.02)


async def main():
    event, queue = asyncio.Event(), asyncio.Queue()
    idlers = [asyncio.create_task(idler(queue), name=f"idler-{number}") for number in range(int(sys.argv[1]))]
    tasks = [asyncio.create_task(each) for each in (crew(event), order(event))]
    tasks.append(asyncio.create_task(busy(event), name="busy bee"))
    print("ready", flush=True)
    threading.Thread(target=await_word, args=(asyncio.get_running_loop(), event), daemon=True).start()
    await asyncio.gather(*tasks)
    for each in idlers:
        each.cancel()


def await_word(loop, event):
    sys.stdin.readline()
    loop.call_soon_threadsafe(event.set)


asyncio.run(main())
