"""How a Node.js program is started, and what is said of one that cannot be."""

from __future__ import annotations

import pytest

from multi_lang_profiler.engine.samplers.node import launch as node_launch
from multi_lang_profiler.engine.samplers.sampler import CannotStart
from multi_lang_profiler.engine.settings import Language
from tests.support.node import Running, node, node_settings


async def test_a_program_under_the_permission_model_runs_unprofiled(tmp_path):
    """Our files may not be read there, so the program is started as if we did not exist, and the reason is given."""
    (tmp_path / "app.js").write_text("console.log('ran')")
    settings = node_settings(tmp_path, "app.js", node(24), runtime_arguments=("--permission", "--allow-fs-read=*"))
    launch = await Running(tmp_path, settings).sampler.prepare()
    assert launch.unprofiled
    assert "permission model" in launch.unprofiled
    assert launch.environment == {}


async def test_a_command_under_the_permission_model_is_left_alone(tmp_path):
    """Node.js 20 reads our file by its own rules, and would end with an error."""
    words = (str(node(20)), "--experimental-permission", "--allow-fs-read=*", "app.js")
    settings = node_settings(tmp_path, words[0], "", language=None, command=words)
    launch = await Running(tmp_path, settings).sampler.prepare()
    assert launch.environment == {}
    assert "permission model" in (launch.unprofiled or "")


@pytest.mark.parametrize(
    ("program", "runtime", "says"),
    [
        ("missing.js", None, "missing.js: no such file"),
        ("app.ts", None, "npm install --save-dev tsx"),
        ("app.ts", None, "--node"),
        ("app.js", "no-such-node", "no-such-node was not found"),
        ("app.js", "/bin/true", "is not Node.js"),
    ],
)
async def test_a_program_that_cannot_be_started_says_why(tmp_path, program, runtime, says):
    """One line names what is missing and what to do."""
    (tmp_path / "app.js").touch()
    (tmp_path / "app.ts").touch()
    settings = node_settings(tmp_path, program, runtime or node(20))
    with pytest.raises(CannotStart) as error:
        await Running(tmp_path, settings).sampler.prepare()
    assert says in str(error.value)
    assert "\n" not in str(error.value)


async def test_an_executable_is_asked_for_its_version_once(tmp_path, monkeypatch):
    """What is kept of a binary holds for that very file; a script may run another Node.js tomorrow and is asked each time."""
    asked: list[str] = []
    ask = node_launch._version_text

    async def asking(executable: str) -> str:
        asked.append(executable)
        return await ask(executable)

    monkeypatch.setattr(node_launch, "_version_text", asking)
    (tmp_path / "app.js").touch()
    shim = tmp_path / "node"
    shim.write_text(f'#!/bin/sh\nexec {node(24)} "$@"\n')
    shim.chmod(0o755)
    cache = tmp_path / "cache"
    cache.mkdir()
    for executable in (node(24), node(24), shim, shim):
        command = await node_launch.node_command(node_settings(tmp_path, "app.js", executable), lambda: cache)
        assert command.version.startswith("v24.")
    assert asked == [str(node(24)), str(shim), str(shim)]
    (kept,) = cache.iterdir()
    kept.write_text("v2")
    await node_launch.node_command(node_settings(tmp_path, "app.js", node(24)), lambda: cache)
    assert kept.read_text().startswith("v24.")


async def test_no_node_at_all(tmp_path, monkeypatch):
    """Without Node.js on PATH the line says how to name one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "app.js").touch()
    settings = node_settings(tmp_path, "app.js", "", language=Language.TYPESCRIPT)
    with pytest.raises(CannotStart, match=r"Node\.js was not found on PATH; install it or name it with --node"):
        await Running(tmp_path, settings).sampler.prepare()
