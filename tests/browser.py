"""A headless Chromium that tests drive by real input events, and what it saw and said.

Spoken to by the DevTools protocol over a pair of pipes, so no other library is needed.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE_S = 20.0


def chromium() -> str | None:
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def _two_pipes() -> tuple[int, int, tuple[int, int]]:
    """What we write to, what we read from, and the browser's ends of both."""
    theirs, to_write = os.pipe()
    from_read, also_theirs = os.pipe()
    # Far from 3 and 4, the numbers that the browser wants them to have.
    ends = fcntl.fcntl(theirs, fcntl.F_DUPFD, 50), fcntl.fcntl(also_theirs, fcntl.F_DUPFD, 50)
    os.close(theirs)
    os.close(also_theirs)
    return to_write, from_read, ends


class Browser:
    """One page of one browser.

    problems : what the console, exceptions and the log complained of
    requests : addresses that were asked for and are not in the page itself
    """

    def __init__(self, profile: Path, *, width: int, height: int, flags: tuple[str, ...] = ()):
        to_write, from_read, ends = _two_pipes()
        program = chromium()
        assert program
        command = [
            "bash",
            "-c",
            f'exec "$0" "$@" 3<&{ends[0]} 4>&{ends[1]}',
            program,
            "--headless=new",
            "--no-sandbox",
            "--use-angle=swiftshader",
            "--enable-unsafe-swiftshader",
            "--disable-background-networking",
            "--no-first-run",
            "--hide-scrollbars",
            "--force-color-profile=srgb",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
            *flags,
            "about:blank",
        ]
        self.process = subprocess.Popen(
            command,
            pass_fds=ends,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in ends:
            os.close(end)
        self._to, self._from = os.fdopen(to_write, "wb"), os.fdopen(from_read, "rb")
        self._count, self._rest, self._session = 0, b"", ""
        self.problems: list[str] = []
        self.requests: list[str] = []
        target = next(
            t for t in self.ask("Target.getTargets")["targetInfos"] if t["type"] == "page"
        )
        attached = self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def close(self) -> None:
        try:
            self._session = ""
            self.ask("Browser.close")
        except (BrokenPipeError, EOFError):
            pass
        self.process.wait(timeout=PATIENCE_S)
        self._to.close()
        self._from.close()

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while True:
            answer = self._next()
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return dict(answer["result"])
            self._hear(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._from.fileno(), 1 << 20)
            if not more:
                raise EOFError("the browser has gone")
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(message))

    def _hear(self, event: dict[str, Any]) -> None:
        said = event.get("params", {})
        match event.get("method"):
            case "Runtime.exceptionThrown":
                self.problems.append(json.dumps(said["exceptionDetails"])[:500])
            case "Runtime.consoleAPICalled" if said["type"] in ("error", "warning", "assert"):
                self.problems.append(json.dumps(said["args"])[:500])
            case "Log.entryAdded" if said["entry"]["level"] in ("error", "warning"):
                self.problems.append(said["entry"]["text"])
            case "Network.requestWillBeSent":
                address = said["request"]["url"]
                if not address.startswith("data:"):
                    self.requests.append(address)

    def open(self, page: Path, options: str = "") -> None:
        self.requests.clear()
        self.ask("Page.navigate", url="about:blank")
        self.ask("Page.navigate", url=f"{page.as_uri()}#{options}")

    def value(self, expression: str) -> Any:
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:500])
        return answer["result"].get("value")

    def wait(self, done: str | Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Until the expression is true in the page."""
        end = time.monotonic() + patience_s
        while not (self.value(done) if isinstance(done, str) else done()):
            if time.monotonic() > end:
                raise TimeoutError(f"{done}: {self.problems}")
            time.sleep(0.02)

    def mouse(self, x: float, y: float) -> None:
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        self.ask(
            "Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y} for x, y in points]
        )

    def key(self, key: str) -> None:
        for kind in ("rawKeyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key)

    def photograph(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, sRGB."""
        stored = base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"])
        picture = cv2.imdecode(np.frombuffer(stored, np.uint8), cv2.IMREAD_COLOR_RGB)
        return np.asarray(picture, np.uint8)
