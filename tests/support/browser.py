"""Debian's Chromium without a window, driven over the pipe of its own protocol: pages are opened, keys pressed, pictures taken."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

import pytest

DEADLINE_S = 60.0
_WITH_PIPES = """
import fcntl, os, sys
moved = [fcntl.fcntl(int(pipe), fcntl.F_DUPFD, 10) for pipe in sys.argv[1:3]]
for number, pipe in enumerate(moved, 3):
    os.dup2(pipe, number)
os.execvp(sys.argv[3], sys.argv[3:])
"""
"""The protocol's pipe is on 3 and 4, whatever numbers ours have."""
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Browser:
    """`with Browser(folder) as browser:`; the test is skipped, and says so, where there is none."""

    def __init__(self, folder: Path) -> None:
        found = next(filter(None, map(shutil.which, NAMES)), None)
        if not found:
            pytest.skip("NOT TESTED: there is no Chromium here; apt install chromium")
        self._program = found
        self._folder = folder
        self._asked = 0
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._session = ""
        self.said: list[str] = []
        """What the page wrote to its console, its errors, and what it asked the network for."""

    def __enter__(self) -> Self:
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        words = [self._program, "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu"]
        words += ["--no-first-run", "--disable-dev-shm-usage", f"--user-data-dir={self._folder / 'profile'}"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _WITH_PIPES, str(to_read), str(to_write), *words, "about:blank"],
            pass_fds=(to_read, to_write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_read)
        os.close(to_write)
        threading.Thread(target=self._receive, daemon=True).start()
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self._ask(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._write)

    def open(self, page: Path, *, width: int = 1200, height: int = 900, dark: bool = False) -> None:
        """Open `page` and wait until its scripts have run."""
        self.said.clear()
        self._ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[scheme])
        self._ask("Page.navigate", url=page.resolve().as_uri())
        while self.run("document.readyState") != "complete":
            pass

    def run(self, expression: str) -> Any:
        """What JavaScript's `expression` gives in the page."""
        answer = self._ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, *keys: str) -> None:
        """Keys by the names that the page knows them by: `ArrowDown`, `a`."""
        for key in keys:
            text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
            self._ask("Input.dispatchKeyEvent", type="keyDown", key=key, **({"text": text} if text else {}))
            self._ask("Input.dispatchKeyEvent", type="keyUp", key=key)

    def click(self, selector: str) -> None:
        """In the middle of the first that `selector` finds."""
        box = f"(e => (e.scrollIntoView({{block: 'center'}}), e.getBoundingClientRect().toJSON()))(document.querySelector({selector!r}))"
        where = self.run(box)
        middle = {"x": where["x"] + where["width"] / 2, "y": where["y"] + where["height"] / 2}
        for kind in ("mousePressed", "mouseReleased"):
            self._ask("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **middle)

    def picture(self, file: Path) -> None:
        """Of the whole page."""
        size = self._ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6_000), "scale": 1}
        answer = self._ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        file.write_bytes(base64.b64decode(answer["data"]))

    def accessible(self) -> list[tuple[str, str]]:
        """Role and name of all that a screen reader is told of."""
        nodes = self._ask("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")
        ]

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._asked += 1
        message: dict[str, Any] = {"id": self._asked, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._messages.get(timeout=DEADLINE_S)
            assert answer is not None, "the browser has ended"
            if answer.get("id") == self._asked:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer.get("method", ""), answer.get("params", {}))

    def _note(self, method: str, parameters: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.said.append(json.dumps(parameters["exceptionDetails"])[:600])
        elif method == "Log.entryAdded":
            self.said.append(parameters["entry"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.said.append(json.dumps(parameters["args"])[:600])
        elif method == "Network.requestWillBeSent" and not parameters["request"]["url"].startswith(("file:", "about:")):
            self.said.append(f"asked for {parameters['request']['url'][:200]}")

    def _receive(self) -> None:
        held = b""
        with os.fdopen(self._read, "rb", buffering=0) as stream:
            while data := stream.read(1 << 20):
                *whole, held = (held + data).split(b"\0")
                for message in whole:
                    self._messages.put(json.loads(message))
        self._messages.put(None)
