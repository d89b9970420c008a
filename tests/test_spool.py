"""The spool: what has been announced survives the agent, however it dies."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.backend import Backend, ok
from tests.support.folders import memory_folder
from tests.support.small_agent import Nursery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.backend import Exchange

KILLS = 120
AGENTS = 4


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


@pytest.fixture
def quick_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=memory_folder()) as folder:
        yield Path(folder)
