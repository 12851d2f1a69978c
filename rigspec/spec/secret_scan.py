"""Find secrets and forbidden characters in a rig.

Secrets are recognised by the rules of ``rigspec.secrets`` and by key names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rigspec.diagnostics.model import Diagnostic, Severity, Span
from rigspec.secrets.rules import SecretRule, has_secret_name, select_rules
from rigspec.secrets.rules import find_secrets as find_in_text
from rigspec.spec.toml.document import Document, KeyPath

__all__ = ["find_forbidden_strings", "find_secrets"]

_FORBIDDEN_LABEL = "control or invisible character"

# C0 and C1 controls, line and paragraph separators, characters that reorder the displayed text
# (Unicode Standard Annex 9, explicit formatting characters), and invisible characters: zero-width
# spaces, word joiners, invisible operators, annotations and tags. The joiners U+200C and U+200D
# are allowed, because some languages need them.
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


def find_forbidden_strings(document: Document) -> Iterator[Diagnostic]:
    """Yield an error for each forbidden character or possible secret in keys and values."""
    for path, text in _iterate_strings((), document.value):
        match = _FORBIDDEN.search(text)
        if match is not None:
            yield Diagnostic(
                code="RS003",
                severity=Severity.ERROR,
                message=f"the character U+{ord(match[0]):04X} is not allowed in a rig",
                spans=(document.span(path, label=_FORBIDDEN_LABEL),),
                help=("use visible characters on one line",),
            )
    yield from find_secrets(document)


def _iterate_strings(path: KeyPath, value: object) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            if _FORBIDDEN.search(key):
                yield (*path, key), key
            yield from _iterate_strings((*path, key), item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _iterate_strings((*path, index), item)


_LABEL = "possible secret"
_PACKAGE_TABLES = ("frameworks", "packages")
_SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,99}")


def find_secrets(document: Document) -> Iterator[Diagnostic]:
    """Yield an error for each possible secret in values, keys and comments.

    The errors do not contain the text.
    """
    texts = list(_iterate_texts((), document.value))
    # A value may contain escapes: its text is not the file's.
    rules = select_rules("\n".join((document.text, *(text for _, text, _ in texts))))
    reported: set[int] = set()
    for path, text, of_key in texts:
        kind = _classify(text, rules)
        if kind is None and not of_key and _is_named_secret(path, text):
            kind = "the name of its key"
        if kind is not None:
            span = document.span(path, of="key" if of_key else "value", label=_LABEL)
            reported.update(range(span.line, span.end_line + 1))
            yield _build_diagnostic(kind, span)
    for number, line in enumerate(document.text.split("\n") if rules else (), 1):
        kind = _classify(line, rules) if number not in reported and "#" in line else None
        if kind is not None:
            column = line.index("#") + 1
            span = Span(document.file, number, column, number, len(line.rstrip("\r")) + 1, _LABEL)
            yield _build_diagnostic(kind, span)


def _classify(text: str, rules: Sequence[SecretRule]) -> str | None:
    return next((kind for kind, _, _ in find_in_text(text, rules)), None)


def _is_named_secret(path: KeyPath, text: str) -> bool:
    """Return whether the key of a text suggests a secret.

    A reference to a secret, ``{ secret = "NAME" }``, is not one.
    """
    keys = [part for part in path if isinstance(part, str)]
    key = keys[-1] if keys else ""
    if key == "secret" and _SECRET_NAME.fullmatch(text):
        return False
    if keys[-2:-1] and keys[-2] in _PACKAGE_TABLES:
        return False  # a package such as `google-auth` with its version
    return has_secret_name(key, text)


def _build_diagnostic(kind: str, span: Span) -> Diagnostic:
    return Diagnostic(
        code="RS406",
        severity=Severity.ERROR,
        message=f"possible secret ({kind}); do not store secrets in the spec",
        spans=(replace(span, masked=True),),
        help=(
            'remove it, replace it at its issuer, and refer to it by name: `{ secret = "NAME" }`',
        ),
    )


def _iterate_texts(path: KeyPath, value: object) -> Iterator[tuple[KeyPath, str, bool]]:
    """Yield every text with its path and whether it is a key."""
    if isinstance(value, str):
        yield path, value, False
    elif isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key), key, True
            yield from _iterate_texts((*path, key), item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _iterate_texts((*path, index), item)
