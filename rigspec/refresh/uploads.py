"""The days on which releases were uploaded, read from the package index into a table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping

import tomlkit
from packaging.version import Version
from unearth import PackageFinder

from rigspec.lock.index import dated_files, listed_files
from rigspec.matrix.model import Product
from rigspec.refresh.published import for_linux
from rigspec.refresh.rows import packages_of

__all__ = ["uploads_table"]

_HEAD = "The day of the first file that 64-bit Linux can take, as the package index tells it."


def uploads_table(product: Product, *, day: dt.date, index: str | None) -> str:
    """The table of upload days of a framework's releases, read from the index on that ``day``.

    A release of which the index states no time has no row; empty where it states none at all.
    Raises LockFailure where the index fails.
    """
    document = tomlkit.document()
    document.add(tomlkit.comment(_HEAD))
    sources = document.setdefault("source", tomlkit.table(is_super_table=True))
    uploaded = document.setdefault("uploaded", tomlkit.table(is_super_table=True))
    for package in sorted(packages_of(product)):
        versions = {r.version for r in product.releases if r.family in (None, package)}
        days = _first_days(package, versions, index)
        if days:
            sources[package] = _source(package, day)
            uploaded[package] = tomlkit.table()
            for version in sorted(days, key=Version):
                uploaded[package][version] = days[version]
    return tomlkit.dumps(document) if len(uploaded) else ""


def _first_days(
    package: str, versions: Collection[str], index: str | None
) -> Mapping[str, dt.date]:
    """The day of each version's first file, in UTC."""
    finder = PackageFinder(
        index_urls=[index] if index is not None else [], ignore_compatibility=True
    )
    files = [f for f in listed_files(finder, package, yanked=True) if for_linux(f)]
    asked = {Version(version): version for version in versions}
    days: dict[str, dt.date] = {}
    for file, time in dated_files(finder, package, files):
        version = asked.get(Version(file.version or "0"))
        if version is not None and time is not None:
            uploaded = time.astimezone(dt.timezone.utc).date()
            days[version] = min(uploaded, days.get(version, uploaded))
    return days


def _source(package: str, day: dt.date) -> tomlkit.items.Table:
    source = tomlkit.table()
    source["title"] = f"{package} on the Python Package Index: upload times"
    source["url"] = f"pkg:pypi/{package}"
    source["read"] = day
    return source
