"""What a screen may ask of the engine. Every method returns at once and may be called from any thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from .snapshot import Snapshot, Stretch


class Controls(Protocol):
    def snapshot(self) -> Snapshot | None:
        """The newest picture of the run; the same object until there is a newer one, None before the first."""

    def send_now(self) -> None:
        """Close the window and report without waiting for the interval."""

    def mark(self, name: str) -> None:
        """Divide the run here; an empty name gets a number."""

    def restart(self) -> None:
        """End the program and start it again as a new run."""

    def export(self, file: Path, stretch: Stretch | None = None, mode: str | None = None) -> None:
        """Save the run so far, or a stretch of it alone, in the form that the file's ending says; the log tells how it went.

        `mode`: `cpu` or `wall` where that is to count and not what the run counts; see `weights`.
        """

    def open_source(self, path: str) -> None:
        """Put the text of `path`, as it was when the run began where possible, into the coming snapshots' `sources`."""

    def look_at_threads(self) -> None:
        """Have what the kernel says of each thread in one of the next pictures; to be asked again as long as somebody looks."""

    def type_keys(self, keys: bytes) -> None:
        """Type on the program's terminal, as a keyboard sends it: Enter is a carriage return, Ctrl+C a 3."""

    def hold(self, *, held: bool) -> None:
        """Stop all in front of the program's terminal, as Ctrl+Z does at a shell, or let it go on; done when this returns."""

    def resize(self, columns: int, rows: int) -> None:
        """The screen's size; the program is told how much of it shows its output."""

    def stop(self) -> None:
        """End the program (SIGTERM), make the final report and end; returns at once, the end shows in the snapshot."""

    @property
    def leaving(self) -> bool:
        """Whether the agent was told to end, by `stop` or by a signal: the screen goes as soon as the run is over."""
