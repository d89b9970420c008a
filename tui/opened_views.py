"""The views that were opened so far; each is put up when it is first asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .all_views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from textual.widgets import ContentSwitcher

    from .views import View


class OpenedViews:
    def __init__(self, first: str) -> None:
        """`first`: the key of the one that is put up with the screen."""
        self._up = {first: _make(first)}
        self._coming: dict[str, asyncio.Task[None]] = {}
        self._wishes: dict[str, list[Callable[[View], None]]] = {}

    def __iter__(self) -> Iterator[View]:
        return iter(self._up.values())

    def __getitem__(self, key: str) -> View:
        return self._up[key]

    def get(self, key: str) -> View | None:
        """None while it is not up."""
        return self._up.get(key)

    def tell(self, key: str, wish: Callable[[View], None]) -> None:
        """Do that with the view, now or as soon as it is up."""
        view = self._up.get(key)
        if view is not None:
            wish(view)
        else:
            self._wishes.setdefault(key, []).append(wish)

    def bring(self, key: str, switcher: ContentSwitcher, then: Callable[[], None]) -> None:
        """Put it up, on the screen's loop; `then` is called if it was not up yet and nobody has asked for it."""
        if key not in self._up and key not in self._coming:
            self._coming[key] = asyncio.create_task(self._put_up(key, switcher, then))

    async def bring_all(self, switcher: ContentSwitcher) -> None:
        for key in VIEWS:
            self.bring(key, switcher, lambda: None)
        await self.settled()

    async def settled(self) -> None:
        """Until all that was asked for is up: the next key is meant for it."""
        while self._coming:
            await asyncio.gather(*self._coming.values())

    async def _put_up(self, key: str, switcher: ContentSwitcher, then: Callable[[], None]) -> None:
        view = _make(key)
        view.display = False
        try:
            await switcher.mount(view)
            self._up[key] = view
            for wish in self._wishes.pop(key, ()):
                wish(view)
        finally:
            del self._coming[key]
        then()


def _make(key: str) -> View:
    view = VIEWS[key].load()()
    view.id = f"view-{key}"
    return view
