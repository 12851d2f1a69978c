"""An instance of EC2 under QEMU: its firmware, and the metadata service at its address."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.lock.http_server import send, servers

_RELAY = Path(__file__).with_name("relay.py")
_ADDRESS = "169.254.169.254"
_NETWORK = "169.254.169.0/24"
# cloud-init recognizes EC2 by the same UUID in two fields, beginning with these letters.
_UUID = "ec2ab4c8-7d15-4e26-9c37-6a80f2f1b3d9"
_MAC = "52:54:00:12:34:56"
_TOKEN = "session-token"
_ZONE = "eu-central-1a"
_IDENTITY = {
    "instanceId": "i-0123456789abcdef0",
    "instanceType": "g6.xlarge",
    "region": _ZONE[:-1],
    "availabilityZone": _ZONE,
    "architecture": "x86_64",
}
_INTERFACE = f"meta-data/network/interfaces/macs/{_MAC}"


@dataclass
class Instance:
    """An instance whose metadata service answers with ``files``; it notes what was requested.

    ``refused`` are the requests without a token: version 2 of the service answers none.
    """

    server: str
    served: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def list_options(self, network: str) -> list[str]:
        """Return the options of QEMU that make the machine this instance."""
        port = self.server.rpartition(":")[2]
        relay = f"{sys.executable} {_RELAY} {port}"
        forward = f"guestfwd=tcp:{_ADDRESS}:80-cmd:{relay}"
        firmware = f"type=1,manufacturer=Amazon EC2,product=g6.xlarge,uuid={_UUID},serial={_UUID}"
        return [
            *("-nic", f"{network},mac={_MAC},net={_NETWORK},{forward}"),
            *("-smbios", firmware),
        ]


@contextmanager
def serve_instance(user_data: bytes) -> Iterator[Instance]:
    """Serve the metadata of an instance with this user-data."""
    files = _list_files(user_data)

    def answer(request: BaseHTTPRequestHandler) -> None:
        _, version, *parts = request.path.split("/")
        path = "/".join(parts)
        if request.command == "PUT":
            known = (version, path) == ("latest", "api/token")
            timed = "X-aws-ec2-metadata-token-ttl-seconds" in request.headers
            send(request, _TOKEN.encode(), 200 if known and timed else 400)
        elif request.headers.get("X-aws-ec2-metadata-token") != _TOKEN:
            instance.refused.append(request.path)
            send(request, b"", 401)
        else:
            content = _read(files, path)
            instance.served.append(path)
            send(request, content or b"", 404 if content is None else 200)

    with servers() as start:
        instance = Instance(start(answer))
        yield instance


def _list_files(user_data: bytes) -> Mapping[str, bytes]:
    text = {
        "meta-data/ami-id": "ami-0123456789abcdef0",
        "meta-data/instance-id": _IDENTITY["instanceId"],
        "meta-data/instance-type": _IDENTITY["instanceType"],
        "meta-data/local-hostname": "ip-169-254-169-15",
        "meta-data/local-ipv4": "169.254.169.15",
        "meta-data/mac": _MAC,
        f"{_INTERFACE}/device-number": "0",
        f"{_INTERFACE}/interface-id": "eni-0123456789abcdef0",
        f"{_INTERFACE}/local-ipv4s": "169.254.169.15",
        f"{_INTERFACE}/mac": _MAC,
        f"{_INTERFACE}/subnet-ipv4-cidr-block": _NETWORK,
        "meta-data/placement/availability-zone": _ZONE,
        "dynamic/instance-identity/document": json.dumps(_IDENTITY),
    }
    return {**{path: each.encode() for path, each in text.items()}, "user-data": user_data}


def _read(files: Mapping[str, bytes], path: str) -> bytes | None:
    """Return a file, or the list of a folder as the service writes it."""
    if path in files:
        return files[path]
    folder = path.rstrip("/") + "/"
    below = [name[len(folder) :].partition("/") for name in files if name.startswith(folder)]
    names = dict.fromkeys(name + slash for name, slash, _ in below)
    return "\n".join(names).encode() or None
