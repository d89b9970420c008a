#!/usr/bin/env bash
# Textual 8.2.8: after SIGTSTP and SIGCONT (a shell's `fg`) an app shows only what changes from then on.
#
# Expected: as after its own `App.suspend()`, the whole screen is drawn again: the driver handles both signals, leaves the alternate screen and enters it anew.
# Happens:  it enters the alternate screen, which is empty then, and draws no more than it would have drawn anyway: a counter that goes on is seen, a
#           label beside it is gone until something lays the screen out. `suspend()` ends with `refresh(layout=True)`; the way back from the signal publishes
#           `app_resume_signal` only, so that whoever wants a whole screen subscribes to it and refreshes.
# Seen (CPython 3.11.7): "after SIGCONT: alternate screen entered True, counter True, label False"
#                        "the same, refreshed on app_resume_signal: alternate screen entered True, counter True, label True"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target packages textual==8.2.8 >log 2>&1 || { cat log; exit 2; }
cat >app.py <<'P'
import sys

from textual.app import App
from textual.widgets import Static


class Counter(App):
    def compose(self):
        yield Static("standing label")
        yield Static("", id="count")

    def on_mount(self):
        self.count = 0
        self.set_interval(0.2, self.tick)
        if sys.argv[1] == "refreshed":
            self.app_resume_signal.subscribe(self, lambda app: app.refresh(layout=True))

    def tick(self):
        self.count += 1
        self.query_one("#count", Static).update(f"counted {self.count}")


Counter().run()
P
cat >stop.py <<'P'
import os
import pty
import signal
import sys
import threading
import time


def after_stop(how):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "app.py", how], {**os.environ, "TERM": "xterm-256color"})
    drawn = bytearray()

    def read():
        try:
            while data := os.read(terminal, 65536):
                drawn.extend(data)
        except OSError:
            pass

    threading.Thread(target=read, daemon=True).start()
    while b"standing label" not in drawn or b"counted 3" not in drawn:
        time.sleep(0.05)
    os.kill(pid, signal.SIGTSTP)
    os.waitpid(pid, os.WUNTRACED)
    time.sleep(0.3)
    drawn.clear()
    os.kill(pid, signal.SIGCONT)
    time.sleep(2)
    # Of "counted 12" the whole line is drawn.
    counter = b"counted " in drawn
    entered, label = b"\x1b[?1049h" in drawn, b"standing label" in drawn
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return entered, counter, label


seen = {"after SIGCONT": after_stop("plain"), "the same, refreshed on app_resume_signal": after_stop("refreshed")}
for how, (entered, counter, label) in seen.items():
    print(f"{how}: alternate screen entered {entered}, counter {counter}, label {label}")
raise SystemExit(0 if [*seen.values()] == [(True, True, False), (True, True, True)] else 1)
P
PYTHONPATH=packages timeout 60 python3 stop.py
