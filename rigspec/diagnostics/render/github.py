"""Render diagnostics as workflow commands, which GitHub shows in pull requests."""

from __future__ import annotations

from collections.abc import Iterable

from rigspec.diagnostics.model import Diagnostic, Report, Severity
from rigspec.diagnostics.render.text import describe_edits
from rigspec.diagnostics.sanitize import sanitize

__all__ = ["render_github"]

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render_github(reports: Iterable[Report]) -> str:
    """Return one line per diagnostic, each with a newline."""
    return "".join(f"{_render_diagnostic(d)}\n" for report in reports for d in report.diagnostics)


def _render_diagnostic(diagnostic: Diagnostic) -> str:
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
    arguments = ",".join(f"{name}={_escape_property(value)}" for name, value in properties)
    repairs = [f"repair: {describe_edits(repair)}" for repair in diagnostic.repairs[:1]]
    message = "\n".join([diagnostic.message, *diagnostic.help, *repairs])
    return f"::{_COMMANDS[diagnostic.severity]} {arguments}::{_escape_data(message)}"


def _escape_data(text: str) -> str:
    return sanitize(text, keep="\r\n").replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")
