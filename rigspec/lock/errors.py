"""The ways a lock can fail to be made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.spec.toml.document import Document, KeyPath

__all__ = [
    "LockError",
    "Place",
    "index_failure",
    "no_packages",
    "no_solution",
    "unknown_package",
    "untrusted_index",
    "without_addresses",
]

_ADDRESS = re.compile(r"\b(?:https?|file)://[^\s`'\")>\]]+")


@dataclass(frozen=True)
class Place:
    """A line of the spec that a failure is about, and what it asks for."""

    path: KeyPath
    label: str
    of: str = "value"


class LockError(Exception):
    """No lock was made, and ``diagnostic`` says why; ``status`` is the exit status it means.

    ``places`` are the lines of the spec that it is about.
    """

    def __init__(self, diagnostic: Diagnostic, status: int, places: Sequence[Place] = ()) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic
        self.status = status
        self.places = tuple(places)

    def told(self, document: Document) -> Diagnostic:
        """The diagnostic with its places in the document."""
        spans = tuple(
            document.span(place.path, of=place.of, label=place.label) for place in self.places
        )
        return replace(self.diagnostic, spans=(*self.diagnostic.spans, *spans))


def index_failure(what: str, why: str) -> LockError:
    """An index or a mirror did not answer, or answered with something else than it promised."""
    diagnostic = Diagnostic(
        code="RS504",
        severity=Severity.ERROR,
        message=f"{what} could not be fetched: {without_addresses(why)}",
        help=("what was there before stays; try again, or name another source under `[mirrors]`",),
    )
    return LockError(diagnostic, 3)


def untrusted_index(what: str, why: str) -> LockError:
    """An index came, and is not what the one who signs it vouches for."""
    diagnostic = Diagnostic(
        code="RS504",
        severity=Severity.ERROR,
        message=f"{what} cannot be trusted: {without_addresses(why)}",
        help=("what was there before stays; try again, or name another source under `[mirrors]`",),
    )
    return LockError(diagnostic, 3)


def no_packages(os: str, why: str, *do: str) -> LockError:
    """The distribution's archive cannot give the packages that the rig asks it for."""
    message = f"the packages of {os} cannot be locked: {why}"
    return LockError(Diagnostic("RS530", Severity.ERROR, message, help=do), 1)


def no_solution(
    env: str, why: str, places: Sequence[Place] = (), *, own_words: bool = False
) -> LockError:
    """No set of packages satisfies an environment; ``places`` are the lines that collide.

    ``own_words`` says that ``why`` is rigspec's own: what it names, it may name.
    """
    diagnostic = Diagnostic(
        code="RS506",
        severity=Severity.ERROR,
        message=f"no set of packages satisfies the environment `{env}`",
        help=(why if own_words else without_addresses(why),),
    )
    return LockError(diagnostic, 1, places)


def unknown_package(env: str, names: Sequence[str], places: Sequence[Place]) -> LockError:
    """No channel of an environment has a package of that name."""
    listed = ", ".join(f"`{name}`" for name in names)
    diagnostic = Diagnostic(
        code="RS520",
        severity=Severity.ERROR,
        message=f"no channel of the environment `{env}` has {listed}",
        help=("write the name as the channel has it, or add the channel that has it",),
    )
    return LockError(diagnostic, 1, places)


def without_addresses(text: str) -> str:
    """The text without the addresses of the user's indexes, which may carry credentials."""
    return _ADDRESS.sub("the index", " ".join(text.split()))
