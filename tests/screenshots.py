"""Makes `screenshots/`, one picture for each view, from a real run: `python -m tests.screenshots`, takes a minute.

A web shop is sampled under load in three phases and reports to a backend on loopback that fails for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import sys
import tempfile
import threading
import time
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx
from rich.cells import cell_len

from multi_lang_profiler.engine.clock import SystemClock
from multi_lang_profiler.engine.command.options import parse
from multi_lang_profiler.engine.engine import Engine
from multi_lang_profiler.tui.all_views import VIEWS
from multi_lang_profiler.tui.app import ProfilerApp
from tests.support.backend import Backend
from tests.support.moving_picture import moving
from tests.support.ports import free_port
from tests.support.screen import NO_SETTINGS

if TYPE_CHECKING:
    from textual.pilot import Pilot

SIZE = (120, 36)
SHOP = Path(__file__).parent / "programs/python/web_shop"
PICTURES = Path(__file__).parent.parent / "screenshots"
PHASES = {
    "browsing": ("/catalogue/{n}", "/catalogue/{n}", "/catalogue/{n}", "/search?q=geen+tabel"),
    "searching": ("/search?q=amber+dessk", "/search?q=bokshelf", "/catalogue/{n}", "/checkout/3"),
    "buying": ("/checkout/12", "/search?q=miror", "/checkout/30", "/checkout/9", "/catalogue/{n}"),
}
PHASE_S = 16.0
TOUR = PICTURES / "tour.svg"
"""The one that moves: the table at three moments, then these views."""
TOUR_VIEWS = ("Source", "Flame graph", "Timeline", "Reporter")
TOUR_FRAME_S = 2.5
CELL = 12.2
"""The width of a cell in a picture."""
KEYS = {
    "Source": ["1", "home", "enter"],
    "Call tree": ["3", "home"],
    "Timeline": ["5", *["left"] * 12],
}
"""What to press for a picture, where a view's own key alone does not show it at its best."""


def picture_of(title: str) -> Path:
    return PICTURES / f"{title.lower().replace(' ', '-')}.svg"


class Load:
    """Two visitors who ask for one page after the other, of the phase that is on."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._phase = next(iter(PHASES))
        self._over = threading.Event()
        self._visitors = [threading.Thread(target=self._visit, args=(number,)) for number in range(2)]

    def __enter__(self) -> Self:
        for visitor in self._visitors:
            visitor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for visitor in self._visitors:
            visitor.join()

    def begin(self, phase: str) -> None:
        self._phase = phase

    def _visit(self, number: int) -> None:
        with httpx.Client(trust_env=False) as client:
            while not self._over.is_set():
                for page in PHASES[self._phase]:
                    # The shop is not up at first, and gone at the end.
                    with contextlib.suppress(httpx.TransportError):
                        client.get(self._url + page.format(n=number))
                    # Busy for a while, then quieter: as visitors are.
                    self._over.wait(0.12 if time.monotonic() % 8 < 3 else 0.01)
                    number += 1


async def take_pictures(app: ProfilerApp, load: Load, marks: Engine) -> None:
    def picture() -> str:
        return slim(app.export_screenshot(title="multi_lang_profiler"))

    async with app.run_test(size=SIZE) as pilot:
        live = []
        for number, phase in enumerate(PHASES):
            load.begin(phase)
            if number:
                marks.mark(phase)
            await asyncio.sleep(PHASE_S)
            live.append(picture())
        PICTURES.mkdir(exist_ok=True)
        taken = {}
        for key, kind in VIEWS.items():
            await pilot.press(*KEYS.get(kind.title, [key]))
            await settle(pilot)
            taken[kind.title] = picture()
            picture_of(kind.title).write_text(taken[kind.title])
            await pilot.press("escape")
        TOUR.write_text(moving([*live, *(taken[title] for title in TOUR_VIEWS)], TOUR_FRAME_S))


async def settle(pilot: Pilot[None]) -> None:
    """Until the engine has sent what the view asked for, and colours are there."""
    await asyncio.sleep(1.0)
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def slim(svg: str) -> str:
    """Without fonts from elsewhere, indentation, and the blanks at the ends of texts, which some viewers swallow."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"terminal-\d+-", "t-", svg)
    svg = re.sub(r'x="([\d.]+)" y="([\d.]+)" textLength="[\d.]+"([^>]*)>([^<]*)</text>', _without_blanks, svg)
    return re.sub(r"\n\s+", "\n", svg)


def _without_blanks(found: re.Match[str]) -> str:
    x, y, rest, text = found.groups()
    blank = "&#160;"
    inner = text.removeprefix(blank)
    skipped = 0
    while len(inner) < len(text):
        skipped, text = skipped + 1, inner
        inner = text.removeprefix(blank)
    while text.endswith(blank):
        text = text.removesuffix(blank)
    length = CELL * cell_len(unescape(text))
    return f'x="{float(x) + skipped * CELL:g}" y="{y}" textLength="{length:g}"{rest}>{text}</text>'


def make_pictures(folder: Path) -> None:
    """Run the shop in `folder` and take a picture of each view."""
    shop = Path(shutil.copytree(SHOP, folder / "shop"))
    port = free_port()
    # The fourth report needs three attempts.
    with contextlib.chdir(shop), Backend(200, 200, 200, 503, 503, 200) as backend:
        words = ["python", "server.py", "--python", sys.executable, "--report-endpoint", backend.url]
        words += ["--report-interval", "6", "--spool", str(folder / "spool"), "--", "--port", str(port)]
        engine = Engine(parse(words, {}, on_terminal=True).settings, SystemClock(), lambda _event: None)
        thread = threading.Thread(target=lambda: asyncio.run(engine.run()), name="engine")
        thread.start()
        try:
            with Load(f"http://127.0.0.1:{port}") as load:
                asyncio.run(take_pictures(ProfilerApp(engine, settings=NO_SETTINGS), load, engine))
        finally:
            engine.stop()
            thread.join()


def machine_words(svg: str) -> list[str]:
    """Paths of this machine that a picture shows and should not."""
    return re.findall(r"(?:/(?:home|root|tmp|work|Users|usr|opt)/)[^<&\s]*", svg)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        make_pictures(Path(folder))
    for picture in sorted(PICTURES.glob("*.svg")):
        shown = machine_words(picture.read_text())
        print(f"{picture.name}: {picture.stat().st_size / 1000:.0f} KB{', shows ' + ', '.join(shown) if shown else ''}")
