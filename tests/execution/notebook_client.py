"""A client of notebook servers: logs in with a password and runs cells through the API."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from http.cookiejar import CookieJar
from pathlib import Path

import websocket

_REFUSED = (401, 403)
# For one answer, in seconds: an emulated machine takes its time over a password's hash or a kernel.
_PATIENCE = 180


class NotebookClient:
    """One browser: with its cookies, and trusting one certificate."""

    def __init__(self, port: int, certificate: Path) -> None:
        self._cookies = CookieJar()
        self._tls = ssl.create_default_context(cafile=str(certificate))
        self._address = f"https://localhost:{port}"
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self._cookies),
            urllib.request.HTTPSHandler(context=self._tls),
            urllib.request.ProxyHandler({}),
        )

    def wait(self, seconds: float = 60) -> None:
        """Until it answers."""
        end = time.monotonic() + seconds
        while True:
            try:
                self._opener.open(f"{self._address}/login", timeout=5).read()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                assert time.monotonic() < end, f"nothing answers on {self._address}"
                time.sleep(0.3)

    def log_in(self, password: str) -> bool:
        """Whether the password was taken."""
        self._opener.open(f"{self._address}/login", timeout=_PATIENCE).read()
        values = {"password": password, "_xsrf": self._cookie("_xsrf")}
        data = urllib.parse.urlencode(values).encode()
        try:
            self._opener.open(f"{self._address}/login", data, timeout=_PATIENCE).read()
        except urllib.error.HTTPError as error:
            if error.code not in _REFUSED:
                raise
        try:
            return isinstance(self._json("GET", "/api/contents"), dict)
        except urllib.error.HTTPError as error:
            if error.code not in _REFUSED:
                raise
            return False

    def run(self, code: str) -> str:
        """What a cell prints; what it warns of is left out."""
        kernel = self._json("POST", "/api/kernels", {})["id"]
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._cookies)
        address = self._address.replace("https", "wss")
        channels = websocket.create_connection(
            f"{address}/api/kernels/{kernel}/channels",
            cookie=cookies,
            sslopt={"context": self._tls},
            timeout=_PATIENCE,
        )
        message = _message("execute_request", {"code": code, "silent": False})
        channels.send(json.dumps(message))
        printed = ""
        while True:
            answer = json.loads(channels.recv())
            if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            if answer["msg_type"] == "stream":
                if answer["content"]["name"] == "stdout":
                    printed += answer["content"]["text"]
            elif answer["msg_type"] == "execute_reply":
                assert answer["content"]["status"] == "ok", answer
            elif answer["msg_type"] == "status" and answer["content"]["execution_state"] == "idle":
                break
        channels.close()
        return printed

    def _cookie(self, name: str) -> str:
        return next(cookie.value or "" for cookie in self._cookies if cookie.name == name)

    def _json(self, method: str, path: str, body: object | None = None) -> dict[str, str]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._address + path, data, method=method)
        request.add_header("X-XSRFToken", self._cookie("_xsrf"))
        found = json.loads(self._opener.open(request, timeout=_PATIENCE).read())
        assert isinstance(found, dict)
        return found


def _message(kind: str, content: dict[str, object]) -> dict[str, dict[str, object]]:
    header = {"msg_id": uuid.uuid4().hex, "username": "test", "session": uuid.uuid4().hex}
    header |= {"msg_type": kind, "version": "5.3"}
    return {
        "header": {**header},
        "parent_header": {},
        "metadata": {},
        "content": {**content, "store_history": False, "allow_stdin": False},
        "channel": "shell",  # type: ignore[dict-item]
    }
