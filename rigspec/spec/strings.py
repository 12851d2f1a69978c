"""Strings that no rig may hold: control and unseen characters, and secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.spec.document import Document, KeyPath

__all__ = ["unsafe_strings"]

_LABEL = "name the secret instead"
_UNSEEN = "a character that controls, or that nobody sees"

# C0 and C1 controls, line and paragraph separators, the marks that reorder what a reader sees
# (Unicode Standard Annex 9, explicit formatting characters), and what a reader does not see at all:
# zero-width spaces, word joiners, invisible operators, annotations and tags. The joiners U+200C and
# U+200D stay: there are languages that need them.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)

# What published secrets look like: the prefixes their issuers document.
_SECRETS = (
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})")),
    ("a GitLab token", re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}")),
    ("a Slack token", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}")),
    ("a Google API key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b")),
    ("a Hugging Face token", re.compile(r"\bhf_[A-Za-z0-9]{30,}\b")),
    (
        "a password hash",
        # `image@sha256:…` is the digest of an image.
        re.compile(r"(?<!@)\b(?:sha1|sha256|argon2):|\$(?:1|2[aby]|5|6|y|argon2\w+)\$"),
    ),
    ("a password in an address", re.compile(r"://[^/\s:@]+:[^/\s@]+@")),
    ("a log-in in an address", re.compile(r"://[^/?#\s@]+@")),
    ("the key of a signed address", re.compile(r"[?&](?:X-\w+-Signature|sig|\w*token)=", re.I)),
)


def unsafe_strings(document: Document) -> Iterator[Diagnostic]:
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
        for kind, form in _SECRETS:
            if form.search(text):
                yield Diagnostic(
                    code="RS406",
                    severity=Severity.ERROR,
                    message=f"this looks like {kind}; a rig file is read by many eyes",
                    spans=(replace(document.span(path, label=_LABEL), masked=True),),
                    help=('take it out, change it, and name it: `{ secret = "NAME" }`',),
                )
                break


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
