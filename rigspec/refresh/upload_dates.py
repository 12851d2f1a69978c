"""Read upload days from the package index, and format them for a separate table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import tomlkit
from packaging.version import Version
from unearth import Package, PackageFinder

from rigspec.lock.python.index.links import filter_files_by_day

__all__ = ["HEAD", "find_first_days", "format_readings"]

# The first line of a table of upload days.
HEAD = "# The upload day of the first file for 64-bit Linux, from the package index.\n"


def find_first_days(
    finder: PackageFinder, package: str, files: Sequence[Package]
) -> Mapping[Version, dt.date]:
    """Return the day of each version's first file, in UTC, if the index states it.

    Raises:
        LockError: The index cannot be read.
    """
    days: dict[Version, dt.date] = {}
    for file, time in filter_files_by_day(finder, package, files):
        if time is not None:
            version, day = Version(file.version or "0"), time.astimezone(dt.timezone.utc).date()
            days[version] = min(day, days.get(version, day))
    return days


def format_readings(days: Mapping[str, Mapping[str, dt.date]], read: dt.date) -> str:
    """Format the upload days of each package by version, all read on one day, as TOML."""
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
