"""Inside a test machine: runs the commands that come over the second serial port.

A line of JSON asks (``{"id": 1, "command": ["id", "-un"], "timeout": 60}``) and one answers. It
needs neither network nor log-in, so that a rig which breaks these can still be looked at.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tty
from typing import Any

PORT = "/dev/ttyS1"
BOOT_ID = "/proc/sys/kernel/random/boot_id"


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """What a command said, and its exit status; 124 where it ran out of time."""
    try:
        done = subprocess.run(
            question["command"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=question["timeout"],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"},
        )
        status, out, err = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        status, out, err = 124, late.stdout or b"", late.stderr or b""
    except OSError as error:
        status, out, err = 127, b"", str(error).encode()
    texts = [base64.b64encode(text).decode() for text in (out, err)]
    return {"id": question["id"], "status": status, "out": texts[0], "err": texts[1]}


def main() -> None:
    """Say which boot this is, then answer for ever."""
    port = os.open(PORT, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(port)
    with open(BOOT_ID, encoding="ascii") as file:
        write(port, {"boot": file.read().strip()})
    with os.fdopen(port, "rb", buffering=0, closefd=False) as lines:
        for line in lines:
            try:
                question = json.loads(line)
            except ValueError:
                continue
            write(port, answer(question))


def write(port: int, reply: dict[str, Any]) -> None:
    """A line of JSON, on a line of its own."""
    data = b"\n" + json.dumps(reply).encode() + b"\n"
    while data:
        data = data[os.write(port, data) :]


if __name__ == "__main__":
    sys.exit(main())
