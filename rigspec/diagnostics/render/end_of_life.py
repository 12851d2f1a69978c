"""Warnings about releases past their end of life, joined in one line for people."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rigspec.diagnostics.model import Diagnostic, Severity

__all__ = ["join_end_of_life"]

_ENDED = re.compile(
    r"(?P<what>.+) reached end of (?:life|[a-z-]+ support) on (?P<day>\d{4}-\d{2}-\d{2})"
)
_CODES = frozenset({"RS301", "RS302", "RS303"})


def join_end_of_life(diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the diagnostics with two or more end-of-life warnings as one, in place of the first.

    Formats for programs have each warning with its line and source.
    """
    ended = [
        (diagnostic, match)
        for diagnostic in diagnostics
        if diagnostic.code in _CODES
        and diagnostic.severity is Severity.WARNING
        and (match := _ENDED.fullmatch(diagnostic.message))
    ]
    if len(ended) < 2:
        return tuple(diagnostics)
    codes = sorted({diagnostic.code for diagnostic, _ in ended})
    names = dict.fromkeys(f"{match['what']} ({match['day']})" for _, match in ended)
    joined = Diagnostic(
        code=", ".join(codes),
        severity=Severity.WARNING,
        message=f"past end of life: {', '.join(names)}",
    )
    first = ended[0][0]
    merged = {id(diagnostic) for diagnostic, _ in ended}
    return tuple(
        joined if diagnostic is first else diagnostic
        for diagnostic in diagnostics
        if diagnostic is first or id(diagnostic) not in merged
    )
