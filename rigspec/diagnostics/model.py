"""Diagnostics as data.

The stages of the compiler make these values; the renderers beside this module turn them into
text, JSON and the rest. Neither knows the other.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import Enum

from rigspec.resolution import Resolution

__all__ = [
    "Diagnostic",
    "Edit",
    "Fact",
    "Measure",
    "Repair",
    "Report",
    "Severity",
    "Source",
    "Span",
]


class Severity(str, Enum):
    """How bad it is; an ``error`` changes the exit code."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Span:
    """A place in a file. Lines and columns count from 1, in characters; the end is exclusive.

    ``masked``: what stands there may be a secret, and no renderer may show it.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    label: str = ""
    masked: bool = False


@dataclass(frozen=True)
class Source:
    """Where a fact was read, and on which day."""

    title: str
    url: str
    read: dt.date


@dataclass(frozen=True)
class Fact:
    """One sentence of the matrix, with where it stands there (``id``) and where it was read."""

    id: str
    statement: str
    sources: tuple[Source, ...]
    confidence: str = "high"


@dataclass(frozen=True)
class Edit:
    """One change to the spec. ``after`` is TOML, ready to type; ``None`` removes the key."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Repair:
    """Edits that were solved again, and what the whole spec resolves to with them.

    ``resolution`` is None where they mend one error of several: the others stand.
    """

    edits: tuple[Edit, ...]
    resolution: Resolution | None


@dataclass(frozen=True)
class Diagnostic:
    """One thing to tell. ``breaks`` is what a user would meet at run time, in its own words."""

    code: str
    severity: Severity
    message: str
    between: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    facts: tuple[Fact, ...] = ()
    breaks: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    repairs: tuple[Repair, ...] = ()


@dataclass(frozen=True)
class Measure:
    """Something that was worked out of a machine's parts: a line, and the numbers in it."""

    name: str
    text: str
    numbers: tuple[tuple[str, str], ...]
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True)
class Report:
    """The outcome of one spec on one machine. ``status`` is ok, conflict or invalid.

    Where only the machine's parts collide, a report of a conflict has a resolution nevertheless:
    what is installed does not depend on them.
    """

    spec: str
    machine: str | None
    status: str
    resolution: Resolution | None
    diagnostics: tuple[Diagnostic, ...]
    hardware: tuple[Measure, ...] = ()
