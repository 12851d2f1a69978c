"""A Python index on loopback, with files that contain nothing but their metadata."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

from tests.lock.http_server import Serve, send


class Wheel(NamedTuple):
    """A release: its requirements, and the Pythons that it runs on; or a source archive.

    ``setup`` is the setup.py of an archive whose requirements only a build states to a resolver.
    ``tag`` is that of a wheel for one Python, which the release has besides its source archive.
    """

    requires: Sequence[str] = ()
    python: str = ""
    source: bool = False
    setup: str = ""
    tag: str = ""


Releases = Mapping[str, Mapping[str, Wheel]]


def serve_index(start: Serve, releases: Releases, *, damaged: str = "") -> str:
    """Return the address of an index with these releases, by package and version.

    The file of the name ``damaged`` ends with a byte that its checksum does not cover.
    """
    pages, files = {}, {}
    for name, versions in releases.items():
        links = []
        for version, wheel in versions.items():
            for file, content in _build_files(name, version, wheel):
                files[file] = content + (b"!" if file == damaged else b"")
                checksum = hashlib.sha256(content).hexdigest()
                python = wheel.python.replace("<", "&lt;").replace(">", "&gt;")
                requires = f' data-requires-python="{python}"' if python else ""
                links.append(f'<a href="/{file}#sha256={checksum}"{requires}>{file}</a>')
        pages[name] = "\n".join(links)

    def answer(request: BaseHTTPRequestHandler) -> None:
        part = request.path.rstrip("/").rpartition("/")[2]
        if part in files:
            send(request, files[part])
        elif part in pages:
            send(request, f"<html>{pages[part]}</html>".encode(), Content_Type="text/html")
        elif part == "simple":
            links = "".join(f'<a href="{name}/">{name}</a>' for name in pages)
            send(request, f"<html>{links}</html>".encode(), Content_Type="text/html")
        else:
            send(request, b"", 404)

    return f"http://{start(answer)}/simple"


def _build_files(name: str, version: str, wheel: Wheel) -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of the files of a release."""
    base = f"{name.replace('-', '_')}-{version}"
    if wheel.source or wheel.tag:
        yield f"{base}.tar.gz", _build(name, version, wheel._replace(source=True))
    if not wheel.source:
        tag = wheel.tag or "py3-none-any"
        yield f"{base}-{tag}.whl", _build(name, version, wheel)


def _build(name: str, version: str, wheel: Wheel) -> bytes:
    # The metadata of this version is read from a source archive without a build.
    lines = ["Metadata-Version: 2.2", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {required}" for required in wheel.requires]
    lines += [f"Requires-Python: {wheel.python}"] if wheel.python else []
    base = f"{name.replace('-', '_')}-{version}"
    folder = f"{base}.dist-info"
    buffer = io.BytesIO()
    if wheel.source:
        project = f'[project]\nname = "{name}"\nversion = "{version}"\n'
        contents = {"PKG-INFO": "\n".join(lines) + "\n", "pyproject.toml": project}
        if wheel.setup:
            lines[0] = "Metadata-Version: 1.2"
            contents = {"PKG-INFO": "\n".join(lines) + "\n", "setup.py": wheel.setup}
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for member, text in contents.items():
                entry = tarfile.TarInfo(f"{base}/{member}")
                entry.size = len(text.encode())
                tar.addfile(entry, io.BytesIO(text.encode()))
        return buffer.getvalue()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{folder}/METADATA", "\n".join(lines) + "\n")
        archive.writestr(
            f"{folder}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{folder}/RECORD", "")
    return buffer.getvalue()
