"""What a source archive tells before anything of it is run: what it needs, and what builds it."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import Any

import tomli

__all__ = ["SdistMetadata", "read_sdist"]

_BUILD = "pyproject.toml"


@dataclass(frozen=True)
class SdistMetadata:
    """The requirements of a source archive to run, and those to be built, as they stand there."""

    runs_with: tuple[str, ...] = ()
    built_with: tuple[str, ...] = ()


def read_sdist(name: str, data: bytes) -> SdistMetadata:
    """What the archive of that name tells.

    Raises zipfile.BadZipFile, tarfile.TarError, EOFError.
    """
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            texts = {n: archive.read(n) for n in archive.namelist() if _tells(n)}
    else:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            members = [m for m in tar.getmembers() if m.isfile() and _tells(m.name)]
            texts = {m.name: (tar.extractfile(m) or io.BytesIO()).read() for m in members}
    told = {n: texts[n].decode("utf-8", "replace") for n in sorted(texts, key=len)}
    return SdistMetadata(tuple(_runs_with(told)), tuple(_built_with(told)))


def _tells(name: str) -> bool:
    parts = name.split("/")
    if parts[-1] == "requires.txt" and parts[-2].endswith(".egg-info"):
        return True
    return parts[-1] in ("PKG-INFO", _BUILD) and len(parts) == 2


def _runs_with(texts: Mapping[str, str]) -> list[str]:
    for name, text in texts.items():
        if name.endswith("requires.txt"):
            return list(_egg_requirements(text))
    for name, text in texts.items():
        if name.endswith("PKG-INFO"):
            return HeaderParser().parsestr(text).get_all("Requires-Dist") or []
    # An sdist this old tells its needs to setup.py alone, and nothing of it is ever run here.
    return []


def _built_with(texts: Mapping[str, str]) -> list[str]:
    """PEP 518's list; what names none is built with what the environment has."""
    for name, text in texts.items():
        if name.endswith(_BUILD):
            try:
                table: Any = tomli.loads(text).get("build-system")
            except tomli.TOMLDecodeError:
                return []
            named = table.get("requires") if isinstance(table, dict) else None
            return [each for each in named or () if isinstance(each, str)]
    return []


def _egg_requirements(text: str) -> Iterator[str]:
    """Setuptools' requires.txt: sections are ``[extra]``, ``[:marker]`` or ``[extra:marker]``."""
    extra, marker = "", ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("["):
            extra, _, marker = line.strip("[]").partition(":")
        elif line and not extra:
            yield f"{line}; {marker}" if marker else line
