"""A table with what the index has beyond it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rigspec.matrix.lint import Problem, problems
from rigspec.matrix.loader import build_matrix, load_matrix, table_file, uploads_file
from rigspec.refresh.index_releases import Published, published
from rigspec.refresh.rows import newest_known, packages_of, rows
from rigspec.refresh.upload_dates import HEAD, readings

__all__ = ["MARK", "ChangedFile", "Refreshed", "refreshed"]

# What stands above such rows; the script that makes the tables keeps what stands below it.
MARK = "# --- read from the package index by `rigspec matrix refresh` ---\n"


@dataclass(frozen=True)
class ChangedFile:
    """A file of the matrix, its name for a diff, and its text before and after."""

    file: Path
    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Refreshed:
    """The files that change, none where nothing is new, and what would be wrong with them."""

    files: tuple[ChangedFile, ...]
    problems: tuple[Problem, ...]


def refreshed(name: str, *, day: dt.date, index: str | None) -> Refreshed:
    """The table of a framework with the releases that the index has and it has not.

    Nothing is written. Raises LockError where the index fails.
    """
    matrix = load_matrix()
    product = matrix.product(name)
    found = [
        release
        for package in packages_of(product)
        for release in published(package, newer_than=newest_known(product, package), index=index)
    ]
    tables = dict(matrix.tables)
    before = tables[name].decode()
    new = rows(product, found, day)
    if not new:
        return Refreshed((), ())
    after = before + ("" if MARK in before else f"\n{MARK}") + f"\n{new}"
    tables[name] = after.encode()
    files = (ChangedFile(table_file(name), f"{name}.toml", before, after), *_days(name, found, day))
    return Refreshed(files, problems(build_matrix(tables)))


def _days(name: str, found: Sequence[Published], read: dt.date) -> Iterator[ChangedFile]:
    """The table of upload days with those of the new releases, where the index states any."""
    days: dict[str, dict[str, dt.date]] = {}
    for release in found:
        if release.uploaded is not None:
            days.setdefault(release.package, {})[release.version] = release.uploaded
    file = uploads_file(name)
    before = file.read_text(encoding="utf-8") if file.is_file() else ""
    if days:
        after = f"{before or HEAD}\n{readings(days, read)}"
        yield ChangedFile(file, f"uploads/{name}.toml", before, after)
