"""The ways a lock can fail to be made."""

from __future__ import annotations

import re

from rigspec.diagnostics.model import Diagnostic, Severity

__all__ = ["LockFailure", "distrusted_index", "index_failure", "no_packages", "no_solution"]

_ADDRESS = re.compile(r"\b(?:https?|file)://[^\s`'\")>\]]+")


class LockFailure(Exception):
    """No lock was made, and ``diagnostic`` says why; ``status`` is the exit status it means."""

    def __init__(self, diagnostic: Diagnostic, status: int) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic
        self.status = status


def index_failure(what: str, why: str) -> LockFailure:
    """An index or a mirror did not answer, or answered with something else than it promised."""
    diagnostic = Diagnostic(
        code="RS504",
        severity=Severity.ERROR,
        message=f"{what} could not be fetched: {_without_addresses(why)}",
        help=("nothing was written; try again, or name another index under `[mirrors]`",),
    )
    return LockFailure(diagnostic, 3)


def distrusted_index(what: str, why: str) -> LockFailure:
    """An index came, and is not what the one who signs it vouches for."""
    diagnostic = Diagnostic(
        code="RS504",
        severity=Severity.ERROR,
        message=f"{what} cannot be trusted: {_without_addresses(why)}",
        help=("nothing was written; try again, or name another archive under `[mirrors] apt`",),
    )
    return LockFailure(diagnostic, 3)


def no_packages(os: str, why: str, *do: str) -> LockFailure:
    """The distribution's archive cannot give the packages that the rig asks it for."""
    message = f"the packages of {os} cannot be locked: {why}"
    return LockFailure(Diagnostic("RS530", Severity.ERROR, message, help=do), 1)


def no_solution(env: str, why: str) -> LockFailure:
    """No set of packages satisfies an environment."""
    diagnostic = Diagnostic(
        code="RS506",
        severity=Severity.ERROR,
        message=f"no set of packages satisfies the environment `{env}`",
        help=(_without_addresses(why),),
    )
    return LockFailure(diagnostic, 1)


def _without_addresses(text: str) -> str:
    """The text without the addresses of the user's indexes, which may carry credentials."""
    return _ADDRESS.sub("the index", " ".join(text.split()))
