"""Servers of this process, on loopback."""

from __future__ import annotations

from socketserver import BaseServer
from threading import Thread

__all__ = ["start_server"]

# `shutdown` waits for the end of an interval: half a second by default, in hundreds of tests.
_INTERVAL_S = 0.01


def start_server(server: BaseServer) -> Thread:
    """Answer requests in a thread until `server.shutdown()`."""
    thread = Thread(target=server.serve_forever, args=(_INTERVAL_S,), daemon=True)
    thread.start()
    return thread
