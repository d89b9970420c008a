"""What the preload is told, as text in its environment. Loads only what the interpreter has loaded anyway, as the early start does."""

import os

KEY = "multi_lang_profiler.node"
VARIABLE = "MULTI_LANG_PROFILER_NODE"
PRELOAD = f"{os.path.dirname(os.path.realpath(__file__))}/preload.cjs"
OPTION = f"--require={PRELOAD}"
"""Has Node.js load the preload ahead of the program."""
SOCKET = "node.sock"
"""In the private folder."""
MAX_WINDOW_S = 2.5
MAX_UNSEEN_WINDOW_S = 5.0
"""Windows of large programs are dear; without a screen nobody waits for them. So long can be what a program that is killed takes along."""
START_WAIT_MS = 200
"""So long a program is kept waiting for its helper, which takes some 70 ms to start, and seconds where all cores are taken."""


def config_text(folder: str, *, rate_hz: int, screen: bool, by_cpu: bool, follow: bool) -> str:
    """The configuration as JSON, of a run whose private folder is `folder`."""
    period_us = round(1e6 / rate_hz)
    fields = {
        "key": _quoted(KEY),
        "titles": f"[{_quoted(f'{KEY} 0')}, {_quoted(f'{KEY} 1')}]",
        "socket": _quoted(f"{folder}/{SOCKET}"),
        "option": _quoted(OPTION),
        "intervalUs": period_us,
        "maxWindowUs": round(1e6 * (MAX_WINDOW_S if screen else MAX_UNSEEN_WINDOW_S)),
        "pollMs": max(10, min(50, 2 * period_us // 1000)),
        "startWaitMs": START_WAIT_MS,
        "takesCpuTimes": str(by_cpu).lower(),
        "follow": str(follow).lower(),
    }
    return f"{{{', '.join(f'{_quoted(name)}: {value}' for name, value in fields.items())}}}"


def _quoted(text: str) -> str:
    """As a JSON string; of plain ASCII, as json.dumps makes it, which takes a third of the interpreter's start to load."""
    escaped = (
        character if " " <= character <= "~" and character not in '"\\' else _escaped(character) for character in text
    )
    return f'"{"".join(escaped)}"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    utf_16 = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{utf_16[at : at + 2].hex()}" for at in range(0, len(utf_16), 2))
