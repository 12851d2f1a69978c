"""Here-documents of a Dockerfile: texts after an instruction, up to a line with their name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate

__all__ = ["HereDocument", "hide_heredocs", "remove_operators"]

# The instructions that take here-documents, by the reference of Dockerfiles.
_INSTRUCTION = re.compile(r"\s*(?:ONBUILD\s+)?(?:RUN|COPY|ADD)\s", re.IGNORECASE)
_OPERATOR = re.compile(r"(?<!<)<<(?P<strip>-?)(?P<quote>[\"']?)(?P<name>[A-Za-z_]\w*)(?P=quote)")


@dataclass(frozen=True)
class HereDocument:
    """A here-document: the line of its instruction, from 1, and the offsets of its text."""

    line: int
    start: int
    end: int


def hide_heredocs(text: str) -> tuple[str, tuple[HereDocument, ...]]:
    """Return the Dockerfile with comments as the lines of its here-documents, and these."""
    lines = text.splitlines(keepends=True)
    offsets = [0, *accumulate(map(len, lines))]
    found: list[HereDocument] = []
    first = 0
    while first < len(lines):
        after = _end_of_instruction(lines, first)
        instruction = "".join(lines[first:after])
        operators = _OPERATOR.finditer(instruction) if _INSTRUCTION.match(instruction) else ()
        for operator in operators:
            end = _find_end(lines, after, operator["name"], bool(operator["strip"]))
            if end is not None:
                found.append(HereDocument(first + 1, offsets[after], offsets[end]))
                lines[after : end + 1] = ["#\n"] * (end + 1 - after)
                after = end + 1
        first = after
    return "".join(lines), tuple(found)


def remove_operators(script: str) -> str:
    """Replace the operators of here-documents by spaces, so that offsets stay."""
    return _OPERATOR.sub(lambda match: " " * len(match[0]), script)


def _end_of_instruction(lines: list[str], first: int) -> int:
    """Return the line after an instruction, which continues after backslashes and comments."""
    for number in range(first, len(lines)):
        line = lines[number].strip()
        is_comment = number > first and (not line or line.startswith("#"))
        if not line.endswith("\\") and not is_comment:
            return number + 1
    return len(lines)


def _find_end(lines: list[str], first: int, name: str, has_tabs: bool) -> int | None:
    """Return the line with the name alone, after tabs if the operator is ``<<-``."""
    for number in range(first, len(lines)):
        line = lines[number].rstrip("\r\n")
        if (line.lstrip("\t") if has_tabs else line) == name:
            return number
    return None
