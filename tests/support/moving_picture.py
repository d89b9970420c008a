"""Several pictures of one terminal as one that moves: an SVG whose frames take turns by CSS alone, without a script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_PARTS = re.compile(
    r"^(<svg .*?>)(?:\n<!--.*?-->)?\n<style>\n(.*?)</style>\n<defs>.*?</defs>\n(.*)</svg>\s*$", re.DOTALL
)


def moving(frames: Sequence[str], each_s: float) -> str:
    """An SVG that shows `frames`, SVGs of one size as `slim` leaves them, for `each_s` seconds each, for ever.

    Who prefers no motion gets the first frame.
    """
    parts = [_PARTS.match(frame) for frame in frames]
    assert all(parts), "a picture is not as the terminal's export writes it"
    found = [part.groups() for part in parts if part]
    styles, bodies = [], []
    for number, (_, style, drawn) in enumerate(found):
        styles += [
            line.replace(".t-r", f".f{number}-r")
            for line in style.splitlines()
            if line.startswith(".t-r") or not number
        ]
        body = (
            re.sub(r' clip-path="[^"]*"', "", drawn)
            .replace('class="t-r', f'class="f{number}-r')
            .replace("&#160;", "\N{NO-BREAK SPACE}")
        )
        bodies.append(f'<g class="frame" style="animation-delay:{number * each_s:g}s">\n{body}</g>\n')
    share = 100 / len(frames)
    styles += [
        f".frame {{ opacity: 0; animation: turn {len(frames) * each_s:g}s step-end infinite }}",
        f"@keyframes turn {{ 0% {{ opacity: 1 }} {share:.3f}% {{ opacity: 0 }} }}",
        "@media (prefers-reduced-motion) { .frame { animation: none } .frame:first-of-type { opacity: 1 } }",
    ]
    return f"{found[0][0]}\n<style>\n" + "\n".join(styles) + "\n</style>\n" + "".join(bodies) + "</svg>\n"
