"""Read the words of a question that describe its machine: `cuda 12.8`, `ubuntu 24.04`.

None of them is a package, although the package index has packages with some of these names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rigspec.matrix.loader import load_matrix
from rigspec.matrix.part_lookup import find_other_maker
from rigspec.spec.system_names import is_system_name, normalize_system

__all__ = ["read_machine_words"]

# Fields of a question that a version follows: `cuda-12.8`, `python>=3.12`, `"cuda 12.8"`.
_VERSIONED = re.compile(
    r"(?P<field>driver|cuda|cudnn|python)"
    r"(?:[-_=v\s]*(?P<version>\d[\w.]*)|(?P<specifier>[=<>~!]=?\s*\d.*))?",
    re.IGNORECASE,
)
_VERSION = re.compile(r"v?\d[\w.]*|[=<>~!]=?\s*\d.*")
_ARCHITECTURES = {
    "x86_64": "x86_64",
    "amd64": "x86_64",
    "x64": "x86_64",
    "aarch64": "aarch64",
    "arm64": "aarch64",
}
# `opensuse leap 15.6`: the name of a system and its version.
_LONGEST_SYSTEM = 5


def read_machine_words(
    words: Sequence[str], *, any_release: bool = False
) -> tuple[dict[str, str], list[str]]:
    """Return the fields of a question that words name, and the other words.

    Args:
        words: the words of a question.
        any_release: read the name of a system that no version follows, too. An instance can start
            with such a word, so find it first.

    """
    fields: dict[str, str] = {}
    rest: list[str] = []
    position = 0
    while position < len(words):
        found, length = _read_field(words[position:], any_release=any_release)
        fields.update(found)
        if not length:
            rest.append(words[position])
        position += length or 1
    return fields, rest


def _read_field(words: Sequence[str], *, any_release: bool) -> tuple[dict[str, str], int]:
    """Return the field at the start of the words, and the number of its words or 0."""
    system, length = _find_system(words)
    if length and (any_release or " " in system):
        return {"os": system}, length
    architecture = _ARCHITECTURES.get(words[0].lower())
    if architecture is not None:
        return {"arch": architecture}, 1
    versioned = _VERSIONED.fullmatch(words[0])
    if versioned is None:
        return {}, 0
    version, length = versioned["version"] or versioned["specifier"], 1
    if version is None and len(words) > 1 and _VERSION.fullmatch(words[1]):
        version, length = words[1].removeprefix("v"), 2
    return ({versioned["field"].lower(): version} if version is not None else {}), length


def _find_system(words: Sequence[str]) -> tuple[str, int]:
    """Return the system at the start of the words, and the number of its words or 0."""
    for length in range(min(len(words), _LONGEST_SYSTEM), 0, -1):
        name = normalize_system(" ".join(words[:length]))
        family, _, version = name.partition(" ")
        if is_system_name(family) and (not version or _VERSION.fullmatch(version)):
            return name, length
    if find_other_maker(load_matrix(["os"]).product("os"), words[0]) is not None:
        has_version = len(words) > 1 and _VERSION.fullmatch(words[1]) is not None
        return " ".join(words[: 1 + has_version]), 1 + has_version
    return "", 0
