# code of many kinds, each working equally long, in turn, until a line comes: kinds.py SECONDS (of each)
import asyncio, cProfile, dataclasses, functools, re, select, sys, threading, time

sys.setrecursionlimit(3000)
clock = time.thread_time


def spin(end):
    while clock() < end:
        sum(range(100))


def by_generator(end):
    def numbers():
        while clock() < end:
            yield sum(range(100))
    for _ in numbers(): pass


def by_async_generator(end):
    async def numbers():
        while clock() < end:
            yield sum(range(100))
    async def consume():
        async for _ in numbers(): pass
    asyncio.run(consume())


def by_callback(end):
    def key(_):
        spin(min(end, clock() + 0.001))
        return 0
    while clock() < end:
        sorted("abcdefgh", key=key)
        re.sub("a", lambda found: str(key(found)), "aaaa")


def by_recursion(end, depth=900):
    if depth: return by_recursion(end, depth - 1)
    spin(end)


def decorated(function):
    @functools.wraps(function)
    def wrapper(*args): return function(*args)
    return wrapper


@decorated
def by_decorated(end): spin(end)


@dataclasses.dataclass(order=True)
class Slow:
    value: object


class Value:
    def __init__(self, end): self.end = end
    def __eq__(self, other):
        spin(min(self.end, clock() + 0.001))
        return True


def by_dataclass(end):
    a, b = Slow(Value(end)), Slow(Value(end))
    while clock() < end: a == b


def by_lambda(end):
    (lambda end: spin(end))(end)


def by_exec(end):
    number = 0
    while clock() < end:
        number += 1
        names = {"spin": spin, "end": min(end, clock() + 0.004)}
        exec(compile(f"def made_{number % 7}(): spin(end)\nmade_{number % 7}()", f"<made {number % 7}>", "exec"), names)


def by_profiled(end):
    if sys.version_info >= (3, 12): return spin(end)
    profile = cProfile.Profile()
    profile.enable()
    spin(end)
    profile.disable()


def by_context(end):
    import contextlib
    @contextlib.contextmanager
    def around():
        spin(clock() + (end - clock()) / 2)
        yield
        spin(end)
    with around(): pass


def by_thread(end):
    def work(): spin(clock() + seconds)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


KINDS = [value for name, value in list(globals().items()) if name.startswith("by_")]
seconds = float(sys.argv[1])
while not select.select([sys.stdin], [], [], 0)[0]:
    for kind in KINDS: kind(clock() + seconds)
