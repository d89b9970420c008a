#!/usr/bin/env bash
# Textual 8.2.8: a key whose binding has priority is obeyed before keys that were typed ahead of it.
#
# Expected: keys do what they would do one by one, however quickly they come: Down, then Enter, takes the second row of a list.
# Happens:  that holds while each is typed after the last was obeyed. In one write, as a paste, a macro or a slow line hands them over, Enter with
#           `priority=True` takes the first row: the app runs priority bindings at once, while Down still goes through the queues of the list and its
#           ancestors. Without priority Enter is the list's own, and the order is kept.
# Seen (CPython 3.11.7): "one by one: 1", "in one write: 0", "in one write, without priority: 1"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --target packages textual==8.2.8 >log 2>&1 || { cat log; exit 2; }
cat >app.py <<'P'
import sys
from pathlib import Path

from textual.app import App
from textual.binding import Binding
from textual.widgets import OptionList


class Rows(App):
    BINDINGS = [Binding("enter", "take", "Take", priority=True)] if sys.argv[1] == "priority" else []

    def compose(self):
        yield OptionList("first", "second", "third")

    def on_mount(self):
        self.set_timer(0.5, Path("ready").touch)

    def action_take(self):
        self.exit(self.query_one(OptionList).highlighted)

    def on_option_list_option_selected(self, event):
        self.exit(event.option_index)


row = Rows().run()
Path("taken").write_text(str(row))
P
cat >type.py <<'P'
import os
import pty
import sys
import threading
import time
from pathlib import Path


def row(how, writes):
    for name in ("ready", "taken"):
        Path(name).unlink(missing_ok=True)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "app.py", how], {**os.environ, "TERM": "xterm-256color"})

    def drain():
        try:
            while os.read(terminal, 65536):
                pass
        except OSError:
            pass

    threading.Thread(target=drain, daemon=True).start()
    while not Path("ready").exists():
        time.sleep(0.05)
    for keys in writes:
        os.write(terminal, keys)
        time.sleep(0.7)
    os.waitpid(pid, 0)
    return Path("taken").read_text()


down, enter = b"\x1b[B", b"\r"
seen = {
    "one by one": row("priority", [down, enter]),
    "in one write": row("priority", [down + enter]),
    "in one write, without priority": row("plain", [down + enter]),
}
for how, taken in seen.items():
    print(f"{how}: {taken}")
raise SystemExit(0 if list(seen.values()) == ["1", "0", "1"] else 1)
P
PYTHONPATH=packages timeout 60 python3 type.py
