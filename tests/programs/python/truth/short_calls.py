# callers and callees of tenths of a microsecond, in turn, each with the same body: short_calls.py SECONDS (of each way of calling)
import sys, time

clock = time.thread_time
BODY = "; ".join(["a = 3; b = 5; c = a * b; a = b + c; b = c - a; c = a * 7; a = b + 1; b = c & 255; c = a | b; a = c + b; b = a - c"] * 2)
SOURCE = '''
def callee(_=0):
    BODY
def numbers():
    while True:
        BODY
        yield 1
class Item:
    @property
    def part(self):
        BODY
    def __getitem__(self, _):
        BODY
def by_call(end):
    while clock() < end:
        for _ in range(1000):
            callee()
            BODY
def by_c(end):
    while clock() < end:
        for _ in map(callee, range(1000)):
            BODY
def by_generator(end):
    found = numbers()
    while clock() < end:
        for _, _ in zip(range(1000), found):
            BODY
def by_property(end):
    item = Item()
    while clock() < end:
        for _ in range(1000):
            item.part
            BODY
def by_method(end):
    item = Item()
    while clock() < end:
        for _ in range(1000):
            item[0]
            BODY
'''
names = {"clock": clock}
exec(compile(SOURCE.replace("BODY", BODY), "<short calls>", "exec"), names)
for name, way in list(names.items()):
    if name.startswith("by_"): way(clock() + float(sys.argv[1]))
