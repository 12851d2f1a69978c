"""The options that hide diagnostics, or make them errors, by their codes."""

from __future__ import annotations

from collections.abc import Sequence

from rigspec.cli.console import fail_unknown
from rigspec.diagnostics.explanations import find_similar_codes, list_codes
from rigspec.diagnostics.levels import ALL_WARNINGS, deny_warnings, ignore_codes
from rigspec.diagnostics.model import Report

__all__ = ["set_levels"]


def set_levels(
    reports: Sequence[Report], ignore: Sequence[str], deny: Sequence[str]
) -> list[Report]:
    """Return the reports without ignored diagnostics, and with errors for denied warnings.

    Exits with status 2 if a code is unknown.
    """
    if not ignore and not deny:
        return list(reports)
    hidden = {_read_code(code) for code in ignore}
    denied = {code if code == ALL_WARNINGS else _read_code(code) for code in deny}
    return [deny_warnings(ignore_codes(report, hidden), denied) for report in reports]


def _read_code(text: str) -> str:
    code = text.upper()
    if code not in list_codes():
        fail_unknown(
            f"no diagnostic code `{text}`",
            code,
            find_similar_codes(code),
            otherwise="run `rigspec explain` for a list",
        )
    return code
