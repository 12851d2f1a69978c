"""Test all rules of the matrix on all processors."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache

from rigspec.matrix.loader import load_matrix
from rigspec.matrix.model import Matrix
from rigspec.selftest.rules import RuleTestResult, check_rule

__all__ = ["check_all_rules"]

# Rules per task: few enough that the processes finish together, and many enough that rules of one
# table, which need the same parts of the matrix, are mostly in one process.
_RULES_PER_TASK = 32


def check_all_rules() -> Iterator[RuleTestResult]:
    """Yield the test result of every rule, in the order of the tables."""
    count = sum(1 for _ in _load().rules())
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        yield from pool.map(_test, range(count), chunksize=_RULES_PER_TASK)


@cache
def _load() -> Matrix:
    matrix = load_matrix()
    # It lives as long as the process: the collector does not search it again and again.
    gc.freeze()
    return matrix


def _test(index: int) -> RuleTestResult:
    matrix = _load()
    return check_rule(tuple(matrix.rules())[index], matrix)
