"""The errors of locking."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.frozen import dataclass
from rigspec.resolution import Build, EnvResolution
from rigspec.spec.toml.document import Document, KeyPath
from rigspec.version_specifiers import build_of

__all__ = [
    "EngineLimit",
    "LockError",
    "Place",
    "index_failure",
    "remove_addresses",
    "report_absent_package",
    "report_failed_transfer",
    "report_no_packages",
    "report_no_solution",
    "report_unknown_package",
    "report_unknown_system",
    "report_unlisted_names",
    "report_untrusted_index",
]

_ADDRESS = re.compile(r"\b(?:https?|file)://[^\s`'\")>\]]+")


@dataclass(frozen=True)
class Place:
    """A line of the spec that is part of an error, and its label."""

    path: KeyPath
    label: str
    of: str = "value"


class LockError(Exception):
    """The lock was not created. ``diagnostic`` states why; ``status`` is the exit status.

    ``places`` are the lines of the spec that are part of it. ``on_every_python`` is true if
    another Python has the same error.
    """

    def __init__(
        self,
        diagnostic: Diagnostic,
        status: int,
        places: Sequence[Place] = (),
        *,
        on_every_python: bool = False,
    ) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic
        self.status = status
        self.places = tuple(places)
        self.on_every_python = on_every_python

    def locate(self, document: Document) -> Diagnostic:
        """Return the diagnostic with its places in the document."""
        spans = tuple(
            document.span(place.path, of=place.of, label=place.label) for place in self.places
        )
        return replace(self.diagnostic, spans=(*self.diagnostic.spans, *spans))


class EngineLimit(LockError):
    """A resolver cannot read a package; another one may."""


def report_failed_transfer(what: str, error: Exception) -> LockError:
    """Return the error of a download that failed; it names the host, and no address."""
    from rigspec.net.http import describe_error, find_host

    why, host = describe_error(error), find_host(error)
    return index_failure(what, f"{why} (from {host})" if host else why)


def index_failure(what: str, why: str) -> LockError:
    """Return the error of an index or a mirror that failed or sent something else."""
    diagnostic = Diagnostic(
        code="RS504",
        severity=Severity.ERROR,
        message=f"{what} could not be fetched: {remove_addresses(why)}",
        help=("the existing lock was not changed; retry, or set another source in `[mirrors]`",),
    )
    return LockError(diagnostic, 3)


def report_untrusted_index(what: str, why: str) -> LockError:
    """Return the error of an index without a valid signature."""
    diagnostic = Diagnostic(
        code="RS504",
        severity=Severity.ERROR,
        message=f"{what} cannot be trusted: {remove_addresses(why)}",
        help=("the existing lock was not changed; retry, or set another source in `[mirrors]`",),
    )
    return LockError(diagnostic, 3)


def report_unknown_system(machine: str | None, base: str) -> LockError:
    """Return the error for a base image whose system, and with it the packages, is unknown."""
    diagnostic = Diagnostic(
        code="RS530",
        severity=Severity.ERROR,
        message=f"cannot lock packages: the operating system of the image {base} is unknown",
        components=("image", "os"),
        help=(
            f"set `os` in `[machine.{machine or 'NAME'}]` to the system of the image, such as "
            '"ubuntu 22.04"',
        ),
    )
    place = Place(("container", "base"), "unknown contents")
    return LockError(diagnostic, 1, (place,))


def report_absent_package(package: str, index: str) -> LockError:
    """Return the error of a package that its own index does not have."""
    diagnostic = Diagnostic(
        code="RS506",
        severity=Severity.ERROR,
        message=f"the index `{index}` has no package `{package}`, which `packages` of "
        f"`[index.{index}]` names: no other index is asked",
        help=(f"if another index has it, change `packages` so that it does not name `{package}`",),
    )
    return LockError(diagnostic, 1, (Place(("index", index, "packages"), "not on this index"),))


def report_unlisted_names(index: str) -> LockError:
    """Return the error of an index without a list of its packages."""
    diagnostic = Diagnostic(
        code="RS506",
        severity=Severity.ERROR,
        message=f"the index `{index}` does not list its packages, so that the names that start as "
        f"`packages` of `[index.{index}]` states are unknown",
        help=("write every package in full, without `*`",),
    )
    return LockError(diagnostic, 1, (Place(("index", index, "packages"), "not listed"),))


def report_unsupported_build(env: EnvResolution, build: Build, address: str) -> LockError:
    """Return the error for a build whose only public address is a page of links, or none."""
    named = build.requirement.replace("==", " ")
    name = next(build_of(pin.version) for pin in env.frameworks if pin.name == build.framework)
    diagnostic = Diagnostic(
        code="RS532",
        severity=Severity.ERROR,
        message=f"cannot lock `{env.name}`: {named} is not on the default package index, and "
        f"{address or 'no known index'} has no checksums",
        help=(
            f'set `url` in `[index."{name}"]` to a package index that has the build',
            f"or request a release of {build.framework} whose default build fits the GPU and the "
            "driver",
        ),
    )
    return LockError(diagnostic, 1)


def report_no_packages(os: str, why: str, *do: str) -> LockError:
    """Return the error of an archive that lacks packages of the rig."""
    message = f"the packages of {os} cannot be locked: {why}"
    return LockError(Diagnostic("RS530", Severity.ERROR, message, help=do), 1)


def report_no_solution(
    env: str, why: str, places: Sequence[Place] = (), *, own_words: bool = False
) -> LockError:
    """Return the error of an environment without a solution; ``places`` are conflicting lines.

    ``own_words``: ``why`` is rigspec's own text and contains no address.
    """
    diagnostic = Diagnostic(
        code="RS506",
        severity=Severity.ERROR,
        message=f"no set of packages satisfies the environment `{env}`",
        help=(why if own_words else remove_addresses(why),),
    )
    return LockError(diagnostic, 1, places)


def report_unknown_package(env: str, names: Sequence[str], places: Sequence[Place]) -> LockError:
    """Return the error of package names that no channel of an environment has."""
    listed = ", ".join(f"`{name}`" for name in names)
    diagnostic = Diagnostic(
        code="RS520",
        severity=Severity.ERROR,
        message=f"no channel of the environment `{env}` has {listed}",
        help=("write the name as the channel does, or add the channel that has it",),
    )
    return LockError(diagnostic, 1, places)


def remove_addresses(text: str) -> str:
    """Return the text without the user's addresses, which may contain credentials."""
    return _ADDRESS.sub("the index", " ".join(text.split()))
