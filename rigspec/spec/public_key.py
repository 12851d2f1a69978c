"""Whether a public key is one: its bytes say which kind it is, and end where it ends."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from pydantic_core import PydanticCustomError

__all__ = ["validate_ssh_key"]

# How many parts a key of each kind has (RFC 4253, RFC 5656, RFC 8709, OpenSSH's PROTOCOL.u2f).
_PARTS = {
    "ssh-ed25519": 2,
    "ssh-rsa": 3,
    "ecdsa-sha2-nistp256": 3,
    "ecdsa-sha2-nistp384": 3,
    "ecdsa-sha2-nistp521": 3,
    "sk-ssh-ed25519@openssh.com": 3,
    "sk-ecdsa-sha2-nistp256@openssh.com": 4,
}


def validate_ssh_key(text: str) -> str:
    """The key as it is. Raises PydanticCustomError for one that was cut or put together."""
    kind, encoded, *_ = text.split(" ")
    try:
        parts = list(_parts(base64.b64decode(encoded, validate=True)))
    except (binascii.Error, ValueError):
        parts = []
    if len(parts) != _PARTS[kind] or parts[0] != kind.encode():
        words = f"this is no whole {kind} key: copy it again from the file that ends in .pub"
        raise PydanticCustomError("form", "{words}", {"words": words})
    return text


def _parts(data: bytes) -> Iterator[bytes]:
    """What stands in the key, each part with its length before it. Raises ValueError."""
    while data:
        length, data = int.from_bytes(data[:4], "big"), data[4:]
        if length > len(data) or not length:
            raise ValueError("cut short")
        yield data[:length]
        data = data[length:]
