"""Which words are ours and which the program's: languages, files, the runtimes' own command lines, any command."""

from __future__ import annotations

import pytest

from multi_lang_profiler.engine.command.arguments import UsageError
from multi_lang_profiler.engine.command.options import parse
from multi_lang_profiler.engine.settings import Language, Settings


def settings(words: str) -> Settings:
    return parse(words.split(), {}, on_terminal=False).settings


def mistake(words: str) -> str:
    with pytest.raises(UsageError) as caught:
        settings(words)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("words", "language", "command", "program"),
    [
        ("python -c code --json x", Language.PYTHON, "-c code --json x", "-c …"),
        ("python -X dev -m pkg a -- b", Language.PYTHON, "-X dev -m pkg a -- b", "pkg"),
        ("python --rate 50 - x", Language.PYTHON, "- x", "-"),
        ("--rate 50 py -u a.py --rate 9", Language.PYTHON, "-u a.py --rate 9", "a.py"),
        ("python --python-arg=-B -u a.py", Language.PYTHON, "-B -u a.py", "a.py"),
        ("java -jar hot.jar a b", Language.JAVA, "-jar hot.jar a b", "hot.jar"),
        ("java -Xmx1g -cp cls Hot", Language.JAVA, "-Xmx1g -cp cls Hot", "Hot"),
        ("java @args Main", Language.JAVA, "@args Main", "Main"),
        ("java -m shop/shop.Main", Language.JAVA, "-m shop/shop.Main", "shop/shop.Main"),
        ("node --env-file=.env --test", Language.JAVASCRIPT, "--env-file=.env --test", ""),
        ("node --no-warnings a.ts x", Language.TYPESCRIPT, "--no-warnings a.ts x", "a.ts"),
    ],
)
def test_own_command_lines(words, language, command, program):
    """From the runtime's own option on, every word is the runtime's or the program's, as typed."""
    read = settings(words)
    assert (read.language, " ".join(read.command), read.program) == (language, command, program)


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("pytest -x --json a", "pytest -x --json a"),
        ("--rate 50 npm run dev -- --port 1", "npm run dev -- --port 1"),
        ("--quiet -- python a.py --quiet", "python a.py --quiet"),
        ("-- --odd", "--odd"),
        ("--report-endpoint make bench", "make bench"),
        ("./start.sh x", "./start.sh x"),
        ("v/bin/hottool x", "v/bin/hottool x"),
        ("go run ./cmd -x", "go run ./cmd -x"),
        ("go test -run X ./pkg", "go test -run X ./pkg"),
        ("--rate 50 go --quiet test", "go test"),
        ("python3 app.py --rate 9", "python3 app.py --rate 9"),
    ],
)
def test_any_command(words, command):
    """What is no language and no file of ours begins a command, as does what stands behind a -- that comes first."""
    read = settings(words)
    assert (read.language, " ".join(read.command)) == (None, command)


@pytest.mark.parametrize(
    "words",
    ["python a.py", "a.py", "python -m pkg", "-m pkg", "java Main", "java a.jar", "go ./cmd", "node a.js", "a.jar"],
)
def test_the_form_language_program(words):
    """`LANGUAGE PROGRAM [options] [-- arguments]` is as it was: options of ours anywhere before --."""
    read = settings(f"{words} --rate 50 -- --rate 9")
    assert read.language
    assert not read.command
    assert read.rate_hz == 50
    assert read.arguments == ("--rate", "9")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            "--jsn x a.py",
            "unknown option '--jsn' (did you mean --json?); multi_lang_profiler --help lists those there are",
        ),
        ("a.py --jsn x", "unknown option '--jsn' (did you mean --json?); the program's own arguments go behind --"),
        ("a.py x", "unexpected argument 'x'; the program's own arguments go behind --: … a.py -- x"),
        ("python --jsn x a.py", "unknown option '--jsn'"),
        (
            "--pid 1 --jsn",
            "unknown option '--jsn' (did you mean --json?); multi_lang_profiler --help lists those there are",
        ),
        ("--force a.py", "--force goes with --pid"),
        ("--java-inlined make", "--java-inlined is for Java, and this is a command"),
        ("--python p make", "--python goes with a program of one language"),
        ("--no-children make", "--no-children goes with a program of one language"),
        ("--node-arg=-x make", "--node-arg goes with a program of one language"),
        ("--", "no program given"),
        ("python --", "no program given"),
    ],
)
def test_mistakes(words, says):
    """A hint at -- is given only where it helps."""
    assert says in mistake(words)
