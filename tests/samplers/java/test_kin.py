"""Programs in languages that are compiled to Java's classes: their functions have the names and places that those who wrote them know."""

from __future__ import annotations

import os
import shutil
from itertools import groupby

import pytest

from tests.support.java import PROGRAMS, jdk, sample
from tests.support.maven import artefact, async_profiler

CLOJURE = ("org.clojure:clojure:1.12.0", "org.clojure:spec.alpha:0.5.238", "org.clojure:core.specs.alpha:0.4.74")
GROOVY = ("org.apache.groovy:groovy:5.0.8",)


@pytest.mark.parametrize(
    ("language", "words", "says", "functions", "file"),
    [
        (
            CLOJURE,
            ("clojure.main", "-m", "acme-shop.core"),
            b"paid\n",
            ("acme-shop.core/-main", "acme-shop.core/pay!", "acme-shop.core/spin"),
            "acme_shop/core.clj",
        ),
        (
            GROOVY,
            ("groovy.ui.GroovyMain", "Shop.groovy"),
            b"sold\n",
            ("Shop.main", "Shop.sell", "Shop.sell.closure1", "Shop.spin"),
            "Shop.groovy",
        ),
    ],
    ids=["Clojure", "Groovy"],
)
@pytest.mark.parametrize("source", ["agent", "async-profiler"])
async def test_functions_have_the_names_their_authors_know(tmp_path, language, words, says, functions, file, source):
    """Those that call each other, in the order in which they do, in the file they stand in; whether the source tells files or not."""
    work = tmp_path / "work"
    shutil.copytree(PROGRAMS / "kin", work)
    path = os.pathsep.join([str(work), *(str(artefact(name)) for name in language)])
    other = str(async_profiler()) if source == "async-profiler" else "off"
    sampled = await sample(work, *words, java=jdk(), options=("-cp", path), async_profiler=other)
    assert sampled.stdout == says, bytes(sampled.stderr)
    stacks = [
        # A function of theirs is two or three methods of Java's, which call each other.
        [name for name, _ in groupby(frame.function for frame in frames if frame.function in functions)]
        for _, frames, _ in sampled.stacks
    ]
    # The innermost may be inlined, which the agent does not see.
    *outer, _ = functions
    assert any(stack[: len(outer)] == outer for stack in stacks), stacks
    seen = {frame.function: frame.file for _, frames, _ in sampled.stacks for frame in frames}
    assert {seen[function] for function in functions if function in seen} == {str(work / file)}
    assert sampled.seconds(functions[1]) > 0.7 * sampled.seconds(functions[0])
