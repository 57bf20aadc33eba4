"""A headless Chromium, told what to do through a pipe in its DevTools protocol; nothing else is needed.

It is looked for under the names in `NAMES`, or is the program that ``CHROMIUM`` in the environment names.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Chromium reads from descriptor 3 and writes to 4, whatever the pipes' own numbers are.
LAUNCH = (
    "import os, sys; out, into = (os.dup(int(n)) for n in sys.argv[1:3]); "
    "os.dup2(out, 3); os.dup2(into, 4); os.set_inheritable(3, True); os.set_inheritable(4, True); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)
PATIENCE = 120.0
"""Seconds to wait for an answer."""

KEYS: Mapping[str, tuple[int, str]] = {
    "Tab": (9, ""), "Enter": (13, "\r"), "Space": (32, " "), "End": (35, ""), "Home": (36, ""),
    "ArrowLeft": (37, ""), "ArrowRight": (39, ""), "ArrowDown": (40, ""),
}  # fmt: skip


def find_chromium() -> str | None:
    """Return the path of Chromium, or None where there is none."""
    names = (os.environ["CHROMIUM"],) if "CHROMIUM" in os.environ else NAMES
    return next((found for name in names if (found := shutil.which(name))), None)


class Page:
    """A page in a headless Chromium."""

    def __init__(self, into: int, out: int) -> None:
        self._into, self._out, self._session = into, out, ""
        self._count, self._unread = 0, b""
        self.messages: list[str] = []
        self.requests: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")

    def open(self, file: Path) -> None:
        """Open a file and wait until it has loaded."""
        self.messages.clear()
        self.requests.clear()
        self._call("Page.navigate", url=file.resolve().as_uri())
        self.wait_for("document.readyState === 'complete'")
        # Whoever presses keys needs a page that has the focus, as a window in front has.
        self._call("Emulation.setFocusEmulationEnabled", enabled=True)

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript; of a promise, what it comes to."""
        found = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(json.dumps(found["exceptionDetails"]))
        return found["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + PATIENCE
        while not self.evaluate(condition):
            if time.monotonic() > end:
                raise TimeoutError(condition)
            time.sleep(0.02)

    def emulate(self, width: int, *, height: int = 900, dark: bool = False, forced: bool = False) -> None:
        """Look at the page in a window of a width, on a light or dark screen, or in forced colours."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        features = {
            "prefers-color-scheme": "dark" if dark else "light",
            "forced-colors": "active" if forced else "none",
        }
        named = [{"name": name, "value": value} for name, value in features.items()]
        self._call("Emulation.setEmulatedMedia", media="", features=named)

    def without_script(self) -> None:
        """Let no page run its scripts from now on."""
        self._call("Emulation.setScriptExecutionDisabled", value=True)

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press and release a key."""
        code, text = KEYS[key]
        told: dict[str, Any] = {"key": text or key, "code": key, "windowsVirtualKeyCode": code}
        told["modifiers"] = 8 if shift else 0
        self._call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **told, text=text)
        self._call("Input.dispatchKeyEvent", type="keyUp", **told)

    def screenshot(self, file: Path) -> None:
        """Write a picture of the whole page."""
        found = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(found["data"]))

    def pdf(self) -> bytes:
        """Return the page as it prints, on the paper that its style sheet asks for, else A4."""
        found = self._call("Page.printToPDF", preferCSSPageSize=True, paperWidth=8.27, paperHeight=11.69)
        return base64.b64decode(found["data"])

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        content = json.dumps(message).encode() + b"\0"
        while content:
            content = content[os.write(self._into, content) :]
        while True:
            answer = self._read()
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        """Keep what the page complains of and what it asks for."""
        told = event.get("params", {})
        if event["method"] == "Log.entryAdded":
            self.messages.append(told["entry"]["text"])
        elif event["method"] == "Runtime.exceptionThrown":
            self.messages.append(json.dumps(told["exceptionDetails"]))
        elif event["method"] == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            if not select.select([self._out], [], [], PATIENCE)[0]:
                raise TimeoutError("Chromium does not answer")
            part = os.read(self._out, 1 << 20)
            if not part:
                raise ConnectionError("Chromium has ended")
            self._unread += part
        message, _, self._unread = self._unread.partition(b"\0")
        return dict(json.loads(message))


@contextmanager
def chromium(program: str) -> Iterator[Page]:
    """Run a Chromium with an empty profile and no network for the length of a block, and give its page."""
    to_read, into = os.pipe()
    out, to_write = os.pipe()

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            sys.executable, "-c", LAUNCH, str(to_read), str(to_write),
            program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--mute-audio",
            "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
        ]  # fmt: skip
        process = subprocess.Popen(
            command,
            pass_fds=(to_read, to_write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        try:
            yield Page(into, out)
        finally:
            os.close(into)
            os.close(out)
            process.terminate()
            process.wait(PATIENCE)
