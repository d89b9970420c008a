"""What a source file holds, counted: lines, functions, classes, imports, and how complex the functions are."""

from __future__ import annotations

import json
import subprocess
import sys
from bisect import bisect_right
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import PurePath

    from ..settings import Language

MAX_TIME_S = 5
MAX_MEMORY_BYTES = 512 << 20
"""What the analysis of one file may take. 4 MB of source take about 1 s and 200 MB."""


class FunctionSpan(NamedTuple):
    """A function of a source file, and where it stands."""

    name: str
    """As the language's own profiles and stack traces name it, as far as the source tells: Python `Class.method` and
    `outer.<locals>.inner`, JavaScript `Class.method`, Java `Outer.Inner.method`, Go `(*T).Method` and `main.func1`;
    `(anonymous) app.js:12` where it has no name."""
    line: int
    """Where its name stands, or where it begins if it has none, from 1."""
    end_line: int
    """Its last line."""
    complexity: int
    """Cyclomatic complexity; see `StaticAnalysis`."""


@dataclass(frozen=True, slots=True)
class StaticAnalysis:
    """The counts of one source file.

    Complexity is McCabe's cyclomatic number (T. J. McCabe, "A Complexity Measure", IEEE Transactions on Software Engineering
    SE-2(4), 1976), by his shortcut for structured programs: one more than the decisions a function takes. What a decision
    is follows the token rules of lizard (github.com/terryyin/lizard, 1.24), so that its figures and these can be compared:

    - all languages: `if`, `for`, `while`, each `case`, and each short-circuit `&&` and `||` (Python's `and` and `or`)
    - Python: also `elif`, `except`, `finally`, and each `if` and `for` of a comprehension
    - JavaScript, TypeScript: also `catch`, `?:`, `??`, `&&=`, `||=`, `??=`, and each default value of a parameter or of
      a destructured name
    - Java: also `catch` and `?:`

    `else`, `default`, `try`, `with`, `assert` and `?.` are none. A decision counts for the innermost function around it.
    """

    file_size_bytes: int
    line_count: int
    function_count: int
    """Functions with a body: Python's `def`s; JavaScript's functions, arrow functions, methods and accessors; Java's methods
    and constructors; Go's functions, methods and function literals. Python's and Java's lambdas are part of the function
    around them."""
    class_count: int
    """Python, JavaScript and TypeScript classes; Java classes, interfaces, enums, records and annotations, anonymous
    classes left out; Go's defined types (`type T …`), any of which can have methods."""
    import_count: int
    """Modules asked for, each time. Python's `import a, b` are two, `from a import b, c` is one; for JavaScript `require`,
    `import()` and `export … from` count too."""
    complexity_score: int
    """The sum of the functions' complexity, as McCabe has it for several functions, and of the decisions outside of them."""
    functions: tuple[FunctionSpan, ...] = ()
    """By line, and of those that begin in one line the longest first."""
    _around: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """For each function the index of the innermost one around it, or -1."""

    def __post_init__(self) -> None:
        around: list[int] = []
        for index, function in enumerate(self.functions):
            outer = index - 1
            while outer >= 0 and self.functions[outer].end_line < function.line:
                outer = around[outer]
            around.append(outer)
        object.__setattr__(self, "_around", tuple(around))


def enclosing_function(analysis: StaticAnalysis, line: int) -> FunctionSpan | None:
    """The innermost function that `line` lies in; the later one where two share the line."""
    index = bisect_right(analysis.functions, line, key=attrgetter("line")) - 1
    while index >= 0 and analysis.functions[index].end_line < line:
        index = analysis._around[index]  # noqa: SLF001 - kept there to be computed once
    return analysis.functions[index] if index >= 0 else None


def analyse(source: bytes, file: PurePath | str, language: Language) -> StaticAnalysis | None:
    """The counts of `source`, which need not be correct: what stands outside of the broken parts counts.

    `file` tells the grammar by its ending, `language` where the ending does not. None where the parser cannot cope.
    Blocks for as long as a process takes to start, about 0.1 s, and for 0.1 s per 15,000 lines.

    The parser has a process of its own, because on some inputs (1 MB of `a<ba<b…` as Java) it takes all memory or crashes,
    and because it holds the interpreter's lock throughout.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", f"{__package__}.syntax", str(file), language],
            input=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            timeout=MAX_TIME_S,
            check=True,
        )
        counts = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    functions = tuple(FunctionSpan(*function) for function in counts.pop("functions"))
    return StaticAnalysis(functions=functions, **counts)
