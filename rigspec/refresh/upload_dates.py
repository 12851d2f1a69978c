"""The days on which releases came to the package index, as readings for a table of their own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import tomlkit
from packaging.version import Version
from unearth import Package, PackageFinder

from rigspec.lock.python.index.package_index import dated_files

__all__ = ["HEAD", "first_days", "readings"]

# What stands above the readings of a framework.
HEAD = "# The day of the first file that 64-bit Linux can take, as the package index tells it.\n"


def first_days(
    finder: PackageFinder, package: str, files: Sequence[Package]
) -> Mapping[Version, dt.date]:
    """The day of each version's first file, in UTC, as far as the index states it.

    Raises LockError.
    """
    days: dict[Version, dt.date] = {}
    for file, time in dated_files(finder, package, files):
        if time is not None:
            version, day = Version(file.version or "0"), time.astimezone(dt.timezone.utc).date()
            days[version] = min(day, days.get(version, day))
    return days


def readings(days: Mapping[str, Mapping[str, dt.date]], read: dt.date) -> str:
    """What was read on one day, as TOML: of each package the days by version."""
    document = tomlkit.document()
    rows = tomlkit.aot()
    for package in sorted(package for package in days if days[package]):
        row = tomlkit.table()
        row["package"] = package
        row["title"] = f"{package} on the Python Package Index: upload times"
        row["url"] = f"pkg:pypi/{package}"
        row["read"] = read
        row["uploaded"] = tomlkit.table()
        for version in sorted(days[package], key=Version):
            row["uploaded"][version] = days[package][version]
        rows.append(row)
    document["reading"] = rows
    return tomlkit.dumps(document) if len(rows) else ""
