"""Limits of a TOML text, found before it is parsed: a parser would use up its stack or its time."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["MAX_SPEC_BYTES", "Excess", "find_excess"]

MAX_SPEC_BYTES = 1 << 20  # a rig of 1,000 environments has 200 KiB
_MAX_DEPTH = 64
_MAX_DIGITS = 100  # TOML's integers have 64 bits

_MAX_PARTS = 64  # of a dotted key

# Strings and comments are skipped whole. An unclosed string ends at its line, one of several lines
# at the end of the text: no character is read twice.
_TOKEN = re.compile(
    r'"""(?:[^\\"]|\\.|"(?!""))*(?:"""|\Z)' + r"|'''(?:[^']|'(?!''))*(?:'''|\Z)"
    r'|"(?:[^"\\\n]|\\.)*"?' + r"|'[^'\n]*'?|#[^\n]*|(?P<open>[\[{])|(?P<close>[\]}])"
    r"|(?P<digits>0x[0-9A-Fa-f_]+|[0-9][0-9_]*)|(?P<dot>\.)|(?P<end>[=,\n])",
    re.DOTALL,
)


class Excess(NamedTuple):
    """The first place that exceeds a limit; line and column count from 1."""

    line: int
    column: int
    message: str


def find_excess(text: str) -> Excess | None:
    """Return the first place that is nested too deeply or is too long for a number or a key."""
    depth = dots = 0
    for match in _TOKEN.finditer(text):
        message = None
        if match["open"]:
            depth += 1
            message = f"more than {_MAX_DEPTH} levels of brackets" if depth > _MAX_DEPTH else None
        elif match["close"]:
            depth = max(depth - 1, 0)
        elif match["dot"]:
            dots += 1
            message = f"a key of more than {_MAX_PARTS} parts" if dots >= _MAX_PARTS else None
        elif match["end"]:
            dots = 0
        elif match["digits"] and len(match["digits"].replace("_", "")) > _MAX_DIGITS:
            message = f"a number of more than {_MAX_DIGITS} digits"
        if message is not None:
            start = match.start()
            line = text.count("\n", 0, start) + 1
            return Excess(line, start - text.rfind("\n", 0, start), message)
    return None
