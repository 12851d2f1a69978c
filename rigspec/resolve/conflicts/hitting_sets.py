"""Hitting sets: how the smallest cores and the smallest correction sets find each other.

Every core shares an element with every correction set (Reiter, "A Theory of Diagnosis from First
Principles", 1987). So the smallest set that hits all known correction sets is a smallest core as
soon as it is unsatisfiable, and the other way round. Results do not depend on the solver's choices:
of several sets as small, the one of the last elements comes first. A spec lists its machines
before its environments, and a line of an environment is easier to change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rigspec.resolve.solver.sat import SolverSession

__all__ = ["find_smallest_core", "iterate_correction_sets"]

# Queries after which no further correction set is searched.
_MAX_QUERIES = 1000

_Set = frozenset[int]


def find_smallest_core(
    session: SolverSession,
    weights: Mapping[int, int],
    granted: Sequence[int],
    corrections: list[frozenset[int]] | None = None,
) -> tuple[int, ...]:
    """Return the lightest set of selectors that has no solution with the granted ones.

    Args:
        session: the solver; all selectors together have no solution.
        weights: the selectors in their order, with their weights.
        granted: selectors that are always true.
        corrections: sets without which the selectors have a solution, as an earlier search found
            them among more selectors. Those that this search finds are added.
    """
    session.prefer(weights)
    corrections = [] if corrections is None else corrections
    while True:
        core = _lightest_hitting_set(corrections, weights)
        if not session.satisfiable([*granted, *core]):
            return core
        corrections.append(_find_correction_set(session, weights, granted, core))


def _find_correction_set(
    session: SolverSession,
    selectors: Mapping[int, int],
    granted: Sequence[int],
    start: Sequence[int],
) -> _Set:
    """Return the selectors outside a maximal satisfiable set that contains ``start``."""
    inside = {*start, *(selectors.keys() & session.model())}
    outside = set()
    for selector in selectors:
        if selector not in inside:
            if session.satisfiable([*granted, *inside, selector]):
                inside |= selectors.keys() & session.model()
            else:
                outside.add(selector)
    return frozenset(outside)


def iterate_correction_sets(
    session: SolverSession, soft: Sequence[int], hard: Sequence[int]
) -> Iterator[list[tuple[int, ...]]]:
    """Yield the minimal sets of soft selectors whose removal leaves a solution, by their size.

    Of one size, those of the last selectors come first.

    Args:
        session: the solver.
        soft: the selectors that can be removed.
        hard: the selectors that cannot.
    """
    search = _CorrectionSearch(session, soft, hard)
    for size in range(1, len(soft) + 1):
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
        self.is_open = True

    def find(self, size: int) -> list[tuple[int, ...]]:
        """Return the correction sets of this size; those of smaller sizes must be known."""
        self.is_open = False
        return [tuple(sorted(found)) for found in self._extend(frozenset(), frozenset(), size)]

    def _extend(self, chosen: _Set, excluded: _Set, size: int) -> Iterator[_Set]:
        if any(known <= chosen for known in self._found):
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
        for selector in sorted(core - excluded):
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


def _lightest_hitting_set(sets: Sequence[_Set], weights: Mapping[int, int]) -> tuple[int, ...]:
    """Return the last of the lightest sets that share an element with each of the sets."""
    ranks = {element: rank for rank, element in enumerate(weights)}
    best: tuple[int, ...] = ()
    lightest = sum(weights.values()) + 1
    # Each entry: elements, their weight, elements that an earlier entry has tried.
    open_entries: list[tuple[_Set, int, _Set]] = [(frozenset(), 0, frozenset())]
    while open_entries:
        chosen, weight, excluded = open_entries.pop()
        unhit = [each - excluded for each in sets if not each & chosen]
        if weight + _least_weight(unhit, weights) > lightest:
            continue
        if not unhit:
            ranked = tuple(sorted(ranks[element] for element in chosen))
            best = max(best, ranked) if weight == lightest else ranked
            lightest = weight
            continue
        entries = []
        smallest = min(unhit, key=len)
        for selector in sorted(smallest, reverse=True):
            entries.append((chosen | {selector}, weight + weights[selector], excluded))
            excluded |= {selector}
        open_entries += reversed(entries)
    elements = tuple(weights)
    return tuple(elements[rank] for rank in best)


def _least_weight(sets: Sequence[_Set], weights: Mapping[int, int]) -> int:
    """Return a lower bound of what hits the sets: those that share nothing add up."""
    total = 0
    used: _Set = frozenset()
    for each in sorted(sets, key=len):
        if not each & used:
            used |= each
            total += min((weights[selector] for selector in each), default=1 << 32)
    return total
