"""Statements about a rig, with their positions in the files that contain them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum

from rigspec.diagnostics.model import Span
from rigspec.secrets.redaction import redact_known

__all__ = [
    "Include",
    "Indexes",
    "Reading",
    "SkippedPart",
    "SourceText",
    "Statement",
    "Subject",
    "UnreadableFile",
    "join_readings",
    "leave_out_secrets",
    "omit",
]


_MAX_LENGTH = 200
_LOGIN = re.compile(r"://[^/\s@]+@")


class UnreadableFile(Exception):
    """The file cannot be parsed; the message gives the reason, ``line`` the position."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


class Subject(str, Enum):
    """The part of a rig that a statement is about."""

    OS = "os"
    KIND = "kind of machine"
    ARCH = "arch"
    DRIVER = "driver"
    GPU = "gpu"
    BASE_IMAGE = "base image"
    CUDA = "CUDA toolkit"
    CUDNN = "cuDNN"
    SYSTEM_PACKAGE = "system package"
    PYTHON = "Python"
    MANAGER = "manager"
    AS_OF = "day of the newest packages"
    # The address of the index that a package comes from.
    INDEX = "index"
    CHANNEL = "channel"
    PACKAGE = "package"
    # A version that applies only if another statement requests the package.
    CONSTRAINT = "constraint"


@dataclass(frozen=True)
class Statement:
    """One statement of a file.

    Attributes:
        subject: the part of the rig.
        value: the version request, name or model.
        span: its position.
        name: the package, for a package or constraint.
        build: the build (``cu121``) that the index of the package has.
        marker: the condition of the requirement (PEP 508).
        pattern: the text in the form of the file, with ``{}`` for a version request.
        is_conda: whether conda installs the package, by the name that its channels use.
        extras: the extras of the package.
        commit: the address of a commit that the package is built from, instead of a version.
        index: the name of the index, for an index.
    """

    subject: Subject
    value: str
    span: Span
    name: str = ""
    build: str | None = None
    marker: str | None = None
    pattern: str = "{}"
    is_conda: bool = False
    extras: tuple[str, ...] = ()
    commit: str = ""
    index: str = ""

    @property
    def request(self) -> str:
        """Return the request of a package as a spec writes it: ``+cu124 ==2.5.1``, ``[all]>=1``.

        A request for a build or a commit cannot have extras.
        """
        if self.commit:
            return self.commit
        if self.build is None:
            extras = f"[{','.join(self.extras)}]" if self.extras else ""
            operator = "==" if extras and self.value[:1].isdigit() else ""
            return f"{extras}{operator}{self.value}"
        return f"+{self.build} {self.value}".removesuffix(" *")


@dataclass(frozen=True)
class SkippedPart:
    """A part of a file that is not in the rig, and the reason."""

    text: str
    reason: str
    file: str
    line: int


@dataclass(frozen=True)
class Indexes:
    """The builds (``cu121``) of the indexes that an installer uses.

    Attributes:
        only: that of the index that replaces PyPI.
        extra: those of the indexes that add to PyPI.
        is_uv: whether uv installs, which takes a package from the first index that has it.
    """

    only: str | None = None
    extra: tuple[str, ...] = ()
    is_uv: bool = False

    def apply(self, statement: Statement) -> Statement:
        """Return the statement with the build that the installer chooses.

        With pip, the build of an extra index is certain only for one exact version, because pip
        prefers a version with a local label to the same version without one.
        """
        value = statement.value
        if statement.subject is not Subject.PACKAGE or statement.build or "+" in value:
            return statement
        extra = set(self.extra)
        is_exact = value.startswith("==") and not {"*", ","} & {*value}
        if len(extra) == 1 and (self.is_uv or (is_exact and self.only is None)):
            return replace(statement, build=extra.pop())
        return replace(statement, build=self.only) if self.only is not None else statement


@dataclass(frozen=True)
class Include:
    """A file that another file names, by its path relative to that, and its indexes there."""

    path: str
    is_constraint: bool = False
    indexes: Indexes = field(default_factory=Indexes)


@dataclass(frozen=True)
class Reading:
    """The statements of a file, and the parts that are not imported.

    ``includes`` are other files that this file names. ``optional`` are the options and names of the
    extras, dependency groups and stages that it has.
    """

    statements: tuple[Statement, ...] = ()
    omissions: tuple[SkippedPart, ...] = ()
    includes: tuple[Include, ...] = ()
    optional: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class SourceText:
    """The content of a file and the spans in it.

    ``extras`` and ``groups`` are those to import of a project's optional dependencies, ``stages``
    those of a Dockerfile, by their canonical names.
    """

    file: str
    text: str
    extras: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    _starts: list[int] = field(init=False, repr=False, compare=False, default_factory=list)

    def __post_init__(self) -> None:
        self._starts.append(0)
        self._starts.extend(i + 1 for i, c in enumerate(self.text) if c == "\n")

    def span(self, start: int, end: int) -> Span:
        """Return the span between two offsets, in characters."""
        line, column = self._position(start)
        end_line, end_column = self._position(max(end, start))
        return Span(self.file, line, column, end_line, end_column)

    def line_start(self, line: int) -> int:
        """Return the offset of a line; lines count from 1."""
        return self._starts[min(max(line, 1), len(self._starts)) - 1]

    def find(self, needle: str, line: int, last_line: int | None = None) -> Span:
        """Return the span of a text in the lines, else that of the first line."""
        start = self.line_start(line)
        last = last_line or line
        end = self._starts[last] if last < len(self._starts) else len(self.text)
        at = self.text.find(needle, start, end) if needle else -1
        if at >= 0:
            return self.span(at, at + len(needle))
        stripped = self.text[start:end].partition("\n")[0].rstrip()
        return self.span(start, start + max(len(stripped), 1))

    def omission(self, text: str, reason: str, line: int) -> SkippedPart:
        """Return the omission of a text at a line."""
        return omit(text, reason, Span(self.file, line, 1, line, 2))

    def _position(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def omit(text: str, reason: str, span: Span) -> SkippedPart:
    """Return the omission of a text at a span, without what may be a secret."""
    shown = redact_known(_LOGIN.sub("://", " ".join(text.split())))[:_MAX_LENGTH]
    return SkippedPart(shown, reason, span.file, span.line)


def leave_out_secrets(reading: Reading) -> Reading:
    """Return the reading without statements that have the form of a secret."""
    texts = [_join_texts(statement) for statement in reading.statements]
    # One scan of all: a file has thousands of statements.
    shown = redact_known("\n".join(texts)).split("\n") if texts else []
    kept, omissions, reason = [], [], "it has the form of a secret"
    for statement, text, masked in zip(reading.statements, texts, shown, strict=True):
        if text == masked:
            kept.append(statement)
        else:
            omissions.append(omit(statement.name or statement.value, reason, statement.span))
    return replace(reading, statements=tuple(kept), omissions=(*reading.omissions, *omissions))


def _join_texts(statement: Statement) -> str:
    texts = (statement.name, statement.value, statement.build or "", statement.marker or "")
    return " ".join(texts).replace("\n", " ")


def join_readings(readings: Iterable[Reading]) -> Reading:
    """Return one reading with the parts of all."""
    parts = tuple(readings)
    return Reading(
        tuple(s for part in parts for s in part.statements),
        tuple(o for part in parts for o in part.omissions),
        tuple(i for part in parts for i in part.includes),
        frozenset(name for part in parts for name in part.optional),
    )
