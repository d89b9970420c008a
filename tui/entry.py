"""The command's entry: the engine's command line, handed the screens that it may show. Of the engine nothing knows more of screens than that.

Loads nothing but what comes before the program's start; a screen takes longer to load than all the rest.
"""

from ..engine.command import early

TYPE_CHECKING = False  # As in `engine/program/child.py`.
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from ..engine.analysis.controls import Controls
    from ..engine.analysis.ranges import TimeRange


def main() -> "NoReturn":
    """Run the command and end the process with its status."""
    early.main(Screens())


class Screens:
    """A `Screens` of `engine/command/view.py`."""

    def show(self, controls: "Controls", view: str = "", wanted: "TimeRange | None" = None) -> str:
        from .run_screen import run_screen

        return run_screen(controls, view, wanted)

    def pick(self, rows: "Sequence[str]") -> list[int]:
        from .run_list import pick_runs

        return pick_runs(rows)
