"""The spool: what has been announced survives the agent, however it dies."""

from __future__ import annotations

import asyncio
import random
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from multi_lang_profiler.engine.reporting.events import SpoolFull
from multi_lang_profiler.engine.reporting.spool import Spool
from multi_lang_profiler.engine.reporting.spool_disk import MAX_SET_ASIDE, SpoolDisk
from tests.support.agent import Agent, make_profile
from tests.support.backend import Backend, ok
from tests.support.folders import memory_folder
from tests.support.small_agent import Nursery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.backend import Exchange

KILLS = 120
AGENTS = 4
MUTATIONS = 10_000


def test_sigkill_loses_nothing(quick_folder: Path) -> None:
    """Four agents on one spool, 120 times one killed at a random moment: all that was announced arrives; twice only what was stored for the dead."""
    chance = random.Random(3)
    stored: list[tuple[str, list[str]]] = []

    async def moody(exchange: Exchange) -> None:
        await asyncio.sleep(chance.uniform(0, 0.02))
        if chance.random() < 0.3:
            await exchange.status(503)
            return
        stored.append((exchange.request.headers["authorization"], exchange.request.profile_ids))
        await asyncio.sleep(chance.uniform(0, 0.02))
        await ok(exchange)

    with Backend(moody) as backend, Nursery(backend.url, quick_folder / "spool", interval_s=0.02) as nursery:
        agents = [nursery.start() for _ in range(AGENTS)]
        for _ in range(KILLS):
            time.sleep(chance.expovariate(1 / 0.08))
            agents.pop(chance.randrange(AGENTS)).kill()
            agents.append(nursery.start())
        for agent in agents:
            agent.kill()
        nursery.start()
        backend.wait_for(lambda _: {*nursery.accepted} <= {profile_id for _, ids in stored for profile_id in ids}, 30)
        assert len(nursery.accepted) > KILLS
    last_stored = {sender: number for number, (sender, _) in enumerate(stored)}
    first: dict[str, int] = {}
    for number, (_, ids) in enumerate(stored):
        for profile_id in ids:
            earlier = first.setdefault(profile_id, number)
            assert earlier == number or last_stored[stored[earlier][0]] == earlier, (
                "sent again by or beside an agent that knew better"
            )


async def test_backlog_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Agents that die one after the other cannot fill the disk: beyond the bound the oldest goes, and it is said."""
    monkeypatch.setattr("multi_lang_profiler.engine.reporting.spool_disk.MAX_BACKLOG", 25)
    for _ in range(4):
        spool = Spool(tmp_path, "http://127.0.0.1:9/")
        await asyncio.wrap_future(spool.keep(tuple(make_profile() for _ in range(10))))
        await asyncio.wrap_future(spool.close())
    async with Agent("http://127.0.0.1:9/", tmp_path, max_buffer=10) as last:
        assert last.said(SpoolFull) == [SpoolFull(15)]
        assert len(list(tmp_path.rglob("*.profile"))) == 25


async def test_spool_is_private_and_tidy(tmp_path: Path) -> None:
    """Files are 0600 and folders 0700 whatever the umask; with nothing kept there is nothing left on disk."""
    folder = tmp_path / "state" / "spool"
    with Backend() as backend:
        async with Agent(backend.url, folder) as agent:
            assert not folder.exists()
            await agent.add(make_profile())
            for path in (folder, *folder.rglob("*")):
                assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)
            await agent.interval()
        assert [*folder.iterdir()] == []


async def test_spool_never_holds_up_its_caller(tmp_path: Path) -> None:
    """Whatever is asked of it while its disk is busy is merged into one wish."""
    spool = Spool(tmp_path, "http://127.0.0.1:9/")
    disk_is_free = threading.Event()

    def is_busy() -> None:
        disk_is_free.wait()

    spool._jobs.put(is_busy)
    profiles = tuple(make_profile() for _ in range(100))
    wishes = [spool.keep(profiles[:n]) for n in range(101)]
    assert len(set(wishes)) == 1
    disk_is_free.set()
    await asyncio.wrap_future(wishes[-1])
    assert spool.holds(profiles) == 100
    await asyncio.wrap_future(spool.keep(()))
    await asyncio.wrap_future(spool.close())
    assert not list(tmp_path.iterdir())


@pytest.fixture
def quick_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=memory_folder()) as folder:
        yield Path(folder)


def _mutated(entry: bytes, chance: random.Random) -> bytes:
    data = bytearray(entry)
    for _ in range(chance.choice((1, 1, 1, 2, 8))):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0:
                del data[at:]
            case 1:
                data[at : at + chance.randrange(1, 40)] = b""
            case 2:
                data[at:at] = chance.randbytes(chance.randrange(1, 40))
            case 3:
                data[at:at] = data[: chance.randrange(len(data) + 1)]
            case _ if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
        if not data:
            break
    return bytes(data)


def test_ten_thousand_mutated_entries(quick_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever became of ten thousand entries, those that are whole are found, and no other is taken for one."""
    monkeypatch.setattr("multi_lang_profiler.engine.reporting.spool_disk.MAX_BACKLOG", 2 * MUTATIONS)
    chance = random.Random(23)
    disk = SpoolDisk(quick_folder, "http://127.0.0.1:9/")
    whole = [make_profile(padding=60) for _ in range(40)]
    assert len(disk.sync(tuple(whole))) == 40
    files = sorted(quick_folder.rglob("*.profile"))
    disk.close()
    entries = [file.read_bytes() for file in files]
    originals = {*entries}
    same = 0
    for number in range(MUTATIONS):
        mutated = _mutated(chance.choice(entries), chance)
        same += mutated in originals
        at = int(files[0].name[:20]) + 1 + number
        (files[0].parent / f"{at:020d}.profile").write_bytes(mutated)
    found = SpoolDisk(quick_folder, "http://127.0.0.1:9/").take_over(1_000)
    assert {profile.profile_id for profile in found.profiles} == {profile.profile_id for profile in whole}
    assert len(found.profiles) + found.damaged + found.discarded >= MUTATIONS - same
    assert not found.left
    assert len(list((quick_folder / "set-aside").iterdir())) <= MAX_SET_ASIDE
