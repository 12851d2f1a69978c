"""Which Python index the user has configured. None of its addresses is written into a lock."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from configparser import ConfigParser, Error
from pathlib import Path

__all__ = ["read_index_configuration"]

_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")


def read_index_configuration(environ: Mapping[str, str] = os.environ) -> str | None:
    """The index that uv's or pip's variables name, else pip's configuration files.

    None where neither names one: then each engine takes its own default, which is the same.
    """
    for variable in _VARIABLES:
        if environ.get(variable):
            return environ[variable]
    found = None
    for file in _pip_files(environ):
        parser = ConfigParser(interpolation=None)
        try:
            parser.read(file, encoding="utf-8")
        except (Error, UnicodeDecodeError):
            continue
        found = parser.get("global", "index-url", fallback=found)
    return found


def _pip_files(environ: Mapping[str, str]) -> Iterator[Path]:
    """Pip's files, the strongest last: https://pip.pypa.io/en/stable/topics/configuration/."""
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    home = Path(environ.get("HOME", "~")).expanduser()
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    for folder in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":"):
        yield Path(folder, "pip", "pip.conf")
    yield Path("/etc/pip.conf")
    yield home / ".pip" / "pip.conf"
    yield config / "pip" / "pip.conf"
    yield Path(sys.prefix) / "pip.conf"
    if named:
        yield Path(named)
