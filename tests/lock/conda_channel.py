"""Conda channels for tests: packages that are built for real, and records of real channels."""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.serving import start_server

DATA = Path(__file__).resolve().parent.parent / "data" / "conda"


@dataclass(frozen=True)
class Member:
    """A file of a package; or a link to another. ``prefix`` is a path in a text that conda
    replaces with the environment's.
    """

    path: str
    content: bytes = b""
    mode: int = 0o755
    link: str | None = None
    prefix: str | None = None

    def listed(self) -> dict[str, object]:
        """The entry in ``paths.json``."""
        entry: dict[str, object] = {"_path": self.path, "path_type": "hardlink"}
        if self.link is not None:
            return entry | {"path_type": "softlink"}
        entry["size_in_bytes"] = len(self.content)
        entry["sha256"] = hashlib.sha256(self.content).hexdigest()
        if self.prefix is not None:
            entry |= {"prefix_placeholder": self.prefix, "file_mode": "text"}
        return entry


class Channel:
    """A folder that is a conda channel. What is added to it is a package with one program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records: dict[str, dict[str, dict[str, Any]]] = {"linux-64": {}, "noarch": {}}
        self.write()

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    def add(
        self,
        name: str,
        version: str,
        depends: Sequence[str] = (),
        *,
        subdir: str = "linux-64",
        build: str = "0",
        **record: object,
    ) -> None:
        program = f"#!/bin/sh\necho {name}-{version}\n".encode()
        members = [Member(f"bin/{name}", program)]
        self.add_members(name, version, members, depends, subdir=subdir, build=build, **record)

    def add_members(
        self,
        name: str,
        version: str,
        members: Sequence[Member],
        depends: Sequence[str] = (),
        *,
        subdir: str = "linux-64",
        build: str = "0",
        **record: object,
    ) -> None:
        """A package of these files."""
        index = {"name": name, "version": version, "build": build, "build_number": 0}
        index |= {"depends": list(depends), "subdir": subdir, **record}
        file = self.folder / subdir / f"{name}-{version}-{build}.tar.bz2"
        _pack(file, members, index)
        data = file.read_bytes()
        sums = {"sha256": hashlib.sha256(data).hexdigest(), "md5": hashlib.md5(data).hexdigest()}
        self.records.setdefault(subdir, {})[file.name] = {**index, **sums, "size": len(data)}
        self.write()

    def add_python(self, version: str = "3.6.15") -> None:
        """An interpreter, and the pip and setuptools that rigspec pins for Python 3.6."""
        self.add("python", version)
        self.add("pip", "21.3.1", ["python"])
        self.add("setuptools", "59.6.0", ["python"])
        self.add("wheel", "0.37.1", ["python"])

    def take_records(self, name: str) -> None:
        """The records of a real channel, without its packages."""
        repodata = json.loads(lzma.decompress((DATA / f"{name}.json.xz").read_bytes()))
        self.records["linux-64"] |= repodata["packages"]
        self.write()

    def write(self) -> None:
        for subdir, records in self.records.items():
            file = self.folder / subdir / "repodata.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            content = {"info": {"subdir": subdir}, "packages": records, "packages.conda": {}}
            file.write_text(json.dumps(content), encoding="utf-8")


def rig(
    *channels: str, packages: str = "", machine: str = 'os = "ubuntu 16.04"', more: str = ""
) -> str:
    """A spec of one environment that conda manages; ``packages`` are lines."""
    listed = ", ".join(f'"{channel}"' for channel in channels)
    return f"""\
rig = 1
name = "lab"

[machine.tower]
{machine}

[env.lab]
python = "3.6"
interpreter = "conda"
manager = "conda"
channels = [{listed}]
{more}

[env.lab.packages]
{packages}
"""


@contextmanager
def served(folder: Path, handler: type[SimpleHTTPRequestHandler] | None = None) -> Iterator[str]:
    """A folder of channels on loopback."""
    answer = partial(handler or _Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), answer) as server:
        start_server(server)
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


def _pack(file: Path, members: Sequence[Member], index: dict[str, Any]) -> None:
    about = {
        "info/index.json": json.dumps(index),
        "info/files": "".join(f"{member.path}\n" for member in members),
        "info/paths.json": json.dumps({"paths": [m.listed() for m in members], "paths_version": 1}),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w:bz2", compresslevel=1) as archive:
        for member in (*(Member(path, text.encode()) for path, text in about.items()), *members):
            entry = tarfile.TarInfo(member.path)
            entry.size, entry.mode = len(member.content), member.mode
            if member.link is not None:
                entry.type, entry.linkname = tarfile.SYMTYPE, member.link
            archive.addfile(entry, io.BytesIO(member.content))
