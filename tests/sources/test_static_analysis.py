"""What is counted in source files, in correct ones of each language and in broken ones."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from textwrap import dedent
from typing import TYPE_CHECKING

import lizard
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_lang_profiler.engine.settings import Language
from multi_lang_profiler.engine.sources import static_analysis
from multi_lang_profiler.engine.sources.static_analysis import FunctionSpan, StaticAnalysis, analyse, enclosing_function
from multi_lang_profiler.engine.sources.syntax import measure
from tests.support.corpora import PROGRAMS, corpus, own_counts

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {
    "shop.py": (
        Language.PYTHON,
        StaticAnalysis(1101, 50, 6, 2, 4, 22),
        """
        15-16 5 Shop.__init__
        20-26 3 Shop.total
        28-42 6 Shop.serve
        30-31 3 Shop.serve.<locals>.pay
        34-34 1 Shop.serve.<locals>.Receipt.print
        45-46 2 outer
        """,
    ),
    "shop.js": (
        Language.JAVASCRIPT,
        StaticAnalysis(956, 32, 14, 2, 4, 30),
        """
        4-4 1 lazy
        10-10 6 Shop.onSale
        11-11 1 Shop.constructor
        11-11 2 Shop.sell
        12-12 2 Shop.total
        13-13 2 Shop.stream
        14-14 1 Shop.['computed' + 1]
        17-17 1 Old
        17-17 1 Old.age
        18-18 4 Old.grow
        20-26 4 (anonymous) shop.js:20
        28-30 2 (anonymous) shop.js:28
        31-31 1 Anonymous.run
        32-32 1 (anonymous) shop.js:32
        """,
    ),
    "shop.ts": (
        Language.TYPESCRIPT,
        StaticAnalysis(818, 25, 6, 1, 2, 13),
        """
        10-10 2 Shop.sold
        11-11 2 Shop.constructor
        14-14 2 Shop.price
        18-18 2 visit
        22-24 3 sum
        25-25 2 default
        """,
    ),
    "Shop.java": (
        Language.JAVA,
        StaticAnalysis(1511, 50, 9, 6, 2, 24),
        """
        13-13 3 Shop$1.run
        18-18 1 Shop.<init>
        24-24 1 Shop.<init>
        27-27 3 Shop.Good.<init>
        31-31 1 Shop.Size$1.rank
        32-32 1 Shop.Size.rank
        35-35 1 Shop.Visitor.done
        37-49 7 Shop.sell
        38-38 2 Shop$1Receipt.print
        """,
    ),
    "shop.go": (
        Language.GO,
        StaticAnalysis(989, 65, 8, 4, 3, 19),
        """
        18-18 2 init.func1
        21-40 4 (*Shop).Sell
        22-28 1 (*Shop).Sell.func1
        23-27 3 (*Shop).Sell.func1.1
        42-42 1 Price.Visit
        44-48 2 List[...].Each
        50-50 1 Map[...]
        54-65 5 main
        """,
    ),
}
"""Counted by hand. For each function: first and last line, complexity, name."""

LANGUAGES = [language for language, _, _ in EXPECTED.values()]
LINES_APART = 2
"""lizard takes some functions to begin where their body does."""


@pytest.mark.parametrize("name", EXPECTED)
def test_counts_by_hand(name):
    """Each language's functions, classes, imports and decisions are counted as the definitions say, wherever they stand."""
    language, counts, functions = EXPECTED[name]
    analysis = analyse((PROGRAMS / name).read_bytes(), PROGRAMS / name, language)
    assert analysis
    assert [_line(function) for function in analysis.functions] == dedent(functions).strip().splitlines()
    assert _counts(analysis) == _counts(counts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_counts_as_the_languages_own_parser_and_as_lizard(language, tmp_path):
    """On code that nobody here wrote, each language's own parser counts the same, and lizard the same on 95% of functions.

    lizard reads tokens, not syntax, and in some files loses its way: of Java it leaves out what follows an annotated variable,
    of TypeScript what follows some arrow functions, and it takes overloads for functions. The files in which it does not find
    as many functions as the language's own parser does are not compared. In the others it differs where it counts `.catch()`,
    ends a function early whose types or defaults run over several lines, or gives a Go function without a body the next one's.
    """
    files = corpus(language)
    compared = same = total = 0
    for path, own in zip(files, own_counts(language, files, tmp_path), strict=True):
        analysis = measure(path.read_bytes(), path, language)
        functions = [(function.line, function.complexity) for function in analysis.functions]
        assert (path, analysis.class_count, analysis.import_count) == (path, own.classes, own.imports)
        assert (path, sorted(functions)) == (path, sorted(own.functions.elements()))
        total += len(functions)
        theirs = _lizard(path)
        if len(theirs) == len(functions):
            compared += len(functions)
            same += _agreeing(functions, theirs)
    assert total >= 150
    assert compared >= total / 2
    assert same >= 0.95 * compared


@pytest.mark.parametrize("language", LANGUAGES)
def test_source_cut_off_anywhere_keeps_the_functions_before(language):
    """However a file ends, the functions that end before are counted."""
    path = max(corpus(language)[:40], key=lambda path: path.stat().st_size)
    source = path.read_bytes()[:40_000]
    whole = measure(source, path, language)
    assert whole.function_count > 10
    for end in range(0, len(source), len(source) // 40):
        cut = measure(source[:end], path, language)
        last_line = source[:end].count(b"\n") + 1
        before = [(f.line, f.end_line) for f in whole.functions if f.end_line < last_line]
        found = {(f.line, f.end_line) for f in cut.functions}
        assert [span for span in before if span not in found] == [], f"{path} cut at {end}"


WORDS = re.findall(r"\S+|\s", "def f(x): class if func for function { } ( ) ; : = => ? ' \" ` / \0 é \xff \n\t")


@pytest.mark.parametrize("language", LANGUAGES)
@given(st.binary(max_size=300) | st.lists(st.sampled_from(WORDS)).map(lambda words: "".join(words).encode("latin-1")))
def test_any_bytes_are_counted(language, source):
    """No sequence of bytes makes the analysis fail, and its counts stay consistent."""
    analysis = measure(source, "any", language)
    assert analysis.file_size_bytes == len(source)
    assert analysis.function_count == len(analysis.functions)
    assert analysis.complexity_score >= sum(function.complexity for function in analysis.functions)
    for function in analysis.functions:
        assert 1 <= function.line <= function.end_line <= analysis.line_count


@pytest.mark.parametrize(
    ("language", "source"),
    [
        (Language.PYTHON, "# é\ndef café(x):\n    return 'é' if x else 2\n"),
        (Language.JAVASCRIPT, "// é\nfunction café(x) {\n  return x ? 'é' : 2;\n}\n"),
        (Language.TYPESCRIPT, "// é\nfunction café(x: any) {\n  return x ? 'é' : 2;\n}\n"),
        (Language.JAVA, '// é\nclass A {\n  String café(int x) {\n    return x > 1 ? "é" : null; } }\n'),
        (Language.GO, '// é\npackage main\nfunc café(x string) {\n  if x == "é" {}\n}\n'),
    ],
    ids=lambda value: value if isinstance(value, Language) else "",
)
def test_encodings_and_line_ends(language, source):
    """Byte order mark, CRLF, Latin-1, NUL and a missing last line end change nothing but the size."""
    plain = measure(source.encode(), "a", language)
    assert [(f.name.rpartition(".")[2], f.complexity) for f in plain.functions] == [("café", 2)]
    for changed in (
        b"\xef\xbb\xbf" + source.encode(),
        source.replace("\n", "\r\n").encode(),
        source.encode("latin-1"),
        source.replace("\n", "\0\n", 1).encode(),
        source.rstrip("\n").encode(),
    ):
        analysis = measure(changed, "a", language)
        assert (_counts(analysis)[1:], analysis.functions) == (_counts(plain)[1:], plain.functions), changed


def test_an_empty_file_holds_nothing():
    """Of an empty file every count is 0."""
    assert measure(b"", "empty.py", Language.PYTHON) == StaticAnalysis(0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("a.ts", "const f = (x: object) => <any>x || 1;"),
        ("a.mts", "const f = (x: object) => <any>x || 1;"),
        ("a.tsx", "const f = (x: object) => <p class='if'>{x && 1}</p>;"),
        ("a.jsx", "const f = (x) => <p class='if'>{x && 1}</p>;"),
        ("A.JS", "const f = (x) => <p class='if'>{x && 1}</p>;"),
        ("a.py", "def f(x): return x and 1"),
        ("a", "const f = (x: object) => <any>x || 1;"),
    ],
)
def test_the_ending_decides_the_grammar(file, source):
    """A file is read by the grammar of its ending, whatever the run's language; without one by the language's."""
    (function,) = measure(source.encode(), file, Language.TYPESCRIPT).functions
    assert (function.name, function.complexity) == ("f", 2)


@pytest.mark.parametrize(
    ("language", "source"),
    [(Language.JAVA, b"a<b" * 300_000), (Language.TYPESCRIPT, b'"' * 1_000_000)],
    ids=["takes all memory", "takes all time"],
)
def test_what_the_parser_cannot_cope_with_ends_nothing_here(language, source, monkeypatch):
    """Input on which the parser takes all memory or time gives None, in bounded time and with this process unharmed."""
    monkeypatch.setattr(static_analysis, "MAX_TIME_S", 2)
    assert analyse(source, "a", language) is None


def test_the_parser_is_not_loaded_here():
    """The process that asks for an analysis, the agent, never loads tree-sitter."""
    program = """
import sys
from multi_lang_profiler.engine.sources import static_analysis
from multi_lang_profiler.engine.settings import Language
from multi_lang_profiler.engine.sources.static_analysis import analyse
assert analyse(b"def f(): pass", "f.py", Language.PYTHON).function_count == 1
assert not any(name.startswith("tree_sitter") for name in sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize("language", LANGUAGES)
def test_time_grows_with_the_size_alone(language):
    """Eight times the source takes about eight times the CPU, not 64 times."""
    source = b""
    for path in corpus(language):
        source += path.read_bytes() + b"\n" if len(source) < 100_000 else b""
    assert _cpu_s(source * 8, language) < 24 * _cpu_s(source, language)


@given(st.data())
def test_enclosing_function_is_the_innermost(data):
    """For every line the function found is the shortest of those around it, and None where there is none."""
    functions = tuple(
        sorted((FunctionSpan("f", *span, 1) for span in _nested(data, 1, 40)), key=lambda f: (f.line, -f.end_line))
    )
    analysis = StaticAnalysis(0, 40, len(functions), 0, 0, 0, functions)
    for line in range(42):
        around = [f for f in functions if f.line <= line <= f.end_line]
        assert enclosing_function(analysis, line) == min(around, key=lambda f: f.end_line - f.line, default=None)


def _nested(data: st.DataObject, first: int, last: int) -> list[tuple[int, int]]:
    """Spans of lines within `first` to `last`, of which any two are apart or one inside the other."""
    spans = []
    while first <= last and data.draw(st.booleans()):
        begin = data.draw(st.integers(first, last))
        end = data.draw(st.integers(begin, last))
        spans += [(begin, end), *_nested(data, begin + 1, end)]
        first = end + 1
    return spans


def _line(function: FunctionSpan) -> str:
    return f"{function.line}-{function.end_line} {function.complexity} {function.name}"


def _counts(analysis: StaticAnalysis) -> tuple[int, ...]:
    return (
        analysis.file_size_bytes,
        analysis.line_count,
        analysis.function_count,
        analysis.class_count,
        analysis.import_count,
        analysis.complexity_score,
    )


def _lizard(path: Path) -> list[tuple[int, int]]:
    try:
        found = lizard.analyze_file(str(path)).function_list
    except IndexError:
        # It fails on some TypeScript.
        return []
    return [(function.start_line, function.cyclomatic_complexity) for function in found]


def _agreeing(functions: list[tuple[int, int]], theirs: list[tuple[int, int]]) -> int:
    """How many of `theirs` are at the place of one of `functions` and as complex."""
    left = list(functions)
    agreeing = 0
    for line, complexity in sorted(theirs):
        near = [f for f in left if abs(f[0] - line) <= LINES_APART and f[1] == complexity]
        if near:
            left.remove(min(near, key=lambda f: abs(f[0] - line)))
            agreeing += 1
    return agreeing


def _cpu_s(source: bytes, language: Language) -> float:
    times_s = []
    for _ in range(3):
        began_s = time.process_time()
        measure(source, "a", language)
        times_s.append(time.process_time() - began_s)
    return min(times_s)
