"""The Firefox of the system, driven by WebDriver BiDi; Playwright drives only its own build."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

from websocket import WebSocket, create_connection

_SETTINGS = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
    # A mouse: the theme makes scrolling code focusable for it.
    "ui.allPointerCapabilities": 6,
    "ui.primaryPointerCapabilities": 6,
}
_SCHEME = "layout.css.prefers-color-scheme.content-override"
_SCHEMES = {"light": 1, "dark": 0}  # values of the setting


class Firefox:
    """A headless Firefox with one page."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile
        self._number = 0
        self.requests: list[str] = []
        self.messages: list[str] = []

    def __enter__(self) -> Firefox:
        self._start("light")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stop()

    def open(self, url: str, width: int, scheme: str) -> None:
        """Open a page at a width and in a color scheme, which a new process takes."""
        if scheme != self._scheme:
            self._stop()
            self._start(scheme)
        self.requests.clear()
        self.messages.clear()
        viewport = {"width": width, "height": 900}
        self._send("browsingContext.setViewport", context=self._page, viewport=viewport)
        self._send("browsingContext.navigate", context=self._page, url=url, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression, awaited, that JSON can write."""
        result = self._send(
            "script.evaluate",
            expression=f"Promise.resolve({expression}).then(JSON.stringify)",
            target={"context": self._page},
            awaitPromise=True,
        )
        assert result["type"] == "success", result
        value = result["result"].get("value")
        return None if value is None else json.loads(value)

    def run(self, script: str) -> None:
        """Run a script in the page."""
        result = self._send(
            "script.evaluate",
            expression=f"{script};0",
            target={"context": self._page},
            awaitPromise=False,
        )
        assert result["type"] == "success", result

    def screenshot(self) -> bytes:
        """Return the visible part of the page as PNG."""
        taken = self._send("browsingContext.captureScreenshot", context=self._page)
        return base64.b64decode(taken["data"])

    def _start(self, scheme: str) -> None:
        program = shutil.which("firefox-esr") or shutil.which("firefox")
        assert program is not None, "scripts/install-test-tools installs it"
        self._scheme = scheme
        folder = self._profile / scheme
        folder.mkdir(exist_ok=True)
        settings = {
            **_SETTINGS,
            _SCHEME: _SCHEMES[scheme],
        }
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in settings.items()]
        (folder / "user.js").write_text("\n".join(lines), encoding="utf-8")
        self._process = subprocess.Popen(
            [program, "--headless", "--profile", str(folder), "--remote-debugging-port", "0"],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stderr is not None
        for line in self._process.stderr:
            address = re.search(r"WebDriver BiDi listening on (ws://\S+)", line)
            if address is not None:
                break
        else:
            raise AssertionError("Firefox does not start")
        self._socket: WebSocket = create_connection(
            f"{address[1]}/session", timeout=300, suppress_origin=True
        )
        self._send("session.new", capabilities={})
        tree = self._send("browsingContext.getTree", maxDepth=0)
        self._page = tree["contexts"][0]["context"]
        events = ["network.beforeRequestSent", "log.entryAdded"]
        self._send("session.subscribe", events=events, contexts=[self._page])

    def _stop(self) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(30)

    def _send(self, method: str, **params: object) -> dict[str, Any]:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._number:
                assert answer["type"] == "success", answer
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") == "network.beforeRequestSent":
            self.requests.append(event["params"]["request"]["url"])
        elif event.get("method") == "log.entryAdded":
            entry = event["params"]
            self.messages.append(f"{entry['level']}: {entry['text']}")
