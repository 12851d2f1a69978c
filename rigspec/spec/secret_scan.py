"""What in a rig looks like a secret: forms that issuers document, and names that say so.

The forms are a table (``secrets.toml``). A form is tried where one of its hints stands in the text:
a rig without secrets costs one look at its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

import tomli

from rigspec.diagnostics.model import Diagnostic, Severity, Span
from rigspec.spec.toml.document import Document, KeyPath

__all__ = ["forbidden_strings", "secret_kind", "secrets"]

_UNSEEN = "a character that controls, or that nobody sees"

# C0 and C1 controls, line and paragraph separators, the marks that reorder what a reader sees
# (Unicode Standard Annex 9, explicit formatting characters), and what a reader does not see at all:
# zero-width spaces, word joiners, invisible operators, annotations and tags. The joiners U+200C and
# U+200D stay: there are languages that need them.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


def forbidden_strings(document: Document) -> Iterator[Diagnostic]:
    """An error for every string, key or value, that must not stand in a rig."""
    for path, text in _strings((), document.value):
        found = _UNSAFE.search(text)
        if found is not None:
            yield Diagnostic(
                code="RS003",
                severity=Severity.ERROR,
                message=f"the character U+{ord(found[0]):04X} is not allowed in a rig",
                spans=(document.span(path, label=_UNSEEN),),
                help=("write the text in plain characters, on one line",),
            )
    yield from secrets(document)


def _strings(path: KeyPath, value: object) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            if _UNSAFE.search(key):
                yield (*path, key), key
            yield from _strings((*path, key), item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings((*path, index), item)


_LABEL = "name the secret instead"
_NAMED = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
_SCREENED = re.compile(
    "passw|pwd|secret|token|credential|api[_-]?key|access[_-]?key|private[ _-]?key|passphrase", re.I
)


@dataclass(frozen=True)
class _Form:
    """A row of the table."""

    kind: str
    hints: tuple[str, ...]
    form: str
    flags: str = ""

    def is_in(self, text: str, lowered: str) -> bool:
        """Whether the text has it."""
        if not any(hint in lowered for hint in self.hints):
            return False
        return re.search(self.form, text, re.I if "i" in self.flags else 0) is not None


def secrets(document: Document) -> Iterator[Diagnostic]:
    """An error for every text of a rig that looks like a secret: values, keys and comments.

    None of them repeats the text.
    """
    found: set[int] = set()
    for path, text, of_key in _texts((), document.value):
        kind = secret_kind(text)
        if kind is None and not of_key and _is_named_secret(path, text):
            kind = "a secret, by the name of its key"
        if kind is not None:
            span = document.span(path, of="key" if of_key else "value", label=_LABEL)
            found.update(range(span.line, span.end_line + 1))
            yield _diagnostic(kind, span)
    for number, line in enumerate(document.text.split("\n"), 1):
        kind = secret_kind(line) if number not in found and "#" in line else None
        if kind is not None:
            column = line.index("#") + 1
            span = Span(document.file, number, column, number, len(line.rstrip("\r")) + 1, _LABEL)
            yield _diagnostic(kind, span)


def secret_kind(text: str) -> str | None:
    """What kind of secret the text has in it (``a GitHub token``), or None."""
    lowered = text.lower()
    return next((form.kind for form in _forms() if form.is_in(text, lowered)), None)


def _is_named_secret(path: KeyPath, text: str) -> bool:
    """Whether a text stands under a name that says it is a secret; the language's own way to name
    one, ``{ secret = "NAME" }``, is none.
    """
    keys = [part for part in path if isinstance(part, str)]
    key = keys[-1] if keys else ""
    if _SCREENED.search(key) is None or (key == "secret" and _NAMED.fullmatch(text)):
        return False
    table = _table()["name"]
    named = re.search(table["ends"], key, re.I) is not None
    return named and re.fullmatch(table["but"], text) is None


def _diagnostic(kind: str, span: Span) -> Diagnostic:
    return Diagnostic(
        code="RS406",
        severity=Severity.ERROR,
        message=f"this looks like {kind}; a rig file is read by many eyes",
        spans=(replace(span, masked=True),),
        help=('take it out, change it, and name it: `{ secret = "NAME" }`',),
    )


def _texts(path: KeyPath, value: object) -> Iterator[tuple[KeyPath, str, bool]]:
    """Every text, with its path and whether it is a key."""
    if isinstance(value, str):
        yield path, value, False
    elif isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key), key, True
            yield from _texts((*path, key), item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts((*path, index), item)


@lru_cache(maxsize=1)
def _forms() -> tuple[_Form, ...]:
    return tuple(
        _Form(row["kind"], tuple(row["hints"]), row["form"], row.get("flags", ""))
        for row in _table()["form"]
    )


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    text = (files("rigspec.spec") / "secret_patterns.toml").read_text(encoding="utf-8")
    return tomli.loads(text)
