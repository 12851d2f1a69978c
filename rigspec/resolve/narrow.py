"""What surely follows from the lines of a spec, before a solver is asked.

Most rigs say enough to settle most of themselves: each rule whose conditions surely hold takes
releases away from what it speaks of, and each that can no longer hold falls out. What is left is
small whatever the matrix holds. No solution is lost, and none is won.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rigspec.resolve.problem import Claim, Component, Constraint, Problem, Sheet
from rigspec.resolve.universe import Universe

__all__ = ["narrowed"]


def narrowed(
    components: tuple[Component, ...],
    claims: tuple[Claim, ...],
    declared: tuple[Sheet, ...],
    rows: Iterable[Constraint],
    order: tuple[str, ...],
) -> Problem | None:
    """The part of a problem that is still open, without claims; None where nothing can hold."""
    universes = {component.key: component.universe for component in components}
    domains = {component.key: component.domain for component in components}
    for claim in claims:
        domains[claim.component] &= universes[claim.component].mask(claim.alternatives)
    if not all(domains.values()):
        return None
    open_rows = [row for sheet in declared for row in sheet.constraints]
    open_rows += rows
    rest = _settled(open_rows, domains, universes)
    if rest is None:
        return None
    smaller = tuple(replace(c, domain=domains[c.key]) for c in components)
    return Problem(smaller, (), (Sheet("open", tuple(rest)),) if rest else (), order)


def _settled(
    rows: list[Constraint], domains: dict[str, int], universes: dict[str, Universe]
) -> list[Constraint] | None:
    """The rows that are neither spent nor pointless, once nothing more follows."""
    changed = True
    while changed:
        changed = False
        kept = []
        for row in rows:
            doubtful: list[tuple[str, int]] = []
            for key, alternatives in row.when:
                domain = domains[key]
                meant = universes[key].mask(alternatives) & domain
                if not meant:
                    break
                if meant != domain:
                    doubtful.append((key, meant))
            else:
                key, alternatives = row.must
                domain = domains[key]
                meant = universes[key].mask(alternatives) & domain
                if meant == domain:
                    continue
                if not doubtful:
                    if not meant:
                        return None
                    domains[key] = meant
                    changed = True
                elif len(doubtful) == 1 and not meant:
                    # What it asks for cannot be: then its one open condition does not hold.
                    open_key, holds = doubtful[0]
                    domains[open_key] &= ~holds
                    changed = True
                else:
                    kept.append(row)
        rows = kept
    return rows
