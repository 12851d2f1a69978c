"""A table with what the index has beyond it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from rigspec.matrix.load import build_matrix, load_matrix
from rigspec.matrix.verify import Problem, problems
from rigspec.refresh.published import published
from rigspec.refresh.rows import newest_known, packages_of, rows

__all__ = ["MARK", "Refreshed", "refreshed"]

# What stands above such rows; the script that makes the tables keeps what stands below it.
MARK = "# --- read from the package index by `rigspec matrix refresh` ---\n"


@dataclass(frozen=True)
class Refreshed:
    """The table's text before and after, and what would be wrong with it."""

    before: str
    after: str
    problems: tuple[Problem, ...]


def refreshed(name: str, *, day: dt.date, index: str | None) -> Refreshed:
    """The table of a framework with the releases that the index has and it has not.

    Nothing is written. Raises LockFailure where the index fails.
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
        return Refreshed(before, before, ())
    after = before + ("" if MARK in before else f"\n{MARK}") + f"\n{new}"
    tables[name] = after.encode()
    return Refreshed(before, after, problems(build_matrix(tables)))
