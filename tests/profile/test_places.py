"""Whose code it is, and how its place is shown."""

from __future__ import annotations

import pytest

from multi_lang_profiler.engine.profile.places import is_own_code, short_path
from multi_lang_profiler.engine.profile.stacks import Function


@pytest.mark.parametrize(
    ("name", "file", "own"),
    [
        ("checkout", "/home/ada/shop/server.py", True),
        ("search", "server.py", True),
        ("Flask.wsgi_app", "/home/ada/shop/.venv/lib/python3.12/site-packages/flask/app.py", False),
        ("dumps", "/usr/lib/python3.12/json/__init__.py", False),
        ("_find", "<frozen importlib._bootstrap>", False),
        ("handle", "/home/ada/shop/node_modules/express/lib/router.js", False),
        ("readFile", "node:fs", False),
        ("main.work", "/home/ada/shop/cmd/main.go", True),
        ("runtime.mallocgc", "/usr/local/go/src/runtime/malloc.go", False),
        ("gin.(*Engine).ServeHTTP", "/root/go/pkg/mod/github.com/gin-gonic/gin@v1.9.1/gin.go", False),
        ("shop.Cart.total", "Cart.java", True),
        ("java.util.HashMap.get", "HashMap.java", False),
        ("HashMap.get", "java.base/java/util/HashMap.java", False),
        ("JavaCompiler.compile", "jdk.compiler/com/sun/tools/javac/main/JavaCompiler.java", False),
        ("HashMap.get", "rt.jar/java/util/HashMap.java", False),
        ("Cart.total", "com/acme/shop/Cart.java", True),
        ("com.sun.crypto.provider.AESCrypt.init", "AESCrypt.java", False),
        ("(garbage collector)", "", False),
        ("work", "/home/ada/shopping/other.py", False),
    ],
)
def test_own_code(name: str, file: str, own: bool) -> None:
    """Code below the working folder is the program's own; its runtime and installed packages are not, in every language."""
    assert is_own_code(Function(name, file), "/home/ada/shop") is own


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        ("/home/ada/shop/shop/cart.py", "shop/cart.py"),
        ("/home/ada/shop/.venv/lib/python3.12/site-packages/flask/app.py", "flask/app.py"),
        ("/usr/lib/python3.12/json/encoder.py", "json/encoder.py"),
        ("/usr/lib/python3/dist-packages/yaml/loader.py", "yaml/loader.py"),
        ("/srv/app/node_modules/express/lib/router.js", "express/lib/router.js"),
        ("/usr/local/go/src/runtime/malloc.go", "runtime/malloc.go"),
        ("/root/go/pkg/mod/github.com/gin-gonic/gin@v1.9.1/gin.go", "github.com/gin-gonic/gin@v1.9.1/gin.go"),
        ("node:internal/fs", "node:internal/fs"),
        ("/opt/other/tool.py", "/opt/other/tool.py"),
    ],
)
def test_short_path(file: str, shown: str) -> None:
    """A path is shown from the folder its reader knows: the working folder, or the one the package is installed in."""
    assert short_path(file, "/home/ada/shop") == shown
