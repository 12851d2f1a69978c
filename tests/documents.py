"""Read the examples of README.md and docs/, and compare output with them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

__all__ = ["DOCUMENTS", "Block", "Command", "blocks_of", "matches", "revised"]

DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
OMITTED = "…"
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n"
    r"(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Command:
    """A command line of a console block and the output printed below it."""

    line: str
    output: str


@dataclass(frozen=True)
class Block:
    """A fenced block of a document."""

    document: Path
    number: int
    language: str
    title: str | None
    text: str

    @property
    def place(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.number}"

    def commands(self) -> Iterator[Command]:
        parts = re.split(r"^\$ ", self.text, flags=re.MULTILINE)
        assert not parts[0], f"{self.place}: a console block starts with `$ `"
        for part in parts[1:]:
            line, _, output = part.partition("\n")
            yield Command(line, output)


def blocks_of(document: Path) -> list[Block]:
    text = document.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        indent = len(match["indent"])
        body = "".join(line[indent:] or "\n" for line in match["text"].splitlines(keepends=True))
        number = text.count("\n", 0, match.start()) + 1
        found.append(Block(document, number, match["language"], match["title"], body))
    return found


def matches(printed: str, output: str) -> bool:
    """Return whether the output is the printed text; `…` replaces any text, alone any lines."""
    pattern = ""
    for line in printed.splitlines(keepends=True):
        if line.strip() == OMITTED:
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*?".join(re.escape(part) for part in line.split(OMITTED))
    return re.fullmatch(pattern, output) is not None


def revised(printed: str, output: str) -> str:
    """Return the printed text with each line that the output lacks replaced by the closest one."""
    actual = output.splitlines()
    lines = []
    for line in printed.splitlines():
        if line.strip() == OMITTED or any(matches(line, other) for other in actual):
            lines.append(line)
        else:
            close = difflib.get_close_matches(line, actual, n=1, cutoff=0.3)
            lines += close
    return "".join(f"{line}\n" for line in lines)
