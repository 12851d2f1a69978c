"""The metadata of a source archive, read without running it."""

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
    """The run-time requirements of a source archive, and those of its build, as written."""

    runs_with: tuple[str, ...] = ()
    built_with: tuple[str, ...] = ()


def read_sdist(name: str, data: bytes) -> SdistMetadata:
    """Return the metadata of the archive of that name.

    Raises zipfile.BadZipFile, tarfile.TarError, EOFError.
    """
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            texts = {n: archive.read(n) for n in archive.namelist() if _has_metadata(n)}
    else:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            members = [m for m in tar.getmembers() if m.isfile() and _has_metadata(m.name)]
            texts = {m.name: (tar.extractfile(m) or io.BytesIO()).read() for m in members}
    texts_by_name = {n: texts[n].decode("utf-8", "replace") for n in sorted(texts, key=len)}
    return SdistMetadata(tuple(_runs_with(texts_by_name)), tuple(_built_with(texts_by_name)))


def _has_metadata(name: str) -> bool:
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
    # An sdist this old has its requirements in setup.py alone, which is never run here.
    return []


def _built_with(texts: Mapping[str, str]) -> list[str]:
    """Return PEP 518's list; without one, setuptools and wheel build it."""
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
