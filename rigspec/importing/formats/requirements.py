"""``requirements.txt``, ``requirements.in`` and the output of ``pip freeze``."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from pip_requirements_parser import RequirementsFile

from rigspec.importing.model import Include, Indexes, Reading, SourceText, join_readings
from rigspec.importing.pip_requirement import (
    build_of_index,
    is_default_index,
    omit_index,
    read_address,
    read_requirement,
    read_wheel,
)

__all__ = ["read", "read_lines"]

# Options that do not change which versions fit.
_NEUTRAL = frozenset({"no_index", "trusted_hosts", "require_hashes", "pre", "features_enabled"})
# What Python ends a line at, and editors and spans do not.
_OTHER_LINE_ENDS = re.compile("[\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def read(source: SourceText) -> Reading:
    """Read the requirements, with the indexes that the options name."""
    return read_lines(source.text, source)


def read_lines(text: str, source: SourceText) -> Reading:
    """Read requirements that are on the same lines of ``text`` and of the file."""
    parsed = _parse(text)
    indexes = _IndexOptions(source)
    options = [indexes.read(line) for line in parsed.options]
    requirements = [_read_line(line, source) for line in parsed.requirements]
    broken = [
        source.omission(
            line.requirement_line.line, "cannot be read", line.requirement_line.line_number
        )
        for line in parsed.invalid_lines
    ]
    joined = join_readings([*options, *requirements, Reading(omissions=tuple(broken))])
    return replace(joined, statements=tuple(map(indexes.build().apply, joined.statements)))


def _parse(text: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requirements.txt"
        path.write_text(_OTHER_LINE_ENDS.sub(" ", text), encoding="utf-8")
        return RequirementsFile.from_file(str(path), include_nested=False)


def _read_line(line: Any, source: SourceText) -> Reading:
    number, text = line.requirement_line.line_number, line.requirement_line.line
    if line.is_editable:
        return Reading(omissions=(source.omission(text, "an editable install", number),))
    if line.link is not None:
        address = str(line.link.url)
        if line.name and address.startswith("git+"):
            span = source.find(str(line.name), _first_line(source, text, number))
            marker = str(line.marker) if line.marker is not None else None
            return read_address(str(line.name), address, span, marker=marker)
        name, marker = str(line.name or ""), str(line.marker) if line.marker is not None else None
        span = source.find(name or address, _first_line(source, text, number))
        wheel = read_wheel(address, span, marker=marker)
        if wheel is not None and (not name or canonicalize_name(name) == wheel.name):
            return Reading((wheel,))
        return Reading(omissions=(source.omission(text, "installed from a URL or path", number),))
    bare = text.split(" --", 1)[0].split("\t--", 1)[0].rstrip(" \\")
    span = source.find(bare, _first_line(source, bare, number))
    return read_requirement(bare, span, source)


def _first_line(source: SourceText, text: str, number: int) -> int:
    """Return the line where a requirement starts; the parser may count its last line."""
    word = text.split()[0] if text.split() else text
    lines = source.text.split("\n")
    while number > 1 and word not in lines[number - 1] and lines[number - 2].endswith("\\"):
        number -= 1
    return number


class _IndexOptions:
    """The index options of a file."""

    def __init__(self, source: SourceText) -> None:
        self._source = source
        self._only: str | None = None
        self._extra: list[str] = []

    def build(self) -> Indexes:
        """Return the indexes of the options that were read."""
        return Indexes(self._only, tuple(self._extra))

    def read(self, line: Any) -> Reading:
        return join_readings(self._read(line))

    def _read(self, line: Any) -> Iterator[Reading]:
        number, text = line.requirement_line.line_number, line.requirement_line.line
        for name, value in line.options.items():
            if name == "requirements":
                yield Reading(includes=tuple(map(Include, value)))
            elif name == "constraints":
                yield Reading(includes=tuple(Include(path, is_constraint=True) for path in value))
            elif name == "index_url":
                yield from self._index(str(value), number, only=True)
            elif name in ("extra_index_urls", "find_links"):
                for address in value:
                    yield from self._index(str(address), number, only=False)
            elif name not in _NEUTRAL:
                yield Reading(
                    omissions=(
                        self._source.omission(text, "an option that a rig does not have", number),
                    )
                )

    def _index(self, address: str, number: int, *, only: bool) -> Iterator[Reading]:
        build = build_of_index(address)
        if build is not None and only:
            self._only = build
        elif build is not None:
            self._extra.append(build)
        elif not is_default_index(address):
            yield Reading(omissions=(omit_index(address, self._source, number),))
