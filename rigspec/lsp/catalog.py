"""Names and versions that the matrix knows, for completion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from packaging.version import Version

from rigspec.diagnostics.explanations import list_codes, load_title
from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.images import list_image_tags
from rigspec.matrix.loader import (
    find_package_owner,
    list_package_names,
    list_product_names,
    load_matrix,
)
from rigspec.matrix.model import Product, Release
from rigspec.version_specifiers import build_of, parse_version, strip_local_version

__all__ = [
    "CompletionChoice",
    "list_builds",
    "list_diagnostic_codes",
    "list_frameworks",
    "list_images",
    "list_packages",
    "list_parts",
    "list_versions",
    "load_product_of_package",
]

_IMAGE = "nvidia/cuda"


class CompletionChoice(NamedTuple):
    """A value that can be written, and a short remark about it."""

    value: str
    remark: str = ""


@lru_cache(maxsize=64)
def list_parts(product: str) -> tuple[CompletionChoice, ...]:
    """Return the labels of a product such as `gpu`, in the order of its table."""
    releases = load_matrix([product]).product(product).releases
    return tuple(CompletionChoice(release.label, _describe(release)) for release in releases)


@lru_cache(maxsize=64)
def list_versions(product: str, family: str | None = None) -> tuple[CompletionChoice, ...]:
    """Return the versions of a product, the newest first, without builds."""
    known = load_matrix([product]).product(product)
    by_version: dict[str, Release] = {}
    for release in _of_family(known, family):
        by_version.setdefault(strip_local_version(release.version), release)
    ordered = sorted(by_version.items(), key=lambda item: _key(item[0]), reverse=True)
    return tuple(CompletionChoice(version, _describe(release)) for version, release in ordered)


@lru_cache(maxsize=64)
def list_builds(product: str) -> tuple[CompletionChoice, ...]:
    """Return the builds of a framework, each with the newest release that has it."""
    newest: dict[str, str] = {}
    for release in load_matrix([product]).product(product).releases:
        build, version = build_of(release.version), strip_local_version(release.version)
        if release.get("index") and _key(version) >= _key(newest.get(build, "0")):
            newest[build] = version
    ordered = sorted(newest.items(), key=lambda item: (_key(item[1]), item[0]), reverse=True)
    return tuple(CompletionChoice(build, f"up to {version}") for build, version in ordered)


@lru_cache(maxsize=1)
def list_diagnostic_codes() -> tuple[CompletionChoice, ...]:
    """Return the codes of diagnostics with the titles of their pages."""
    return tuple(CompletionChoice(code, load_title(code)) for code in list_codes())


@lru_cache(maxsize=1)
def list_frameworks() -> tuple[CompletionChoice, ...]:
    """Return the Python packages of the frameworks of the matrix."""
    return tuple(
        CompletionChoice(name, _title(owner[0]))
        for name in list_package_names()
        if (owner := find_package_owner(name)) is not None
        and not owner[0].startswith(PACKAGE_PREFIX)
    )


@lru_cache(maxsize=1)
def list_packages() -> tuple[CompletionChoice, ...]:
    """Return the other Python packages that the matrix has rules about."""
    names = list_product_names()
    prefix = PACKAGE_PREFIX
    return tuple(
        CompletionChoice(name.removeprefix(prefix)) for name in names if name.startswith(prefix)
    )


def list_images(prefix: str) -> tuple[CompletionChoice, ...]:
    """Return the tags of CUDA images that start like a reference."""
    name, colon, tag = prefix.partition(":")
    if not _IMAGE.startswith(name) and name != _IMAGE:
        return ()
    if not colon or not tag[:1].isdigit():
        return (CompletionChoice(f"{_IMAGE}:", "CUDA image"),) if not colon else ()
    return tuple(CompletionChoice(f"{_IMAGE}:{known}") for known in list_image_tags(tag))


def load_product_of_package(package: str) -> tuple[Product, str | None] | None:
    """Return the product of a Python package and its family; None if the matrix has no table."""
    owner = find_package_owner(package)
    name, family = owner if owner is not None else (f"{PACKAGE_PREFIX}{package}", "")
    if name not in list_product_names():
        return None
    product = load_matrix([name]).product(name)
    has_family = any(release.family == family for release in product.releases)
    return product, family if family and has_family else None


def _of_family(product: Product, family: str | None) -> Iterable[Release]:
    return (r for r in product.releases if family is None or r.family in (family, None))


def _describe(release: Release) -> str:
    """Return the compute capability, the C library or the state of a release."""
    return ", ".join(_iterate_remarks(release))


def _iterate_remarks(release: Release) -> Iterator[str]:
    for condition in release.implies:
        value = condition.alternatives[0].removeprefix("==")
        if condition.component == "compute_capability":
            yield f"compute capability {value}"
        elif condition.component == "glibc":
            yield f"glibc {value}"
    for item in release.availability:
        if item.kind != "end-of-life":
            yield item.kind
        elif item.day is not None:
            yield f"end of life {item.day.isoformat()}"


def _title(product: str) -> str:
    return load_matrix([product]).product(product).title


def _key(version: str) -> Version:
    return parse_version(version) or Version("0")
