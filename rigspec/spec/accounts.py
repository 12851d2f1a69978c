"""Accounts of the system, which are no users of a rig (``accounts.toml``)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files

import tomli

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.spec.document import Document
from rigspec.spec.model import Rig

__all__ = ["system_accounts"]


def system_accounts(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """An error for every user who is an account of the system: root is one."""
    for name in sorted(rig.user.keys() & _names()):
        yield Diagnostic(
            "RS013",
            Severity.ERROR,
            f"`{name}` is an account of the system, and no user",
            spans=(document.span(("user", name), label="every machine has it"),),
            help=("give the user a name of their own; groups give them what they may do",),
        )


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    text = (files("rigspec.spec") / "accounts.toml").read_text(encoding="utf-8")
    return frozenset(tomli.loads(text)["names"])
