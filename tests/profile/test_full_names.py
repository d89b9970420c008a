"""Full names of functions, as consumers of exports and reports add them up by."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.profile.full_names import full_names
from multi_lang_profiler.engine.profile.stacks import Function
from tests.support import recordings

if TYPE_CHECKING:
    from pathlib import Path

FLASK = recordings.recording("flask_server")


@pytest.mark.parametrize(
    ("name", "file", "full"),
    [
        ("handle", "/srv/app/a.py", "a.handle"),
        ("handle", "/srv/app/pk/beta.py", "pk.beta.handle"),
        ("Shop.__init__", "/srv/app/pk/__init__.py", "pk.Shop.__init__"),
        ("<module>", "/srv/app/jobs/main.py", "jobs.main.<module>"),
        ("<module>", "/opt/tool/main.py", "main.<module>"),
        ("poll", "/srv/app/.venv/lib/python3.11/site-packages/waitress/wasyncore.py", "waitress.wasyncore.poll"),
        ("loads", "/usr/lib/python3.11/json/__init__.py", "json.loads"),
        ("find_spec", "<frozen importlib._bootstrap>", "importlib._bootstrap.find_spec"),
        ("handle", "/opt/one/util.py", "opt.one.util.handle"),
        ("root", "<template>", "root"),
        ("handle", "/srv/app/src/one.cjs", "src/one.handle"),
        ("Route.match", "/srv/app/node_modules/express/lib/router.js", "express/lib/router.Route.match"),
        ("readSync", "node:fs", "node:fs.readSync"),
        ("Cart.add", "com/shop/Cart.java", "com.shop.Cart.add"),
        ("Cart.add", "/srv/app/core/src/main/kotlin/com/shop/Cart.kt", "com.shop.Cart.add"),
        ("Work.main", "Work.java", "Work.main"),
        ("HashMap.get", "java.base/java/util/HashMap.java", "java.util.HashMap.get"),
        ("main.(*Shop).Serve", "/srv/app/main.go", "main.(*Shop).Serve"),
        ("(program)", "", "(program)"),
    ],
)
def test_a_function_has_a_full_name(name: str, file: str, full: str) -> None:
    """Consumers add up functions of one name: the module stands before it where the language's names lack it, and comes off again."""
    names = full_names(replace(FLASK, source_file="/opt/tool/main.py"))
    assert names.of(Function(name, file)) == full
    assert names.plain(full, file) == name


def test_a_java_file_says_its_package_itself(tmp_path: Path) -> None:
    """Folders need not be named for packages: a file that can be read is asked."""
    source = tmp_path / "anywhere" / "Worker.java"
    source.parent.mkdir()
    source.write_text("// package old;\n  package com.shop.pack;\nclass Worker {}\n")
    names = full_names(FLASK)
    assert names.of(Function("Worker.run", str(source))) == "com.shop.pack.Worker.run"
    source.with_name("Plain.java").write_text("class Plain {}\n")
    assert names.of(Function("Plain.run", str(source.with_name("Plain.java")))) == "Plain.run"
