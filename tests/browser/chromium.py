"""A real Chromium, driven over the pipe of its DevTools protocol; nothing but the browser needed.

https://chromedevtools.github.io/devtools-protocol/ describes the methods used.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SAFETY_SECONDS = 20.0
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # the page is ours, and tests may run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
)
_AS_3_AND_4 = (
    "import os, sys; from fcntl import F_DUPFD, fcntl;"
    "r, w = (fcntl(int(fd), F_DUPFD, 10) for fd in sys.argv[1:3]);"
    "os.dup2(r, 3); os.dup2(w, 4); os.execv(sys.argv[3], sys.argv[3:])"
)
"""Chromium reads commands from descriptor 3 and answers on 4."""


def find_chromium() -> str | None:
    """Return the path of the browser, or ``None`` where there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


class Chromium:
    """A running browser. ``call`` sends a command and returns its result."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._read = b""
        self._last = 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, *, session: str = "", **parameters: object) -> dict[str, Any]:
        """Return what the browser answers; events that come before it are kept.

        Raises:
            RuntimeError: the browser refuses, ends or does not answer.
        """
        self._last += 1
        said = {"id": self._last, "method": method, "params": parameters}
        message = said | ({"sessionId": session} if session else {})
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._message()).get("id") != self._last:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def wait_for(self, event: str, *, session: str) -> None:
        """Return once this event of the session was told."""
        while not any(
            one.get("method") == event and one.get("sessionId") == session for one in self.events
        ):
            self.events.append(self._message())

    def _message(self) -> dict[str, Any]:
        until = time.monotonic() + SAFETY_SECONDS
        while b"\0" not in self._read:
            ready, _, _ = select.select([self._answers], [], [], until - time.monotonic())
            data = os.read(self._answers, 1 << 20) if ready else b""
            if not data:
                raise RuntimeError("Chromium ended or does not answer.")
            self._read += data
        line, _, self._read = self._read.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message

    def page(self, *, width: int = 1280, height: int = 900) -> Page:
        """Return a new empty page of this size in CSS pixels."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ("Page", "Network", "Runtime", "Log"):
            page.call(f"{domain}.enable")
        page.size(width=width, height=height)
        return page


class Page:
    """One page of the browser."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self._browser = browser
        self._session = session

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        return self._browser.call(method, session=self._session, **parameters)

    def size(self, *, width: int, height: int) -> None:
        """Set the size of the window in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def without_scripts(self) -> None:
        """Let the page run no script; ``evaluate`` still works."""
        self.call("Emulation.setScriptExecutionDisabled", value=True)

    def colours(self, scheme: str) -> None:
        """Prefer ``light`` or ``dark``."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def open(self, path: Path) -> None:
        """Load the file at ``path`` and return once it was loaded."""
        self.call("Page.navigate", url=path.as_uri())
        self._browser.wait_for("Page.loadEventFired", session=self._session)

    def click(self, selector: str) -> None:
        """Click with a mouse on the middle of the first element that fits, as a person does."""
        place = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " e.scrollIntoView({block: 'center'}); const r = e.getClientRects()[0];"
            " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        at = {"x": place[0], "y": place[1], "button": "left", "clickCount": 1}
        self.call("Input.dispatchMouseEvent", type="mousePressed", **at)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", **at)
        self.screenshot()  # is taken of a frame drawn after the click

    def evaluate(self, expression: str) -> Any:  # noqa: ANN401 - what the page answers
        """Return the value of a JavaScript expression in the page."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def requests(self) -> list[str]:
        """Return the addresses that the page asked for so far."""
        self.evaluate("0")
        return [
            event["params"]["request"]["url"] for event in self._events("Network.requestWillBeSent")
        ]

    def refused(self) -> list[str]:
        """Return the addresses that the page asked for and its own policy did not let out."""
        self.evaluate("0")
        stopped = {
            event["params"]["requestId"]
            for event in self._events("Network.loadingFailed")
            if event["params"].get("blockedReason") == "csp"
        }
        return [
            event["params"]["request"]["url"]
            for event in self._events("Network.requestWillBeSent")
            if event["params"]["requestId"] in stopped
        ]

    def complaints(self) -> list[str]:
        """Return what the browser logged about the page: refused loads, errors of scripts."""
        self.evaluate("0")
        return [event["params"]["entry"]["text"] for event in self._events("Log.entryAdded")]

    def _events(self, method: str) -> list[dict[str, Any]]:
        return [
            event
            for event in self._browser.events
            if event.get("method") == method and event.get("sessionId") == self._session
        ]

    def screenshot(self) -> bytes:
        """Return what the window shows as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def pdf(self) -> bytes:
        """Return the page as it is printed."""
        answer = self.call("Page.printToPDF", preferCSSPageSize=True, paperWidth=8.27)
        return base64.b64decode(answer["data"])


@contextmanager
def running(program: str, profile: Path) -> Iterator[Chromium]:
    """Start the browser with an empty ``profile`` folder; it has ended afterwards."""
    commands_out, commands_in = os.pipe()
    answers_out, answers_in = os.pipe()
    shim = [sys.executable, "-c", _AS_3_AND_4, str(commands_out), str(answers_in)]
    process = subprocess.Popen(
        [*shim, program, *_FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(commands_out, answers_in),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(commands_out)
    os.close(answers_in)
    browser = Chromium(commands_in, answers_out)
    try:
        yield browser
        browser.call("Browser.close")
    finally:
        os.close(commands_in)
        os.close(answers_out)
        try:
            process.wait(SAFETY_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
