"""The words of the go command, read as it reads them."""

from __future__ import annotations

import pytest

from multi_lang_profiler.engine.samplers.go.stand_in import read_words


@pytest.mark.parametrize(
    ("verb", "words", "what", "flags"),
    [
        ("run", "./cmd -x a", "./cmd", {}),
        ("run", "-race -tags a,b . x", ".", {"race": "true", "tags": "a,b"}),
        ("run", "a.go b.go c d.go", "a.go b.go", {}),
        ("run", "-mod=mod a.go -v", "a.go", {"mod": "mod"}),
        ("build", "-o bin/x ./a ./b", "./a ./b", {"o": "bin/x"}),
        ("build", "", "", {}),
        ("test", "./a -run X ./b -args ./c", "./a ./b", {"run": "X"}),
        (
            "test",
            "-C dir -bench=. -test.benchmem -count 2",
            "",
            {"C": "dir", "bench": ".", "test.benchmem": "true", "count": "2"},
        ),
        ("test", "--v -- x", "", {"v": "true"}),
    ],
)
def test_words(verb, words, what, flags):
    """Flags with and without values, packages and files, and what is the program's."""
    read = read_words(verb, words.split())
    assert " ".join(read.what) == what
    assert read.flags == flags
