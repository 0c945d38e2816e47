"""A real browser without a window, driven over a pipe by its DevTools protocol.

Standard library alone: Chromium reads commands as JSON from file descriptor 3 and answers on 4,
each ended by a zero byte.
"""

from __future__ import annotations

import base64
import json
import os
import re
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SPECIAL = {
    "Enter": 13, "Escape": 27, "End": 35, "Home": 36, "ArrowUp": 38, "ArrowDown": 40, "Tab": 9,
    "PageUp": 33, "PageDown": 34,
}  # fmt: skip


def find_chromium():
    """Its path, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page in a fresh profile; a context manager."""

    def __init__(self, width=1400, height=900, timeout=60.0, profile=None):
        self._size, self._timeout = (width, height), timeout
        self._profile = profile
        self._scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._buffer, self._last, self._session = b"", 0, None
        self.events = []

    def __enter__(self):
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        profile = self._profile or self._scratch.name
        command = [
            find_chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-dev-shm-usage", "--remote-debugging-pipe", f"--user-data-dir={profile}",
            f"--window-size={self._size[0]},{self._size[1]}", "about:blank",
        ]  # fmt: skip
        # What is preloaded here, such as a sanitizer, would keep Chromium from starting.
        environment = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
        # A shell puts the two ends where Chromium expects them, whatever numbers they have here.
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{to_read} 4>&{to_write}', "bash", *command],
            pass_fds=(to_read, to_write),
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        targets = self.send("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        attached = self.send("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Performance"):
            self.send(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        self._session = None
        try:
            self.send("Browser.close")
            self._process.wait(10)
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._read)
        os.close(self._write)
        self._scratch.cleanup()

    def send(self, method, **parameters):
        """Give a command and return its result."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive(time.monotonic() + self._timeout)
            if answer.get("id") == self._last:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def _receive(self, until):
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise RuntimeError("the browser does not answer")
            part = os.read(self._read, 1 << 20)
            if not part:
                raise RuntimeError("the browser has ended")
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def open(self, url):
        """Open a page and wait until it is loaded."""
        self.events.clear()
        self.send("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def evaluate(self, expression):
        """Return a JavaScript expression's value; an exception there is one here."""
        result = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description") or details["text"])
        return result["result"].get("value")

    def wait(self, condition):
        """Wait until a JavaScript condition holds."""
        until = time.monotonic() + self._timeout
        while not self.evaluate(f"Boolean({condition})"):
            if time.monotonic() > until:
                raise RuntimeError(f"never came true: {condition}")
            time.sleep(0.02)

    def press(self, key):
        """Press a key as a person does."""
        code = SPECIAL.get(key)
        down = {"type": "keyDown", "key": key}
        if code is None:
            down["text"] = key
        else:
            down |= {"windowsVirtualKeyCode": code, "code": key}
            if key == "Enter":
                down["text"] = "\r"
        self.send("Input.dispatchKeyEvent", **down)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key)

    def type(self, text):
        for character in text:
            self.press(character)

    def screenshot(self, path):
        data = self.send("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def cost(self):
        """The processor's seconds and the megabytes of the processes that draw pages."""
        session, self._session = self._session, None
        try:
            found = self.send("SystemInfo.getProcessInfo")["processInfo"]
        finally:
            self._session = session
        drawing = [process for process in found if process["type"] == "renderer"]
        megabytes = 0.0
        for process in drawing:
            with open(f"/proc/{process['id']}/status", encoding="utf-8") as file:
                megabytes += int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) / 1024
        return sum(process["cpuTime"] for process in drawing), megabytes

    def complaints(self):
        """What went wrong on the page: exceptions, refused requests, console errors."""
        self.evaluate("0")
        return [
            event["params"]
            for event in self.events
            if event.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded")
            or (
                event.get("method") == "Runtime.consoleAPICalled"
                and event["params"]["type"] in ("error", "warning")
            )
        ]
