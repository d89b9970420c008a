"""What a disk, and those who share it, can do to the spool."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from multi_lang_profiler.engine.reporting.events import SpoolDamaged, SpoolFailing, SpoolTakenOver
from tests.support.agent import Agent, make_profile
from tests.support.backend import Backend

from .table import Row

row_20 = Row(
    20,
    "spool: disk full, read-only, truncated, bits flipped, zero length, future version",
    "memory path goes on, one warning; bad entries set aside, good ones delivered",
)
row_21 = Row(21, "two agents, one spool folder, one of them dead", "every profile exactly once")

ROWS = [row_20, row_21]

ROOT = Path(__file__).parents[3]


@row_20.case
async def is_read_only(folder: Path) -> None:
    file = folder / "file"
    file.touch()
    # Nobody, not even root, can make a folder in /proc or below a file.
    for unwritable in (Path("/proc/self/spool"), file / "spool"):
        with Backend(500, 500, 500, 200) as backend:
            async with Agent(backend.url, unwritable) as agent:
                await agent.interval(times=3)
                assert len(agent.said(SpoolFailing)) == 1
                assert agent.reporter.state.spooled == 0
                assert backend.accepted == agent.accepted
                assert agent.kept == []


@row_20.case
async def is_full(folder: Path) -> None:
    small_disk = f"mount -t tmpfs -o size=64k tmpfs {folder} && exec "
    if subprocess.run(
        ["unshare", "-Urm", "sh", "-c", small_disk + "true"], check=False, capture_output=True
    ).returncode:
        # Where nothing may be mounted, a limit on the size of files makes every write fail as well.
        small_disk = "ulimit -f 0; exec "
        words = ["bash", "-c"]
    else:
        words = ["unshare", "-Urm", "sh", "-c"]
    child = f"{small_disk}{sys.executable} -m {__name__} {folder}"
    result = subprocess.run([*words, child], check=False, capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stderr


async def _fill_the_disk(folder: Path) -> None:
    with Backend(500) as backend:
        async with Agent(backend.url, folder) as agent:
            agent.windows = [make_profile(padding=20_000) for _ in range(8)]
            await agent.interval(times=8)
            assert agent.kept == agent.accepted
            (warning,) = agent.said(SpoolFailing)
            assert warning.reason.startswith(("No space left on device", "File too large"))
            backend.answers(200)
            await agent.interval()
            assert backend.accepted == agent.accepted
            # There is room again: what comes now is on the disk, too, where it was only full.
            backend.answers(500)
            await agent.interval()
            assert agent.reporter.state.spooled == ("No space" in warning.line)
            backend.answers(200)
            await agent.interval()


@row_20.case
async def has_been_damaged(folder: Path) -> None:
    spool = folder / "spool"
    with Backend(500) as backend:
        agent = Agent(backend.url, spool)
        async with agent:
            await agent.add(*(make_profile() for _ in range(9)))
        files = sorted(spool.rglob("*.profile"))
        assert len(files) == 9
        whole = [file.read_bytes() for file in files]
        files[0].write_bytes(whole[0][:-10])
        files[1].write_bytes(b"")
        for file, at in ((files[2], -5), (files[3], 40)):
            flipped = bytearray(file.read_bytes())
            flipped[at] ^= 0x10
            file.write_bytes(flipped)
        files[4].write_bytes(whole[4].replace(b" spool 1 ", b" spool 2 "))
        files[5].unlink()
        os.mkfifo(files[5])
        files[6].unlink()
        files[6].symlink_to("/etc/hostname")
        backend.answers(200)
        async with Agent(backend.url, spool) as successor:
            assert successor.said(SpoolTakenOver) == [SpoolTakenOver(2, 2)]
            # What was set aside stays there, and is not found again.
            assert successor.said(SpoolDamaged) == [SpoolDamaged(7, str(spool / "set-aside"))]
            assert len(list((spool / "set-aside").iterdir())) == 7
            await successor.interval()
            assert backend.accepted == agent.accepted[7:] + successor.accepted
        assert {file.parent.name for file in spool.rglob("*.profile")} == {"set-aside"}


@row_20.case
async def is_removed_under_way(folder: Path) -> None:
    with Backend(500) as backend:
        async with Agent(backend.url, folder / "spool") as agent:
            await agent.interval()
            subprocess.run(["rm", "-r", folder / "spool"], check=True)
            await agent.interval(times=2)
            assert agent.reporter.state.spooled == 3
            backend.answers(200)
            await agent.interval()
            assert backend.accepted == agent.accepted


@row_21.case
async def has_a_living_and_a_dead_owner(folder: Path) -> None:
    with Backend(500) as backend:
        async with Agent(backend.url, folder) as living:
            await living.add(make_profile(), make_profile())
            async with Agent(backend.url, folder) as dying:
                await dying.add(*(make_profile() for _ in range(3)))
            async with Agent(backend.url + "?other", folder) as stranger, Agent(backend.url, folder) as heir:
                assert heir.said(SpoolTakenOver) == [SpoolTakenOver(3, 3)]
                assert not stranger.said(SpoolTakenOver)
                backend.answers(200)
                for agent in (living, stranger, heir):
                    await agent.interval()
                everybody = [living, dying, stranger, heir]
                assert sorted(backend.accepted) == sorted(
                    profile_id for agent in everybody for profile_id in agent.accepted
                )
        assert not list(folder.rglob("*.profile"))


@row_21.case
async def has_two_heirs_at_once(folder: Path) -> None:
    with Backend(500) as backend:
        dead = [Agent(backend.url, folder) for _ in range(4)]
        for agent in dead:
            async with agent:
                await agent.add(*(make_profile() for _ in range(10)))
        backend.answers(200)
        async with (
            Agent(backend.url, folder, max_buffer=20) as first,
            Agent(backend.url, folder, max_buffer=20) as second,
        ):
            for _ in range(3):
                await first.interval()
                await second.interval()
            everybody = [*dead, first, second]
            assert sorted(backend.accepted) == sorted(
                profile_id for agent in everybody for profile_id in agent.accepted
            )


if __name__ == "__main__":
    import asyncio

    asyncio.run(_fill_the_disk(Path(sys.argv[1])))
