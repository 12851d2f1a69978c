"""Hitting sets: how the smallest cores and the smallest correction sets find each other.

Every core shares an element with every correction set (Reiter, "A Theory of Diagnosis from First
Principles", 1987). So the smallest set that hits all known correction sets is a smallest core as
soon as it is unsatisfiable, and the other way round. Results do not depend on the solver's choices:
of several sets as small, the one of the last elements comes first. A spec lists its machines
before its environments, and a line of an environment is easier to change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from rigspec.resolve.solver.sat import SolverSession

__all__ = ["find_smallest_core", "iterate_correction_sets"]

# Cores and partial sets after which no larger correction set is searched.
_MAX_QUERIES = 1000
_MAX_PARTIAL = 20_000

# Correction sets of one size. Each conflict of two lines doubles their number.
_MAX_FOUND = 16

# The weight of what hits the empty set.
_IMPOSSIBLE = 1 << 32

_Set = frozenset[int]


def find_smallest_core(
    session: SolverSession,
    weights: Mapping[int, int],
    granted: Sequence[int],
    corrections: list[int] | None = None,
) -> tuple[int, ...]:
    """Return the lightest set of selectors that has no solution with the granted ones.

    Args:
        session: the solver; all selectors together have no solution.
        weights: the selectors in their order, with their weights.
        granted: selectors that are always true.
        corrections: sets without which the selectors have a solution, as an earlier search found
            them among more selectors, each as the bits of its selectors. Those that this search
            finds are added.
    """
    session.prefer(weights)
    by_weight = _group_by_weight(weights)
    corrections = [] if corrections is None else corrections
    while True:
        core = _lightest_hitting_set(corrections, weights, by_weight)
        if not session.satisfiable([*granted, *core]):
            return core
        corrections.append(_find_correction_set(session, weights, granted, core))


def _find_correction_set(
    session: SolverSession,
    selectors: Mapping[int, int],
    granted: Sequence[int],
    start: Sequence[int],
) -> int:
    """Return the selectors outside a maximal satisfiable set that contains ``start``, as bits."""
    inside = {*start, *(selectors.keys() & session.model())}
    implied = session.propagate([*granted, *inside])
    outside = 0
    for selector in selectors:
        if -selector in implied:
            outside |= 1 << selector
        elif selector not in inside:
            if session.satisfiable([*granted, *inside, selector]):
                inside |= selectors.keys() & session.model()
            else:
                outside |= 1 << selector
    return outside


def iterate_correction_sets(
    session: SolverSession, soft: Sequence[int], hard: Sequence[int], least: int = 1
) -> Iterator[list[tuple[int, ...]]]:
    """Yield the minimal sets of soft selectors whose removal leaves a solution, by their size.

    Of one size, those of the last selectors come first. Of very many, some are left out.

    Args:
        session: the solver.
        soft: the selectors that can be removed.
        hard: the selectors that cannot.
        least: the size that every correction set has at least.
    """
    search = _CorrectionSearch(session, soft, hard)
    for size in range(least, len(soft) + 1):
        yield sorted(search.find(size), reverse=True)
        if not search.is_open:
            return


class _CorrectionSearch:
    """The cores found so far, and the correction sets, which no larger one may contain."""

    def __init__(self, session: SolverSession, soft: Sequence[int], hard: Sequence[int]) -> None:
        self._session = session
        self._soft = soft
        self._hard = hard
        self._cores: list[_Set] = []
        self._found: list[_Set] = []
        self._queries = 0
        self._partial = 0
        self.is_open = True

    def find(self, size: int) -> list[tuple[int, ...]]:
        """Return the correction sets of this size; those of smaller sizes must be known."""
        self.is_open = False
        found = islice(self._extend(frozenset(), frozenset(), size), _MAX_FOUND)
        return [tuple(sorted(each)) for each in found]

    def _extend(self, chosen: _Set, excluded: _Set, size: int) -> Iterator[_Set]:
        self._partial += 1
        if self._partial > _MAX_PARTIAL or any(known <= chosen for known in self._found):
            return
        core = next((core for core in self._cores if not core & chosen), None)
        if core is None:
            core = self._find_core(chosen)
            if core is None:
                self._found.append(chosen)
                yield chosen
                return
            self._cores.append(core)
        if len(chosen) == size:
            self.is_open = self._queries < _MAX_QUERIES
            return
        for selector in sorted(core - excluded, reverse=True):
            yield from self._extend(chosen | {selector}, excluded, size)
            excluded |= {selector}

    def _find_core(self, removed: _Set) -> _Set | None:
        """Return a minimal core among the soft selectors; None if the rest has a solution."""
        rest = [selector for selector in self._soft if selector not in removed]
        self._queries += 1
        if self._session.satisfiable([*self._hard, *rest]):
            return None
        core = sorted(set(self._session.core()).intersection(rest))
        for selector in core:
            fewer = [other for other in core if other != selector]
            if not self._session.satisfiable([*self._hard, *fewer]):
                core = fewer
        return frozenset(core)


def _lightest_hitting_set(
    sets: Sequence[int], weights: Mapping[int, int], by_weight: Sequence[tuple[int, int]]
) -> tuple[int, ...]:
    """Return the last of the lightest sets that share an element with each of the sets.

    The bits of a set are its elements.
    """
    ranks = {element: rank for rank, element in enumerate(weights)}
    best: tuple[int, ...] = ()
    lightest = sum(weights.values()) + 1
    # Each entry: elements, their weight, elements that an earlier entry has tried.
    open_entries = [(0, 0, 0)]
    while open_entries:
        chosen, weight, excluded = open_entries.pop()
        unhit = sorted([each & ~excluded for each in sets if not each & chosen], key=int.bit_count)
        if weight + _least_weight(unhit, by_weight) > lightest:
            continue
        if not unhit:
            ranked = tuple(sorted(ranks[element] for element in _iterate_elements(chosen)))
            best = max(best, ranked) if weight == lightest else ranked
            lightest = weight
            continue
        entries = []
        for element in _iterate_elements(unhit[0]):
            bit = 1 << element
            entries.append((chosen | bit, weight + weights[element], excluded))
            excluded |= bit
        open_entries += reversed(entries)
    elements = tuple(weights)
    return tuple(elements[rank] for rank in best)


def _iterate_elements(members: int) -> Iterator[int]:
    """Yield the elements of a set, the largest first."""
    while members:
        element = members.bit_length() - 1
        yield element
        members ^= 1 << element


def _group_by_weight(weights: Mapping[int, int]) -> list[tuple[int, int]]:
    """Return each weight with the set of its elements, the least weight first."""
    found: dict[int, int] = {}
    for element, weight in weights.items():
        found[weight] = found.get(weight, 0) | 1 << element
    return sorted(found.items())


def _least_weight(sets: Sequence[int], by_weight: Sequence[tuple[int, int]]) -> int:
    """Return a lower bound of what hits the sets: those that share nothing add up."""
    total = 0
    used = 0
    for each in sets:
        if each & used:
            continue
        used |= each
        for weight, elements in by_weight:
            if elements & each:
                total += weight
                break
        else:
            total += _IMPOSSIBLE
    return total
