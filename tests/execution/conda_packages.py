"""Conda packages of real software: an interpreter of this machine, wheels of the index."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

from uv import find_uv_bin

from rigspec.lock.python.engines.pip_tools import find_interpreter
from tests.lock.conda_channel import Channel, Member

# What a program needs not; the packages of others, above all.
_LEFT_OUT = {"test", "tests", "site-packages", "idlelib", "ensurepip", "__pycache__"}


def add_real_python(channel: Channel) -> None:
    """Python 3.6 as pyenv built it, with the pip and setuptools that it brings."""
    python = find_interpreter((3, 6))
    assert python is not None, "this test needs a Python 3.6: pyenv install 3.6.15"
    home = python.parent.parent
    version = subprocess.run(
        [python, "-c", "import platform; print(platform.python_version())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    channel.add_members("python", version, list(_interpreter(home)))
    bundled = home / "lib" / "python3.6" / "ensurepip" / "_bundled"
    for wheel in sorted(bundled.glob("*.whl")):
        name, number = wheel.name.split("-")[:2]
        with zipfile.ZipFile(wheel) as archive:
            files = [Member(_SITE + found, archive.read(found)) for found in archive.namelist()]
        channel.add_members(name, number, files, ["python >=3.6,<3.7"])


def add_wheel(channel: Channel, name: str, version: str, scratch: Path) -> None:
    """A release of the Python index, as a conda package for Python 3.6."""
    folder = scratch / name
    command = [find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--python-version", "3.6", "--python-platform", "x86_64-manylinux_2_17"]
    subprocess.run([*command, "--target", folder, f"{name}=={version}"], check=True)
    files = [
        Member(_SITE + str(file.relative_to(folder)), file.read_bytes())
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.relative_to(folder).parts[0] != "bin"
    ]
    channel.add_members(name, version, files, ["python >=3.6,<3.7"])


_SITE = "lib/python3.6/site-packages/"


def _interpreter(home: Path) -> Iterator[Member]:
    kept = [*home.glob("lib/libpython*"), *(home / "lib" / "python3.6").rglob("*")]
    for file in [home / "bin" / "python3.6", *sorted(kept)]:
        path = file.relative_to(home)
        if _LEFT_OUT.intersection(path.parts) or any(p.startswith("config-") for p in path.parts):
            continue
        if file.is_symlink():
            yield Member(str(path), link=str(file.readlink()))
        elif file.is_file():
            data = file.read_bytes()
            # Not in binaries: the linker lets the version share the end of pyenv's prefix. They
            # find the interpreter's library where pyenv has it.
            text = b"\0" not in data
            prefix = str(home) if text and str(home).encode() in data else None
            yield Member(str(path), data, prefix=prefix)
    yield Member("bin/python3", link="python3.6")
    yield Member("bin/python", link="python3.6")
