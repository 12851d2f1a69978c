"""Newest first: of all rigs that hold, the one in which nothing wanted could be any newer."""

from __future__ import annotations

from collections.abc import Iterable

from rigspec.resolve.assemble import Assembly
from rigspec.resolve.encode import encode
from rigspec.resolve.narrow import Narrowing, narrowed
from rigspec.resolve.problem import Claim
from rigspec.resolve.solve import Solution, SolverSession

__all__ = ["newest_solution"]

# How many choices may turn out wrong before a solver is asked.
_PATIENCE = 40


class _Lost(Exception):
    """Too many choices were wrong: trying is no way to this rig."""


def newest_solution(assembly: Assembly, claims: tuple[Claim, ...]) -> Solution | None:
    """The most wanted solution under the claims; None where nothing can hold.

    Components are settled one after the other in the assembly's order, each at the first of its
    releases that leaves a solution. Each choice is drawn to its consequences, which rarely leaves
    one to take back; where it does, a solver decides.
    """
    start = narrowed(assembly, claims)
    if start is None:
        return None
    try:
        found = _first(start, assembly.order, [_PATIENCE])
    except _Lost:
        return _decided(start, assembly)
    return _chosen(found, assembly.order) if found is not None else None


def _first(narrowing: Narrowing, order: tuple[str, ...], patience: list[int]) -> Narrowing | None:
    """The first full choice in the order of wishes, by trying; None where there is none."""
    open_keys = narrowing.open_keys
    key = next((key for key in order if key in open_keys), None)
    if key is None:
        return narrowing
    for candidate in narrowing.wanted(key):
        taken = narrowing.taking(key, candidate)
        found = None
        if taken is not None:
            later = order[order.index(key) + 1 :]
            found = _first(taken, later, patience)
        if found is not None:
            return found
        patience[0] -= 1
        if patience[0] < 0:
            raise _Lost
    return None


def _chosen(narrowing: Narrowing, keys: Iterable[str]) -> Solution:
    return {key: next(narrowing.wanted(key)) for key in keys}


def _decided(start: Narrowing, assembly: Assembly) -> Solution | None:
    problem = start.problem()
    encoding = encode(problem)
    with SolverSession(problem, encoding) as session:
        solution = session.newest(encoding.selectors)
    if solution is None:
        return None
    untouched = [key for key in assembly.order if key not in solution]
    return {**_chosen(start, untouched), **solution}
