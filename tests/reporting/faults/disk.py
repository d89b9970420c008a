"""What a disk, and those who share it, can do to the spool."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from unittest import mock

from multi_lang_profiler.engine.reporting.events import (
    FinalSendFailed,
    SpoolDamaged,
    SpoolFailing,
    SpoolSlow,
    SpoolTakenOver,
    SpoolUnconfirmed,
)
from multi_lang_profiler.engine.reporting.spool_entry import read_entry
from multi_lang_profiler.engine.reporting.spool_folder import endpoint_folder_name
from tests.support.agent import Agent, make_profile, until
from tests.support.backend import Backend

from .table import Row

row_20 = Row(
    20,
    "spool: disk full, read-only, truncated, bits flipped, zero length, future version",
    "memory path goes on, one warning; bad entries set aside, good ones delivered",
)
row_21 = Row(21, "two agents, one spool folder, one of them dead", "every profile exactly once")

row_34 = Row(
    34,
    "spool entries that cannot be read, vanish, are sockets, folders, links; a slow disk",
    "the others are delivered; honest lines, also late ones",
)

ROWS = [row_20, row_21, row_34]

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


async def _left_behind(agent: Agent, number: int) -> list[Path]:
    """The entries that `agent` leaves when it dies."""
    async with agent:
        await agent.add(*(make_profile() for _ in range(number)))
    spool = agent.settings.spool_folder
    assert spool is not None
    return sorted(spool.rglob("*.profile"), key=lambda file: file.name)


@row_34.case
async def has_things_that_are_no_entries(folder: Path) -> None:
    spool = folder / "spool"
    with Backend(500) as backend:
        agent = Agent(backend.url, spool)
        files = await _left_behind(agent, 8)
        for file in files[:5]:
            file.unlink()
        with contextlib.chdir(files[0].parent), socket.socket(socket.AF_UNIX) as server:
            server.bind(files[0].name)
        files[1].mkdir()
        (files[1] / "something").touch()
        files[2].symlink_to("/etc/hostname")
        os.mkfifo(files[3])
        files[4].symlink_to("nowhere")
        # What people put beside, too.
        (spool / "set-aside" / "notes").mkdir(parents=True)
        (spool / "set-aside" / "notes.profile").mkdir()
        own = spool / endpoint_folder_name(backend.url)
        (own / "backup").mkdir()
        (own / "README").touch()
        backend.answers(200)
        async with Agent(backend.url, spool) as successor:
            await successor.interval()
            assert backend.accepted == agent.accepted[5:] + successor.accepted
            assert successor.said(SpoolDamaged) == [SpoolDamaged(5, str(spool / "set-aside"))]
            assert not successor.said(SpoolFailing)
        assert (own / "backup").is_dir()


@row_34.case
async def has_entries_that_vanish(folder: Path) -> None:
    with Backend(500) as backend:
        agent = Agent(backend.url, folder)
        files = await _left_behind(agent, 5)

        def read(path: Path) -> object:
            if path in (files[0], files[3]):
                path.unlink(missing_ok=True)
            return read_entry(path)

        backend.answers(200)
        with mock.patch("multi_lang_profiler.engine.reporting.spool_disk.read_entry", read):
            async with Agent(backend.url, folder) as successor:
                await successor.interval()
                accepted = agent.accepted
                assert backend.accepted == [accepted[1], accepted[2], accepted[4], *successor.accepted]
                assert not [line for line in successor.lines if "⚠️" in line]


@row_34.case
async def has_entries_that_may_not_be_read(folder: Path) -> None:
    words = [sys.executable, "-m", __name__, "--without-permission", str(folder)]
    if os.geteuid() == 0:
        # Root ignores permissions, unless it has given up that.
        words = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *words]
    result = subprocess.run(words, check=False, capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stderr


async def _without_permission(folder: Path) -> None:
    with Backend(500) as backend:
        first, second, third = (Agent(backend.url, folder) for _ in range(3))
        files = await _left_behind(first, 3)
        closed_file = files[1]
        await _left_behind(second, 2)
        # They took over what was there, and left each entry where it was.
        unwritable = (await _left_behind(third, 3))[-1].parent
        closed_file.chmod(0)
        unwritable.chmod(0o500)
        backend.answers(200)
        try:
            async with Agent(backend.url, folder) as successor:
                await successor.interval(times=3)
                lost = [profile_id for profile_id in first.accepted if profile_id not in backend.accepted]
                assert len(lost) == 1, "only the entry that cannot be read is missing"
                assert {*second.accepted, *third.accepted, *successor.accepted} <= {*backend.accepted}
                warnings = [line for line in successor.lines if "⚠️" in line]
                assert len(warnings) == len({*warnings}) <= 3, warnings
                assert any("permission denied" in line.lower() for line in warnings)
                assert not successor.said(SpoolFailing)
        finally:
            unwritable.chmod(0o700)


@row_34.case
async def takes_long_to_confirm(folder: Path) -> None:
    real = os.fsync

    def fsync(file: int) -> None:
        time.sleep(0.2)
        real(file)

    with (
        Backend(500) as backend,
        mock.patch("os.fsync", fsync),
        mock.patch("multi_lang_profiler.engine.reporting.reporter.DISK_PATIENCE_S", 0.05),
    ):
        async with Agent(backend.url, folder) as agent:
            await agent.add(*(make_profile() for _ in range(4)))
            assert agent.said(SpoolSlow) == [SpoolSlow(str(folder), 0.05)]
            assert not agent.said(SpoolFailing)
            await agent.finish(1.0)
            state = agent.reporter.state
            assert (state.accepted, state.kept_on_disk, state.lost) == (5, 5, 0)
            assert len([*folder.rglob("*.profile")]) == 5
            assert agent.said(FinalSendFailed) == [FinalSendFailed(5)]


@row_34.case
async def never_confirms(folder: Path) -> None:
    stands_still = threading.Event()
    with Backend(500) as backend, mock.patch("os.fsync", side_effect=lambda _: stands_still.wait()):
        try:
            agent = Agent(backend.url, folder)
            agent.settles_disk = False
            async with agent:
                await agent.add(make_profile())
                began_s = time.monotonic()
                await agent.finish(0.5)
                assert time.monotonic() - began_s < 8
                assert agent.said(SpoolUnconfirmed) == [SpoolUnconfirmed(2)]
                assert agent.said(FinalSendFailed) == [FinalSendFailed(2)]
                assert len([*folder.rglob("*.profile")]) == 2
        finally:
            stands_still.set()


@row_34.case
async def takes_long_to_look_through(folder: Path) -> None:
    def read(path: Path) -> object:
        time.sleep(0.1)
        return read_entry(path)

    with (
        Backend(500) as backend,
        mock.patch("multi_lang_profiler.engine.reporting.reporter.DISK_PATIENCE_S", 0.02),
    ):
        agent = Agent(backend.url, folder)
        files = await _left_behind(agent, 4)
        files[0].write_bytes(b"")
        backend.answers(200)
        with mock.patch("multi_lang_profiler.engine.reporting.spool_disk.read_entry", read):
            async with Agent(backend.url, folder) as successor:
                await until(lambda: successor.said(SpoolTakenOver))
                await successor.settle()
                # Said when it was known, late as it was.
                assert successor.said(SpoolDamaged) == [SpoolDamaged(1, str(folder / "set-aside"))]
                await successor.interval()
                assert backend.accepted == agent.accepted[1:] + successor.accepted


if __name__ == "__main__":
    import asyncio

    if sys.argv[1] == "--without-permission":
        asyncio.run(_without_permission(Path(sys.argv[2])))
    else:
        asyncio.run(_fill_the_disk(Path(sys.argv[1])))
