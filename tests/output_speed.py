"""How fast what a program prints becomes lines, beside pyte, a terminal in Python: `python -m tests.output_speed`, half a minute.

Whatever a program prints goes through there on the engine's loop, 100 MB of it too. Installs pyte into a temporary folder.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from time import process_time

from multi_lang_profiler.engine.program.output import Output
from tests.command_projects import venv

PYTE = "pyte==0.8.2"
PRINTED = {
    "plain lines": b"".join(
        b"line %d of what a server logs, with some words more\r\n" % number for number in range(8_000)
    ),
    "lines with colours": b"".join(
        b"\x1b[32mINFO\x1b[0m request %d \x1b[1mdone\x1b[0m\r\n" % number for number in range(8_000)
    ),
    "a progress bar": b"".join(
        b"\r%3d%%|%s| %d/8000" % (number // 80, b"#" * (number // 160), number) for number in range(8_000)
    ),
    "two progress bars": b"".join(
        b"\x1b[1A\r\x1b[2Kdownload %d\n\r\x1b[2Kunpack %d" % (number, number // 2) for number in range(8_000)
    ),
}
PIECE_BYTES = 65_536
OF_PYTE = """\
from time import process_time
import pyte

printed = sys.stdin.buffer.read()
stream = pyte.ByteStream(pyte.Screen(120, 40))
began = process_time()
for at in range(0, len(printed), 65_536):
    stream.feed(printed[at : at + 65_536])
print(process_time() - began)
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        venv(Path(name), PYTE)
        print(f"{'MB of it a second':<20}{'ours':>8}{'pyte':>8}")
        for kind, printed in PRINTED.items():
            words = [f"{name}/venv/bin/python", "-c", OF_PYTE]
            theirs_s = float(subprocess.run(words, input=printed, capture_output=True, check=True).stdout)
            ours_s = min(ours(printed) for _ in range(3))
            print(f"{kind:<20}{len(printed) / ours_s / 1e6:8.1f}{len(printed) / theirs_s / 1e6:8.2f}")


def ours(printed: bytes) -> float:
    """Seconds of CPU time."""
    output, began_s = Output(), process_time()
    for at in range(0, len(printed), PIECE_BYTES):
        output.take(printed[at : at + PIECE_BYTES], is_stderr=False)
    assert output.lines
    return process_time() - began_s


if __name__ == "__main__":
    main()
