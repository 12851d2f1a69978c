"""The rules of STYLE.md that a program can check."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

# Files that are not clean yet, with the issue that rewords them. It must be empty at a release.
PENDING: dict[str, int] = {}

# Quotations of sources keep their words.
QUOTED_KEYS = frozenset({"title", "url", "failure_message", "quote"})
BANNED = (
    r"told|tells|said|beside|stands|anew|mend|mends|mended|mending|nobody|whoever|brought|brings"
    r"|hold(?:s|ing)? [^.\n]{0,40}\bagainst|held against|of its own|the house|goes on"
    r"|asked for|asks for|in words"
)
_BANNED = re.compile(rf"\b(?:{BANNED})\b", re.IGNORECASE)
_IS_NO = re.compile(
    r"(?<!there )(?<!There )\b(?:is|are) no (?!longer|more|newer|older|smaller)[a-z`]"
)
_WHAT = re.compile(r"(?:^|[.:;] )[Ww]hat (?!is `|is `)[a-z]")

TEXT_SUFFIXES = frozenset({".j2", ".md", ".sh", ".py"})
FOLDERS = ("rigspec", "backends")
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")


@dataclass(frozen=True)
class Text:
    """A text of the product and where it is."""

    file: Path
    line: int
    text: str

    @property
    def place(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}"


def is_pending(file: Path) -> bool:
    path = file.relative_to(ROOT).as_posix()
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in PENDING)


def product_files(*suffixes: str) -> Iterator[Path]:
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in suffixes and "__pycache__" not in file.parts and not is_pending(file):
                yield file


def documents() -> Iterator[Path]:
    for name in DOCUMENTS:
        yield ROOT / name
    for file in sorted([*(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]):
        if not is_pending(file):
            yield file


def banned_words(text: str) -> list[str]:
    """Return the banned words and phrases in a text."""
    return [match[0] for match in (*_BANNED.finditer(text), *_IS_NO.finditer(text))]


def starts_with_what(text: str) -> bool:
    """Return whether a clause with "what" is the subject of a sentence."""
    return _WHAT.search(text) is not None


def nodes_of(file: Path) -> tuple[ast.AST, ...]:
    """Return all nodes of a module."""
    return tuple(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))


def strings_of(file: Path, nodes: Sequence[ast.AST]) -> Iterator[Text]:
    """Yield the docstrings, strings and comments of a module; placeholders become `{}`."""
    source = file.read_text(encoding="utf-8")
    inside = {
        id(part)
        for node in nodes
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    for node in nodes:
        if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in inside:
            text = literal_text(node)
            # The header of old locks is recognised as it was written.
            if text is not None and not text.startswith("# Written by `rigspec lock`"):
                yield Text(file, node.lineno, text)
    for number, line in enumerate(source.splitlines(), 1):
        comment = re.match(r"\s*#+ (.*)|.*?\S  # (.*)", line)
        if comment is not None:
            yield Text(file, number, comment[1] or comment[2])


def literal_text(node: ast.AST) -> str | None:
    """Return the text of a string or f-string literal, with `{}` for each placeholder."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
        )
    return None
