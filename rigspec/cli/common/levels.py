"""Hide diagnostics, or make them errors, by their codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rigspec.cli.console import fail_unknown
from rigspec.diagnostics.explanations import list_codes
from rigspec.diagnostics.model import Diagnostic, Report, Severity

__all__ = ["set_levels"]

_ALL_WARNINGS = "warnings"


def set_levels(
    reports: Sequence[Report], ignore: Sequence[str], deny: Sequence[str]
) -> list[Report]:
    """Return the reports without ignored diagnostics, and with errors for denied warnings.

    Errors cannot be ignored. Exits with status 2 if a code is unknown.
    """
    if not ignore and not deny:
        return list(reports)
    hidden = {_read_code(code) for code in ignore}
    denied = {code if code == _ALL_WARNINGS else _read_code(code) for code in deny}
    return [_set_levels(report, hidden, denied) for report in reports]


def _set_levels(report: Report, hidden: set[str], denied: set[str]) -> Report:
    kept = (d for d in report.diagnostics if d.severity is Severity.ERROR or d.code not in hidden)
    diagnostics = tuple(_deny(d, denied) for d in kept)
    has_errors = any(d.severity is Severity.ERROR for d in diagnostics)
    status = "conflict" if report.status == "ok" and has_errors else report.status
    return replace(report, diagnostics=diagnostics, status=status)


def _deny(diagnostic: Diagnostic, denied: set[str]) -> Diagnostic:
    is_warning = diagnostic.severity is Severity.WARNING
    if is_warning and denied & {diagnostic.code, _ALL_WARNINGS}:
        return replace(diagnostic, severity=Severity.ERROR)
    return diagnostic


def _read_code(text: str) -> str:
    code, known = text.upper(), list_codes()
    if code not in known:
        fail_unknown(
            f"no diagnostic code `{text}`",
            code,
            known,
            otherwise="run `rigspec explain` for a list",
        )
    return code
