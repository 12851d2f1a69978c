"""All rows of the matrix, tried on all processors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache

from rigspec.matrix.loader import load_matrix
from rigspec.matrix.model import Matrix
from rigspec.selftest.rules import RuleTestResult, try_rule

__all__ = ["try_all"]

# How many rows a process takes at a time: small enough to end together.
_CHUNK = 8


def try_all() -> Iterator[RuleTestResult]:
    """The trial of every rule of the published matrix, in the order of the tables."""
    count = sum(1 for _ in _whole().rules())
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        yield from pool.map(_trial, range(count), chunksize=_CHUNK)


@cache
def _whole() -> Matrix:
    return load_matrix()


def _trial(index: int) -> RuleTestResult:
    matrix = _whole()
    return try_rule(tuple(matrix.rules())[index], matrix)
