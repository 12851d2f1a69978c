"""Strings that no rig may hold: control and unseen characters, and secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.spec.document import Document, KeyPath
from rigspec.spec.secrets import secrets

__all__ = ["forbidden_strings"]

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
