"""Diagnostics as values.

The stages of the compiler create these values, and ``rigspec.diagnostics.render`` converts them to
text, JSON and other formats.
"""

from __future__ import annotations

import datetime as dt
from enum import Enum

from rigspec.frozen import dataclass
from rigspec.resolution import Resolution

__all__ = [
    "Diagnostic",
    "Edit",
    "Fact",
    "Metric",
    "Repair",
    "Report",
    "Severity",
    "Source",
    "Span",
]


class Severity(str, Enum):
    """The severity of a diagnostic; an ``error`` changes the exit code."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Span:
    """A range in a file. Lines and columns count from 1, in characters; the end is exclusive.

    ``masked``: the text may be a secret, and renderers do not show it.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    label: str = ""
    masked: bool = False

    @property
    def place(self) -> tuple[str, int, int, int, int]:
        """Return the file and the range, without the label."""
        return self.file, self.line, self.column, self.end_line, self.end_column


@dataclass(frozen=True)
class Source:
    """The source of a fact, and the day on which it was read."""

    title: str
    url: str
    read: dt.date


@dataclass(frozen=True)
class Fact:
    """A statement of the matrix, with its id and its sources."""

    id: str
    statement: str
    sources: tuple[Source, ...]
    confidence: str = "high"


@dataclass(frozen=True)
class Edit:
    """One change to the spec. ``after`` is the new value; None removes the key."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Repair:
    """Edits that fix an error, and the resolution of the spec with them.

    ``resolution`` is None if the spec has other errors that the edits do not fix.
    """

    edits: tuple[Edit, ...]
    resolution: Resolution | None


@dataclass(frozen=True)
class Diagnostic:
    """One finding. ``runtime_error`` quotes the messages that a user would see at run time."""

    code: str
    severity: Severity
    message: str
    components: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    facts: tuple[Fact, ...] = ()
    runtime_error: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    repairs: tuple[Repair, ...] = ()


@dataclass(frozen=True)
class Metric:
    """A value computed from the parts of a machine: a text, and the numbers in it."""

    name: str
    text: str
    numbers: tuple[tuple[str, str], ...]
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True)
class ExpectedPackage:
    """The newest version of a package that the rules admit; it is not part of the resolution.

    ``is_exact`` is whether the spec requests this version, else a lock may take an older one.
    ``required_by`` is the package that requires a framework which the spec does not name, and
    ``cuda`` the CUDA in the wheels of this framework.
    """

    env: str
    name: str
    version: str
    is_exact: bool = False
    required_by: str | None = None
    cuda: str | None = None


@dataclass(frozen=True)
class Report:
    """The result for one machine of a spec. ``status`` is ok, conflict or invalid.

    If only the parts of the machine conflict, the report has a resolution, because software does
    not depend on them. ``imported`` are the files that diagnostics refer to and that are not specs.
    ``ignored`` is the number of warnings and notes that were left out by their codes.
    ``packages`` are those that the matrix has rules about.
    """

    spec: str
    machine: str | None
    status: str
    resolution: Resolution | None
    diagnostics: tuple[Diagnostic, ...]
    metrics: tuple[Metric, ...] = ()
    imported: tuple[str, ...] = ()
    ignored: int = 0
    packages: tuple[ExpectedPackage, ...] = ()
