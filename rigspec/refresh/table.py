"""A table with what the index has beyond it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from rigspec.matrix.load import build_matrix, load_matrix, table_file, uploads_file
from rigspec.matrix.verify import Problem, problems
from rigspec.refresh.published import published
from rigspec.refresh.rows import newest_known, packages_of, rows
from rigspec.refresh.uploads import uploads_table

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

    The table of upload days is read anew where there are any. Nothing is written. Raises LockFailure where the index fails.
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
    grown = build_matrix(tables)
    days = uploads_file(name)
    files = [
        ChangedFile(table_file(name), f"{name}.toml", before, after),
        ChangedFile(
            days,
            f"uploads/{name}.toml",
            days.read_text(encoding="utf-8") if days.is_file() else "",
            uploads_table(grown.product(name), day=day, index=index),
        ),
    ]
    # An index that states no times takes none away that are known.
    changed = tuple(file for file in files if file.after not in ("", file.before))
    return Refreshed(changed, problems(grown))
