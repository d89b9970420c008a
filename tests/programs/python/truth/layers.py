# short functions, one in the other, through C and back, as templates are rendered: layers.py SECONDS
import sys, time

class Text(str):
    def __new__(cls, value=""):
        if hasattr(value, "__html__"):
            value = value.__html__()
        return super().__new__(cls, value)
    def __html__(self):
        return self

def escape(value):
    if hasattr(value, "__html__"):
        return Text(value.__html__())
    return Text(str(value).replace("&", "&amp;").replace("<", "&lt;"))

class Kind:
    @classmethod
    def of(cls, value):
        if hasattr(value, "kind"):
            return value.kind

class Macro:
    def __init__(self, function):
        self.function = function
    def __call__(self, *values, **options):
        found = values[:1]
        if len(found) != 1 or options:
            raise TypeError
        return self.invoke(found)
    def invoke(self, values):
        return Text(self.function(*values))

class Context:
    def call(self, function, *values, **options):
        if hasattr(function, "__call__") and Kind.of(function.__call__) is not None:
            function = function.__call__
        if callable(function):
            kind = Kind.of(function)
            if kind is not None:
                values = (kind, *values)
        options.pop("_block", None)
        options.pop("_loop", None)
        return function(*values, **options)

def cell(value):
    return Text("".join(["<td>", escape(value), "</td>"]))

def block(context, rows):
    macro = Macro(cell)
    for row in rows:
        yield "<tr>"
        for value in row:
            yield escape(context.call(macro, value, _loop=1))
        yield "</tr>"

def root(context, rows):
    yield "<table>"
    yield from block(context, rows)
    yield "</table>"

def once(value):
    a = value * 3; b = a + 5; c = a * b; a = b + c; b = c - a; c = a * 7; a = b + 1
    yield a

def first(rows):
    for row in rows:
        for value in row:
            next(once(value))

rows = [[n * m for m in range(20)] for n in range(60)]
end = time.thread_time() + float(sys.argv[1])
while time.thread_time() < end:
    "".join(root(Context(), rows))
    for _ in range(4): first(rows)
