"""Pictures of every view of real runs, in a real terminal, to be looked at: `python -m tests.views FOLDER java go`, some minutes a language.

For each language, each way to colour (dark, light, 256 colours, 16 colours, NO_COLOR) and each size pages with as many views as can be read on one, and
where there is a Chromium a PNG of each. Nothing is judged: what annoys whoever looks is a fault.
"""

from __future__ import annotations

import argparse
import html
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.ansi import AnsiDecoder
from rich.console import Console

from multi_lang_profiler.tui.all_views import VIEWS
from tests.support.browser import NAMES
from tests.support.command import COMMAND, Folder
from tests.support.tmux import Terminal

PROGRAMS = Path(__file__).parent / "programs"
RUNS = {
    "python": ["python", "--python", sys.executable, str(PROGRAMS / "python/truth/sections.py"), "--", "600"],
    "node": ["node", str(PROGRAMS / "node/sections.cjs"), "--", "600"],
    "java": ["java", str(PROGRAMS / "java/Orders.java"), "--", "600"],
    "go": ["go", str(PROGRAMS / "go/orders.go"), "--", "600"],
}
SIZES = {(60, 15): 3, (80, 24): 2, (120, 40): 2, (200, 50): 1}
"""Columns and rows, and how many pictures of that size are beside each other."""
ROWS_OF_PIXELS = 1_650
"""About as high as a page is to be."""
COLOURS: dict[str, dict[str, str]] = {
    "dark": {"COLORTERM": "truecolor"},
    "light": {"COLORTERM": "truecolor"},
    "256-colours": {"COLORTERM": "", "TERM": "screen-256color"},
    "16-colours": {"COLORTERM": "", "TERM": "screen"},
    "no-color": {"COLORTERM": "truecolor", "NO_COLOR": "1"},
}
SETTLE_S = 4.0
"""Of samples, before the first picture."""
LOOK_S = 0.8
"""For a view to be drawn."""
KEYS = {"w": ["1", "w"]}
"""What to press where a view's own key is not all."""
PAGE = """<body style="margin:8px;background:{ground};color:{text};display:grid;gap:0 8px;
grid-template-columns:repeat({columns},max-content)">{views}</body>"""
LINES = '<pre style="font:13px/16px DejaVu Sans Mono,monospace;margin:0 0 12px;border:1px solid #888">{code}</pre>'


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.views", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("languages", nargs="+", choices=RUNS)
    parser.add_argument("--colours", nargs="+", choices=COLOURS, default=list(COLOURS))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for language in options.languages:
        for colours in options.colours:
            for size, shown in views(language, colours).items():
                each = SIZES[size] * max(1, ROWS_OF_PIXELS // height_of(size))
                titled = [(kind.title, text) for kind, text in zip(VIEWS.values(), shown, strict=True)]
                for number in range(0, len(titled), each):
                    page = options.folder / f"{language}-{colours}-{size[0]}x{size[1]}-{number // each + 1}.html"
                    page.write_text(as_page(titled[number : number + each], size, is_light=colours == "light"))
                    print(as_png(page, size) or page, flush=True)


def views(language: str, colours: str) -> dict[tuple[int, int], list[str]]:
    """What the terminal shows of each view, colours and all, by its size."""
    found: dict[tuple[int, int], list[str]] = {}
    with tempfile.TemporaryDirectory(prefix="mlp-views-") as name, Folder(Path(name)) as folder:
        environment = folder.environment(**COLOURS[colours])
        # Toolchains keep what they have built there.
        environment |= {"GOCACHE": os.environ.get("GOCACHE", str(Path.home() / ".cache/go-build"))}
        settings = folder.home / ".config/multi_lang_profiler/screen.toml"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text('theme = "profiler-light"\n' if colours == "light" else "")
        words: list[str | Path] = [
            "env",
            *(f"{key}={value}" for key, value in COLOURS[colours].items()),
            COMMAND,
            *RUNS[language],
        ]
        with Terminal(words, size=[*SIZES][-1], folder=folder.path, environment=environment) as terminal:
            terminal.wait_for("running", "self%")
            time.sleep(SETTLE_S)
            for size in SIZES:
                terminal.resize(*size)
                found[size] = []
                for key in VIEWS:
                    terminal.press(*KEYS.get(key, [key]))
                    time.sleep(LOOK_S)
                    found[size].append(terminal.coloured())
            terminal.press("q")
            terminal.wait_for("q")
            terminal.press("q")
            terminal.status()
    return found


def as_page(views: list[tuple[str, str]], size: tuple[int, int], *, is_light: bool) -> str:
    parts = []
    for title, shown in views:
        console = Console(record=True, width=size[0] + 1, file=io.StringIO(), force_terminal=True)
        # Colours go on from one line to the next.
        for line in AnsiDecoder().decode(shown):
            console.print(line, no_wrap=True, overflow="ignore", crop=False)
        code = console.export_html(inline_styles=True, code_format="{code}")
        parts.append(f"<div>{html.escape(title)}{LINES.format(code=code)}</div>")
    ground, text = ("#ffffff", "#000000") if is_light else ("#1c1c1c", "#d0d0d0")
    return PAGE.format(ground=ground, text=text, columns=SIZES[size], views="".join(parts))


def height_of(size: tuple[int, int]) -> int:
    """Of one view's picture, in pixels."""
    return size[1] * 16 + 36


def as_png(page: Path, size: tuple[int, int]) -> str:
    """Its path; empty without a Chromium."""
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        return ""
    png = page.with_suffix(".png")
    width = SIZES[size] * (size[0] * 8 + 16) + 20
    height = max(1, ROWS_OF_PIXELS // height_of(size)) * height_of(size) + 20
    words = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--screenshot={png}"]
    words += [f"--window-size={width},{height}", page.resolve().as_uri()]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
    return str(png)


if __name__ == "__main__":
    main()
