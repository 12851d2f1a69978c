"""Releases of an index as rows of a table, in its own words and each with its day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import tomlkit
from packaging.version import Version
from tomlkit.items import InlineTable, Table

from rigspec.matrix.model import Product
from rigspec.refresh.index_releases import Published

__all__ = ["newest_known", "packages_of", "rows"]

_MISSING = "No matching distribution found"


@dataclass(frozen=True)
class _Fact:
    """What one release asks of one component."""

    component: str
    requires: str | list[str]
    code: str
    statement: str
    failure_message: str = ""
    severity: str = "error"


def packages_of(product: Product) -> tuple[str, ...]:
    """The packages of the Python index that a product is."""
    return product.families or (product.name,)


def newest_known(product: Product, package: str) -> str | None:
    """The newest release of a package that the table has."""
    family = package if product.families else None
    known = [Version(r.version) for r in product.releases if r.family == family]
    return str(max(known)) if known else None


def rows(product: Product, releases: Sequence[Published], day: dt.date) -> str:
    """The rows as TOML; empty where nothing is new."""
    if not releases:
        return ""
    document = tomlkit.document()
    sources = document.setdefault("source", tomlkit.table(is_super_table=True))
    keys: dict[str, str] = {}
    for release in releases:
        if release.package not in keys:
            # Named by its first release: what is read another day has another source.
            keys[release.package] = f"{release.package}-{release.version}.."
            sources[keys[release.package]] = _source(release.package, day)
    document["release"] = tomlkit.aot()
    document["rule"] = tomlkit.aot()
    for release in releases:
        document["release"].append(_release(product, release, keys[release.package]))
        for fact in _facts(product, release):
            document["rule"].append(_rule(product, release, fact, keys[release.package]))
    if not document["rule"]:
        # `rule = []` would be read as a part of the row above it.
        del document["rule"]
    return tomlkit.dumps(document)


def _source(package: str, day: dt.date) -> Table:
    source = tomlkit.table()
    source["title"] = f"{package} on the Python Package Index: tags and requirements"
    source["url"] = f"pkg:pypi/{package}"
    source["read"] = day
    return source


def _release(product: Product, release: Published, source: str) -> Table:
    row = tomlkit.table()
    if product.families:
        row["family"] = release.package
    row["version"] = release.version
    if release.yanked is not None:
        reason = f"yanked from the package index: {release.yanked}"
        row["availability"] = [_inline({"kind": "yanked", "reason": reason})]
    row["source"] = [source]
    return row


def _facts(product: Product, release: Published) -> Iterator[_Fact]:
    name = f"{release.package} {release.version}"
    if release.pythons:
        told = f"{name} has wheels for Python {', '.join(release.pythons)}"
        yield _Fact("python", list(release.pythons), "RS207", told, _MISSING)
    elif release.requires_python:
        told = f"{name} asks for Python {release.requires_python}"
        yield _Fact("python", release.requires_python.replace(" ", ""), "RS207", told, _MISSING)
    if release.pip is not None:
        tags = " and ".join(release.tags)
        told = f"{name} has {tags} wheels, which pip reads from {release.pip} on"
        yield _Fact("pip", f">={release.pip}", "RS210", told, _MISSING)
    if release.glibc is not None:
        told = f"{name} has wheels for glibc {release.glibc} and newer"
        yield _Fact("glibc", f">={release.glibc}", "RS211", told, _MISSING)
    if release.cuda is not None:
        told = f"{name} brings CUDA {release.cuda} in its wheels, whatever toolkit the machine has"
        yield _Fact("cuda_runtime", release.cuda, "RS201", told)
    if any(rule.requires.component == "compute_capability" for rule in product.rules):
        # Tags do not tell it; until somebody opens the wheel, a GPU is taken with a warning.
        told = f"nobody has read yet which GPUs the wheels of {name} have code for"
        yield _Fact("accelerator", "cpu", "RS229", told, severity="warning")


def _rule(product: Product, release: Published, fact: _Fact, source: str) -> Table:
    family = f"{release.package} " if product.families else ""
    when = {product.name: f"{family}=={release.version}"}
    if fact.component == "cuda_runtime":
        when["accelerator"] = "gpu"
    row = tomlkit.table()
    row["id"] = f"{release.package}-{release.version}/{fact.component}"
    row["when"] = _inline(when)
    row["requires"] = _inline({fact.component: fact.requires})
    row["code"] = fact.code
    row["statement"] = fact.statement
    if fact.failure_message:
        row["failure_message"] = fact.failure_message
    if fact.severity != "error":
        row["severity"] = fact.severity
    row["source"] = [source]
    return row


def _inline(values: Mapping[str, object]) -> InlineTable:
    table = tomlkit.inline_table()
    table.update(dict(values))
    return table
