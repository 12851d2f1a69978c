"""Merge the rules of a table that differ in one condition only.

A table has a rule for each release, and most releases have the requirements of the one before. As
long as a table applies as a whole, `A or B requires C` means the same as two rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rigspec.matrix.model import Rule
from rigspec.resolve.problem.domains import CandidateDomain
from rigspec.resolve.problem.model import BoundRule, MergedRule

__all__ = ["merge_bound_rules", "merge_rules"]

_Meant = tuple[str, int]
_Alternatives = tuple[str, tuple[str, ...]]


def merge_rules(
    rules: Iterable[Rule], universes: Mapping[str, CandidateDomain], own: str | None
) -> tuple[MergedRule, ...]:
    """Return the rules of a table in fewer ones, with names of components as keys.

    Those that differ only in their condition on ``own`` become one.
    """
    return _merge(
        (
            ([(each.component, each.alternatives) for each in rule.when], _get_requirement(rule))
            for rule in rules
        ),
        universes,
        own,
    )


def merge_bound_rules(
    rows: Iterable[BoundRule], universes: Mapping[str, CandidateDomain]
) -> tuple[MergedRule, ...]:
    """Return bound rules of a table in fewer ones, with the keys of components."""
    return _merge(((row.when, row.requires) for row in rows), universes, None)


def _get_requirement(rule: Rule) -> _Alternatives:
    return rule.requires.component, rule.requires.alternatives


def _merge(
    rules: Iterable[tuple[Iterable[_Alternatives], _Alternatives]],
    universes: Mapping[str, CandidateDomain],
    own: str | None,
) -> tuple[MergedRule, ...]:
    found: dict[tuple[str | None, tuple[_Meant, ...], _Meant], int] = {}
    for when, (required, alternatives) in rules:
        conditions: dict[str, int] = {}
        for name, texts in when:
            meant = universes[name].mask(texts)
            conditions[name] = conditions.get(name, meant) & meant
        merged = own if own in conditions else next(iter(conditions), None)
        mask = conditions.pop(merged) if merged is not None else 0
        goal = (required, universes[required].mask(alternatives))
        key = (merged, tuple(conditions.items()), goal)
        found[key] = found.get(key, 0) | mask
    return tuple(
        MergedRule(((merged, mask), *when) if merged is not None else when, goal)
        for (merged, when, goal), mask in found.items()
    )
