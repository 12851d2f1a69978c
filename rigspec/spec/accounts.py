"""Names of accounts that are taken: by the system (``accounts.toml``), or by a group of the rig."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files

import tomli

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.spec.document import Document
from rigspec.spec.model import Rig

__all__ = ["groups_of_accounts", "system_accounts"]


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


def groups_of_accounts(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """An error for every group of the rig that an account has as its own already."""
    for index, group in enumerate(rig.system.groups if rig.system is not None else ()):
        if group in rig.user:
            yield Diagnostic(
                "RS014",
                Severity.ERROR,
                f"the group `{group}` is that of the account `{group}` alone",
                spans=(
                    document.span(("system", "groups", index), label="has the name of an account"),
                    document.span(("user", group), label="brings a group of this name"),
                ),
                help=(
                    "give the group another name: whoever is in an account's own shares its files",
                ),
            )


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    text = (files("rigspec.spec") / "accounts.toml").read_text(encoding="utf-8")
    return frozenset(tomli.loads(text)["names"])
