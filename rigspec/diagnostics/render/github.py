"""Diagnostics as workflow commands, which GitHub shows beside the lines of a pull request."""

from __future__ import annotations

from collections.abc import Iterable

from rigspec.diagnostics.model import Diagnostic, Report, Severity
from rigspec.diagnostics.sanitize import plain

__all__ = ["render_github"]

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render_github(reports: Iterable[Report]) -> str:
    """One line a diagnostic, each ended by a newline."""
    return "".join(f"{_line(d)}\n" for report in reports for d in report.diagnostics)


def _line(diagnostic: Diagnostic) -> str:
    properties = [("title", diagnostic.code)]
    if diagnostic.spans:
        span = diagnostic.spans[0]
        properties += [
            ("file", span.file),
            ("line", str(span.line)),
            ("col", str(span.column)),
            ("endLine", str(span.end_line)),
            ("endColumn", str(span.end_column)),
        ]
    told = ",".join(f"{name}={_property(value)}" for name, value in properties)
    message = "\n".join([diagnostic.message, *diagnostic.help])
    return f"::{_COMMANDS[diagnostic.severity]} {told}::{_data(message)}"


def _data(text: str) -> str:
    return plain(text, keep="\r\n").replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
