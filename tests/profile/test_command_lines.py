"""What the languages' own command lines say, read as the runtimes read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from multi_lang_profiler.engine.profile.command_lines import (
    in_few_words,
    java_words,
    main_file,
    node_words,
    python_words,
)
from multi_lang_profiler.engine.settings import Language


@pytest.mark.parametrize(
    ("words", "program", "arguments", "is_module"),
    [
        ("app.py a -b", "app.py", "a -b", False),
        ("-X dev -m pkg -v", "pkg", "-v", True),
        ("-Xdev -Bum pkg", "pkg", "", True),
        ("-mpkg x", "pkg", "x", True),
        ("-c code x", "-c …", "x", False),
        ("-Ic code", "-c …", "", False),
        ("-W error -O app.py -c", "app.py", "-c", False),
        ("--check-hash-based-pycs always app.py", "app.py", "", False),
        ("- x", "-", "x", False),
        ("-q", "-", "", False),
    ],
)
def test_python(words, program, arguments, is_module):
    """Letters may stand together; `-c`, `-m` and the first word that is no option end the interpreter's own."""
    line = python_words(words.split())
    assert (line.program, " ".join(line.arguments), line.is_module) == (program, arguments, is_module)


@pytest.mark.parametrize(
    ("words", "program", "arguments", "options"),
    [
        ("-jar app.jar a b", "app.jar", "a b", ""),
        ("-Xmx1g -cp a:b Main -x", "Main", "-x", "-Xmx1g -cp a:b"),
        ("--module-path mods -m shop/shop.Main x", "shop/shop.Main", "x", "--module-path mods"),
        ("--module=shop/shop.Main x", "shop/shop.Main", "x", ""),
        ("--enable-preview --source 21 Main.java", "Main.java", "", "--enable-preview --source 21"),
        ("-version", "", "", "-version"),
        ("@options @missing Main x", "Main", "x", "-cp some folder"),
    ],
)
def test_java(words, program, arguments, options, tmp_path):
    """Options with a value of their own take it along; a file of arguments is read."""
    (tmp_path / "options").write_text('-cp "some folder" # where\n')
    line = java_words(words.split(), tmp_path)
    assert (line.program, " ".join(line.arguments), " ".join(line.options)) == (program, arguments, options)


@pytest.mark.parametrize(
    ("words", "program", "arguments"),
    [
        ("--env-file=.env server.js --port 1", "server.js", "--port 1"),
        ("--require ./x.cjs --test a.test.js", "a.test.js", ""),
        ("--test", "", ""),
        ("-e code x", "-e …", "x"),
        ("--eval=code x", "--eval …", "x"),
        ("-", "-", ""),
        ("--no-warnings -- app.js -x", "app.js", "-x"),
    ],
)
def test_node(words, program, arguments):
    """Code among the words is no program's file."""
    line = node_words(words.split())
    assert (line.program, " ".join(line.arguments)) == (program, arguments)


@pytest.mark.parametrize(
    ("words", "language", "file"),
    [
        ("python3 -u app.py", Language.PYTHON, "app.py"),
        ("python3 -m pkg", Language.PYTHON, "pkg/__main__.py"),
        ("node --no-warnings app.js x", Language.JAVASCRIPT, "app.js"),
        ("java -cp . shop.Main", Language.JAVA, "shop/Main.java"),
        ("python3 -c code", Language.PYTHON, None),
        ("./server", Language.GO, None),
    ],
)
def test_main_file(words, language, file, tmp_path):
    """The file of a running program is found from its words and its folder, or not at all."""
    for name in ("app.py", "app.js", "pkg/__main__.py", "shop/Main.java"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert main_file(words.split(), tmp_path, language) == (tmp_path / Path(file) if file else None)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["/usr/bin/python3", "-u", "src/app.py", "x"], "python3 app.py"),
        (["python3", "-m", "http.server"], "python3 -m http.server"),
        (["python3", "-c", "a\nb"], "python3 -c"),
        (["node", "-e", "while(1);"], "node -e"),
        (["java", "-cp", ".", "shop.Main"], "java shop.Main"),
        (["node", "--require", "x", "server.js"], "node server.js"),
        (["make", "-j", "bench"], "make bench"),
        (["java", "--class-path", "a:b", "-jar", "lib/shop.jar"], "java shop.jar"),
        (["sh", "-c", "one\ntwo"], "sh -c"),
        (["bash", "-lc", "make"], "bash -c"),
        (["bash", "-e", "start.sh"], "bash start.sh"),
        (["su", "-c", "cd /srv; ./app"], "su -c"),
        (["perl", "-ne", "print"], "perl -e"),
        (["mkdir", "-p", "/srv/app"], "mkdir app"),
        (["watch", "one\ntwo"], "watch …"),
        (["-bash"], "bash"),
        ([], ""),
    ],
)
def test_in_few_words(words, text, tmp_path):
    """A process is called by its program's name and by what that runs: not by the folder where it lies, nor by its text."""
    assert in_few_words(words, tmp_path) == text
