"""Format releases of a package index as rows of a table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import tomlkit
from packaging.version import Version
from tomlkit.items import InlineTable, Table

from rigspec.matrix.model import Product
from rigspec.refresh.index_releases import IndexRelease
from rigspec.version_specifiers import strip_local_version

__all__ = ["find_newest_known", "format_rows", "list_packages"]

_MISSING = "No matching distribution found"


@dataclass(frozen=True)
class _Fact:
    """The requirement of one release on one component."""

    component: str
    requires: str | list[str]
    code: str
    statement: str
    failure_message: str = ""
    severity: str = "error"


def list_packages(product: Product) -> tuple[str, ...]:
    """Return the packages of a product on the Python index."""
    return product.families or (product.name,)


def find_newest_known(product: Product, package: str) -> str | None:
    """Return the newest release of a package in the table."""
    family = package if product.families else None
    # A build has the version of its release on the default index.
    known = [
        Version(strip_local_version(release.version) if product.has_builds else release.version)
        for release in product.releases
        if release.family == family
    ]
    return str(max(known)) if known else None


def format_rows(product: Product, releases: Sequence[IndexRelease], day: dt.date) -> str:
    """Format releases and their rules as TOML; empty if there are no releases."""
    if not releases:
        return ""
    document = tomlkit.document()
    sources = document.setdefault("source", tomlkit.table(is_super_table=True))
    keys: dict[str, str] = {}
    for release in releases:
        if release.package not in keys:
            # Named after the first release: a reading on another day is another source.
            keys[release.package] = f"{release.package}-{release.version}.."
            sources[keys[release.package]] = _build_source(release.package, day)
    document["release"] = tomlkit.aot()
    document["rule"] = tomlkit.aot()
    for release in releases:
        document["release"].append(_build_release(product, release, keys[release.package]))
        for fact in _find_facts(product, release):
            document["rule"].append(_build_rule(product, release, fact, keys[release.package]))
    if not document["rule"]:
        # `rule = []` would become a key of the row above it.
        del document["rule"]
    return tomlkit.dumps(document)


def _build_source(package: str, day: dt.date) -> Table:
    source = tomlkit.table()
    source["title"] = f"{package} on the Python Package Index: tags and requirements"
    source["url"] = f"pkg:pypi/{package}"
    source["read"] = day
    return source


def _build_release(product: Product, release: IndexRelease, source: str) -> Table:
    row = tomlkit.table()
    if product.families:
        row["family"] = release.package
    row["version"] = release.version
    if release.yanked is not None:
        reason = f"yanked from the package index: {release.yanked}"
        row["availability"] = [_build_inline({"kind": "yanked", "reason": reason})]
    row["source"] = [source]
    return row


def _find_facts(product: Product, release: IndexRelease) -> Iterator[_Fact]:
    name = f"{release.package} {release.version}"
    if release.pythons:
        text = f"{name} has wheels for Python {', '.join(release.pythons)}"
        yield _Fact("python", list(release.pythons), "RS207", text, _MISSING)
    elif release.requires_python:
        text = f"{name} requires Python {release.requires_python}"
        yield _Fact("python", release.requires_python.replace(" ", ""), "RS207", text, _MISSING)
    if release.pip is not None:
        tags = " and ".join(release.tags)
        text = f"{name} has {tags} wheels, which require pip {release.pip} or newer"
        yield _Fact("pip", f">={release.pip}", "RS210", text, _MISSING)
    if release.glibc is not None:
        text = f"{name} has wheels that require glibc {release.glibc} or newer"
        yield _Fact("glibc", f">={release.glibc}", "RS211", text, _MISSING)
    cuda = release.cuda
    if cuda is not None:
        text = f"{name} bundles CUDA {cuda} in its wheels, independent of the installed toolkit"
        yield _Fact("cuda_runtime", cuda, "RS201", text)
    if any(rule.requires.component == "compute_capability" for rule in product.rules):
        # No tag states it: until the wheel is examined, a GPU is accepted with a warning.
        text = f"the GPU code in the wheels of {name} has not been examined"
        yield _Fact("accelerator", "cpu", "RS229", text, severity="warning")


def _build_rule(product: Product, release: IndexRelease, fact: _Fact, source: str) -> Table:
    family = f"{release.package} " if product.families else ""
    when = {product.name: f"{family}=={release.version}"}
    if fact.component == "cuda_runtime":
        when["accelerator"] = "gpu"
    row = tomlkit.table()
    row["id"] = f"{release.package}-{release.version}/{fact.component}"
    row["when"] = _build_inline(when)
    row["requires"] = _build_inline({fact.component: fact.requires})
    row["code"] = fact.code
    row["statement"] = fact.statement
    if fact.failure_message:
        row["failure_message"] = fact.failure_message
    if fact.severity != "error":
        row["severity"] = fact.severity
    row["source"] = [source]
    return row


def _build_inline(values: Mapping[str, object]) -> InlineTable:
    table = tomlkit.inline_table()
    table.update(dict(values))
    return table
