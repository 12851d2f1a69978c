"""Tests of the shell whose result follows from the variables of a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from rigspec.importing.shell.commands import ShellTest

__all__ = ["find_false_condition"]

_OPERAND = r"(?:\"[^\"]*\"|'[^']*'|[^\s\"']+)"
_COMPARISON = re.compile(
    rf"\[\[?\s+(?P<left>{_OPERAND})\s+(?P<operator>==?|!=)\s+(?P<right>{_OPERAND})\s+\]\]?"
)
_LENGTH = re.compile(
    rf"\[\[?\s+(?P<not>!\s+)?-(?P<operator>[nz])\s+(?P<operand>{_OPERAND})\s+\]\]?"
)
# The right side of a comparison in `[[ ]]` is a pattern with these.
_PATTERN = re.compile(r"[*?\[]")


def find_false_condition(
    conditions: Iterable[ShellTest], expand: Callable[[str], str | None]
) -> ShellTest | None:
    """Return the first condition that is certainly not met; None if all may be.

    ``expand`` returns a text with its variables replaced, or None if one has no value.
    """
    return next((each for each in conditions if _is_met(each, expand) is False), None)


def _is_met(condition: ShellTest, expand: Callable[[str], str | None]) -> bool | None:
    """Return whether a condition is met; None if that is unknown."""
    text = condition.text.strip()
    comparison, length = _COMPARISON.fullmatch(text), _LENGTH.fullmatch(text)
    if comparison is not None:
        left, right = (expand(comparison[side].strip("\"'")) for side in ("left", "right"))
        if left is None or right is None or _PATTERN.search(right):
            return None
        result = (left == right) is (comparison["operator"] != "!=")
    elif length is not None:
        value = expand(length["operand"].strip("\"'"))
        if value is None:
            return None
        result = bool(value) is ((length["operator"] == "n") is (length["not"] is None))
    else:
        return None
    return result is condition.holds
