"""What people can do with what agents could not deliver."""

from __future__ import annotations

import json
from pathlib import Path

from multi_lang_profiler.engine.formats.wire import encode
from multi_lang_profiler.engine.reporting.spool_folder import SET_ASIDE, entries_aside
from tests.support.agent import Agent, make_profile
from tests.support.backend import Backend
from tests.support.command import Folder
from tests.support.profiles import a_profile


async def test_list_export_send_drop(tmp_path: Path) -> None:
    """Left and set aside are listed, written out as reports that view opens, sent, and dropped; a living agent's are left alone."""
    spool = tmp_path / "spool"
    with Folder(tmp_path) as folder, Backend(500) as backend:

        def run(*words: str) -> tuple[int, str]:
            finished = folder.run("spool", *words, "--spool", "spool")
            assert finished.stderr == ""
            return finished.status, finished.stdout.decode()

        assert run() == (0, f"Nothing is kept in {spool}\n")
        async with Agent(backend.url, spool) as dead:
            await dead.add(encode(a_profile(), "protobuf"), make_profile())
        bad = make_profile()
        async with Agent(backend.url + "?other", spool) as living:
            assert living.spool
            living.spool.put_aside(bad, "http-422").result(20)
            (spool / SET_ASIDE / "01795990791617677530-1-d8dd1537-01795990791624382048.profile").write_bytes(b"")
            await living.add(make_profile())
            status, listed = run("list")
            assert status == 0
            assert "2 left by agents that have ended, the oldest of 20" in listed
            assert "0 left by agents that have ended; 1 kept by 1 living agents" in listed
            assert ", http-422: " in listed
            assert ", damaged: " in listed
            assert run("export", "out") == (0, "3 written to out, 1 cannot be read\n")
            files = sorted((tmp_path / "out").iterdir())
            assert [file.suffix for file in files] == [".json"] * 3
            opened = [json.loads(file.read_text())["profiles"] for file in files]
            assert [len(profiles) for profiles in opened] == [1, 1, 1]
            status, sent = run("send", "--report-endpoint", backend.url)
            assert (status, sent.splitlines()[-1]) == (1, "0 delivered, 0 discarded, 2 kept on disk")
            backend.answers(200)
            status, sent = run("send", "--report-endpoint", backend.url, "--set-aside")
            assert (status, sent.splitlines()[-1]) == (0, "3 delivered, 0 discarded, 0 kept on disk")
            assert sorted(backend.accepted) == sorted([*dead.accepted, bad.profile_id])
            assert len(entries_aside(spool / SET_ASIDE)) == 1
            assert run("drop") == (0, "0 dropped\n")
            assert run("drop", "--set-aside") == (0, "1 dropped\n")
        assert run("drop") == (0, "1 dropped\n")
        assert run() == (0, f"Nothing is kept in {spool}\n")


def test_mistakes(tmp_path: Path) -> None:
    """What cannot be done is one line, and status 2."""
    with Folder(tmp_path) as folder:
        for words, says in (
            (("send",), "send needs to know where to"),
            (("export",), "export needs a folder"),
            (("list", "x"), "only export takes a folder"),
            (("burn",), "invalid choice"),
            (("--no-spool",), "--no-spool"),
        ):
            finished = folder.run("spool", *words)
            assert (finished.status, len(finished.lines)) == (2, 1)
            assert says in finished.stderr
