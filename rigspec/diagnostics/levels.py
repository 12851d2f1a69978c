"""Hide diagnostics, or make them errors, by their codes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from rigspec.diagnostics.model import Diagnostic, Report, Severity

__all__ = ["ALL_WARNINGS", "deny_warnings", "drop_codes", "ignore_codes"]

# Instead of a code: every warning.
ALL_WARNINGS = "warnings"


def ignore_codes(report: Report, codes: Collection[str]) -> Report:
    """Return the report without warnings and notes of the codes, and with their count.

    Errors cannot be ignored.
    """
    remaining = drop_codes(report, codes)
    hidden = len(report.diagnostics) - len(remaining.diagnostics)
    return replace(remaining, ignored=report.ignored + hidden)


def drop_codes(report: Report, codes: Collection[str]) -> Report:
    """Return the report without warnings and notes of the codes, which are not counted."""
    if not codes:
        return report
    remaining = (
        d for d in report.diagnostics if d.severity is Severity.ERROR or d.code not in codes
    )
    return replace(report, diagnostics=tuple(remaining))


def deny_warnings(report: Report, codes: Collection[str]) -> Report:
    """Return the report with errors instead of warnings of the codes."""
    diagnostics = tuple(_deny(d, codes) for d in report.diagnostics)
    has_errors = any(d.severity is Severity.ERROR for d in diagnostics)
    status = "conflict" if report.status == "ok" and has_errors else report.status
    return replace(report, diagnostics=diagnostics, status=status)


def _deny(diagnostic: Diagnostic, codes: Collection[str]) -> Diagnostic:
    is_warning = diagnostic.severity is Severity.WARNING
    if is_warning and (diagnostic.code in codes or ALL_WARNINGS in codes):
        return replace(diagnostic, severity=Severity.ERROR)
    return diagnostic
