"""Names of Linux systems as people and machines write them."""

from __future__ import annotations

import re
from functools import lru_cache

from rigspec.package_files import locate_package_file

__all__ = ["is_system_name", "normalize_system"]

# Names that most specs write as they are: the table is not read for them.
_CANONICAL = re.compile(r"(?:centos|debian|rhel|rocky|ubuntu) [<>=!~0-9]\S*")
_BRACKETS = re.compile(r"\([A-Za-z][A-Za-z ]*\)")


def normalize_system(text: str) -> str:
    """Return a request for a system with the name that the matrix has for it.

    ``Fedora Linux 36 (Workstation Edition)`` is ``fedora 36``; an unknown name is unchanged.
    """
    if _CANONICAL.fullmatch(text) is not None:
        return text
    words = _BRACKETS.sub(" ", text).split()
    names = _names()
    for length in range(len(words), 0, -1):
        known = names.get(" ".join(words[:length]).lower())
        if known is not None:
            return " ".join((known, *words[length:]))
    return text


def is_system_name(family: str) -> bool:
    """Return whether a Linux system has this name, whether the matrix has its table or not."""
    return family.lower() in _names().values()


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    import tomli

    text = locate_package_file(__file__, "system_names.toml").read_text(encoding="utf-8")
    spellings: dict[str, list[str]] = tomli.loads(text)["names"]
    return {spelling: name for name, found in spellings.items() for spelling in found}
