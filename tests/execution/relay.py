"""Connect standard input and output, which are a connection of QEMU, to a port of this host."""

from __future__ import annotations

import os
import socket
import sys
import threading


def main(port: int) -> None:
    """Copy both ways until the server has answered."""
    with socket.create_connection(("127.0.0.1", port)) as server:
        threading.Thread(target=_send, args=(server,), daemon=True).start()
        while data := server.recv(65536):
            while data:
                data = data[os.write(1, data) :]


def _send(server: socket.socket) -> None:
    while data := os.read(0, 65536):
        server.sendall(data)


if __name__ == "__main__":
    main(int(sys.argv[1]))
