"""Smallest cores and correction sets, of problems small enough to try every subset."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rigspec.resolve.conflicts.hitting_sets import find_smallest_core, iterate_correction_sets
from rigspec.resolve.problem.model import Problem
from rigspec.resolve.solver.cnf import Encoding
from rigspec.resolve.solver.sat import SolverSession

# Each selector forbids the others of a clause: [1, 3] means that 1 and 3 exclude each other.
SELECTORS = range(1, 8)
CLAUSES = st.lists(
    st.sets(st.sampled_from(SELECTORS), min_size=1, max_size=4), min_size=1, max_size=7
)


@settings(deadline=None)
@given(clauses=CLAUSES)
def test_smallest_core_is_the_last_of_the_smallest(clauses: list[set[int]]) -> None:
    smallest = min(len(clause) for clause in clauses)
    expected = max(tuple(sorted(clause)) for clause in clauses if len(clause) == smallest)
    with _session(clauses) as session:
        assert find_smallest_core(session, dict.fromkeys(SELECTORS, 1), []) == expected


@settings(deadline=None)
@given(clauses=CLAUSES)
def test_correction_sets_are_all_minimal_ones_by_size(clauses: list[set[int]]) -> None:
    hitting = [
        subset
        for size in range(len(SELECTORS) + 1)
        for subset in combinations(SELECTORS, size)
        if all(clause & {*subset} for clause in clauses)
    ]
    minimal = [s for s in hitting if not any({*other} < {*s} for other in hitting)]
    expected = sorted(sorted(minimal, reverse=True), key=len)
    with _session(clauses) as session:
        sets = [each for size in iterate_correction_sets(session, SELECTORS, []) for each in size]
    assert sets == expected


def test_lighter_core_is_preferred_to_a_later_one() -> None:
    weights = {1: 64, 2: 64, 3: 64, 4: 65}
    with _session([{1, 2}, {3, 4}]) as session:
        assert find_smallest_core(session, weights, []) == (1, 2)


@pytest.mark.parametrize("hard", [[1], [1, 2]])
def test_hard_selectors_are_in_no_correction_set(hard: list[int]) -> None:
    soft = [s for s in (1, 2, 3) if s not in hard]
    with _session([{1, 3}, {2, 3}]) as session:
        assert list(iterate_correction_sets(session, soft, hard)) == [[(3,)]]


def _session(clauses: list[set[int]]) -> SolverSession:
    encoding = Encoding()
    for _ in SELECTORS:
        encoding.new_variable()
    encoding.clauses += [[-selector for selector in sorted(clause)] for clause in clauses]
    return SolverSession(Problem((), (), (), ()), encoding)
