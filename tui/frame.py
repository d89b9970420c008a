"""A frame: what has changed in the widgets that are drawn by line goes straight to the terminal.

Textual puts together all visible widgets for each update, what lies under them too, and sends each line from its widget's left edge on: a third
of what a quiet screen took. What lies under a notification, has an edge of Textual's or goes through its filters is left to Textual, and so is
all while a dialog is open or a layout is due; it draws the same lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from textual._ansi_sequences import SYNC_END, SYNC_START
from textual.errors import NoWidget
from textual.geometry import Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import App
    from textual.screen import Screen

    from .widgets.board import DrawnByLine

_Piece: TypeAlias = tuple[int, int, str]
"""Row and column of the screen, and what is to stand there."""
_NOTIFICATIONS = "textual-toastrack"


class Frame:
    """`with frame:` on the screen's thread; what widgets hand to `draw` meanwhile is drawn at its end."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._changed: list[tuple[DrawnByLine, Sequence[Region]]] = []
        self._is_open = False

    def __enter__(self) -> None:
        self._is_open = True

    def __exit__(self, *_: object) -> None:
        self._is_open = False
        changed, self._changed = self._changed, []
        if not changed:
            return
        screen, pieces = self._app.screen, list[_Piece]()
        covered = self._covered(screen)
        for widget, regions in changed:
            left = regions if covered is None else self._draw(screen, widget, regions, covered, pieces)
            if left:
                widget.refresh(*left)
        if pieces:
            # From the top, as Textual does: a terminal may show the first part before it has the rest.
            self._write("".join(f"\x1b[{row + 1};{column + 1}H{drawn}" for row, column, drawn in sorted(pieces)))

    def draw(self, widget: DrawnByLine, regions: Sequence[Region]) -> None:
        """These of its cells have changed."""
        if self._is_open:
            self._changed.append((widget, regions))
        else:
            widget.refresh(*regions)

    def _covered(self, screen: Screen[object]) -> list[Region] | None:
        """What notifications lie over; None where nothing can be drawn now."""
        app = self._app
        if (
            app.is_headless
            or len(app.screen_stack) > 1
            or screen._layout_required  # noqa: SLF001 - it does not tell
            or app.get_line_filters()
        ):
            return None
        racks = (each for each in screen.children if each.id == _NOTIFICATIONS)
        return [each.region for rack in racks for holder in rack.children for each in holder.children]

    def _draw(
        self,
        screen: Screen[object],
        widget: DrawnByLine,
        regions: Sequence[Region],
        covered: Sequence[Region],
        pieces: list[_Piece],
    ) -> Sequence[Region]:
        """Append what draws them to `pieces`; gives those that cannot be drawn so."""
        try:
            geometry = screen.find_widget(widget)
        except NoWidget:
            return regions
        where = geometry.region
        if widget.has_edge or geometry.visible_region != where:
            return regions
        left, console = [], self._app.console
        for region in regions:
            x, y, width, height = region.translate(where.offset)
            if any(each.overlaps(Region(x, y, width, height)) for each in covered):
                left.append(region)
                continue
            pieces.extend(
                (where.y + line, x, widget.rendered(line, region.x, region.right, console))
                for line in range(region.y, region.bottom)
            )
        return left

    def _write(self, text: str) -> None:
        app = self._app
        column, row = app.screen.outer_size.clamp_offset(app.cursor_position)
        text += f"\x1b[{row + 1};{column + 1}H"
        driver = app._driver  # noqa: SLF001 - only Textual writes, else
        if driver is not None:
            # In one piece: each wakes up the thread that writes.
            driver.write(f"{SYNC_START}{text}{SYNC_END}" if app._sync_available else text)  # noqa: SLF001
            driver.flush()
