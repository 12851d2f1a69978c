"""Versions as people and machines write them, read as versions that the matrix has.

``3.10.12`` and ``12.4.131`` are more exact than the tables: they mean their series. A nightly,
a release candidate or a build that no table lists becomes a further candidate, so that the rules
about ranges still apply to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from rigspec.matrix.model import Upload
from rigspec.matrix.uploads import load_uploads
from rigspec.resolve.problem.domains import Candidate, CandidateDomain
from rigspec.resolve.problem.model import Component, Requirement
from rigspec.version_specifiers import (
    Alternative,
    get_version_key,
    parse_alternative,
    parse_version,
    strip_local_version,
)

__all__ = [
    "find_exact_version",
    "find_index_without",
    "list_unlisted_candidates",
    "read_requirement",
]

# Components whose tables are not exact to the last number, and the fewest that name a series.
_SERIES = {"python": 2, "cuda": 2, "cudnn": 2, "os": 1}

# `0.8.5` of a package is that release and its post-releases; `0.8` is a series.
_RELEASE_LENGTH = 3


def read_requirement(
    requirement: Requirement, component: Component, mentions: Iterable[str]
) -> Requirement:
    """Return the requirement with alternatives that the component's releases can meet.

    ``mentions`` are the versions that rules name of a component whose releases no table lists.
    """
    if component.has_ranges:
        exact = tuple(_mentioned_in(requirement.alternatives[0], mentions))
        return _read_as(requirement, exact) if exact else requirement
    if component.mask(requirement.alternatives):
        return requirement
    for text in _series(requirement, _SERIES.get(component.name)):
        if component.mask((text,)):
            return _read_as(requirement, (text,))
    return requirement


def list_unlisted_candidates(
    texts: Iterable[str], domain: CandidateDomain, product: str
) -> Iterator[Candidate]:
    """Yield the versions that are requested exactly and that no table of the product lists.

    A release that the package index is known not to have is not among them.
    """
    for text in texts:
        alternative = parse_alternative(text)
        version = find_exact_version(alternative)
        if version is None or domain.mask((text,)):
            continue
        package = alternative.family or product
        if (
            _is_special(version)
            or _is_newer(version, domain)
            or find_index_without(product, package, version) is None
        ):
            yield Candidate(alternative.family, version)


def find_index_without(product: str, package: str, version: str) -> Upload | None:
    """Return the oldest upload that the index lists of a package, if it does not have a version.

    The index states nothing about versions that are older than all it lists.
    """
    uploads = [upload for upload in load_uploads(product) if upload.package == package]
    dated = [(get_version_key(upload.version), upload) for upload in uploads]
    key = get_version_key(version)
    oldest = min(dated, key=lambda pair: pair[0], default=None)
    if oldest is None or key <= oldest[0] or any(key == each for each, _ in dated):
        return None
    return oldest[1]


def _read_as(requirement: Requirement, alternatives: tuple[str, ...]) -> Requirement:
    return replace(requirement, alternatives=alternatives, text=requirement.written)


def _series(requirement: Requirement, shortest: int | None) -> Iterator[str]:
    """Yield ever shorter series of the version: ``12.4`` of ``12.4.131``."""
    alternative = parse_alternative(requirement.alternatives[0])
    version = find_exact_version(alternative)
    if shortest is None or version is None:
        return
    parts = strip_local_version(version).split(".")
    while len(parts) > shortest:
        parts.pop()
        yield f"{alternative.family or ''} {'.'.join(parts)}".strip()


def find_exact_version(alternative: Alternative) -> str | None:
    """Return the one version that a request names: ``==2.4.1+cu121``, ``==3.10.12.*``."""
    specifiers = [*(alternative.versions or ())]
    if len(specifiers) != 1 or specifiers[0].operator != "==":
        return None
    version: str = specifiers[0].version
    return version.removesuffix(".*")


def _is_special(text: str) -> bool:
    version = parse_version(text)
    return version is not None and (
        version.is_prerelease or version.is_postrelease or version.local is not None
    )


def _is_newer(text: str, domain: CandidateDomain) -> bool:
    version = parse_version(strip_local_version(text))
    known = (parse_version(strip_local_version(c.version)) for c in domain.candidates)
    return version is not None and all(other is None or version > other for other in known)


def _mentioned_in(text: str, mentions: Iterable[str]) -> Iterator[str]:
    """Yield the releases that rules name, of those that a request such as ``0.8.5`` means."""
    alternative = parse_alternative(text)
    requested = find_exact_version(alternative)
    if requested is None or text.startswith("=") or requested.count(".") + 1 < _RELEASE_LENGTH:
        return
    for mention in sorted(mentions):
        named = find_exact_version(parse_alternative(mention))
        if named is not None and alternative.admits(None, named):
            yield f"=={named}"
