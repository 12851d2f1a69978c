"""A rig and the matrix as a finite problem: components, requirements and rule tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from functools import cached_property
from typing import NamedTuple

from rigspec.frozen import dataclass
from rigspec.matrix.model import Rule
from rigspec.resolve.problem.domains import Candidate, CandidateDomain
from rigspec.version_specifiers import parse_alternative

__all__ = [
    "DECLARED",
    "BoundRule",
    "Candidate",
    "Component",
    "KeyPath",
    "MaskedRule",
    "MergedRule",
    "Problem",
    "Requirement",
    "RuleTable",
    "SharedTables",
    "mask_rule",
    "matches_any",
]

KeyPath = tuple[str | int, ...]

# The one candidate for "the part as the spec declares it".
DECLARED = "declared"


@dataclass(frozen=True)
class Component:
    """A part of the rig whose version the solver decides.

    ``key`` is unique in the problem (``fastai/python``, ``gpus.0/compute_capability``); ``name``
    is its word in the matrix. ``domain`` is the set of releases of its universe that it may take
    in this problem. ``families_apart``: the releases of one family come before all of the next.
    ``has_ranges``: its releases are not listed, and each candidate represents a range of versions.
    """

    key: str
    name: str
    title: str
    universe: CandidateDomain = field(compare=False)
    domain: int
    env: str | None = None
    families_apart: bool = True
    has_ranges: bool = False

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """Return the releases it can take, most preferred first."""
        return tuple(self.universe.members(self.domain))

    def mask(self, alternatives: tuple[str, ...]) -> int:
        """Return its releases that the alternatives match, as bits of its universe."""
        return self.universe.mask(alternatives) & self.domain


@dataclass(frozen=True)
class Requirement:
    """A line of the spec: the component must match one of ``alternatives``.

    ``path`` is the place of the line; it is None for a default of the language. Only an
    ``editable`` requirement with a place takes part in repairs. ``prefix`` is the family that the
    key of the line names and its value does not repeat. ``display`` is the name of the line in
    messages, where that is not its component and value. ``adds`` is where a line could be added
    that overrides a default. ``text`` is the value as it is written,
    where ``alternatives`` are what the matrix has for it.
    """

    component: str
    alternatives: tuple[str, ...]
    path: KeyPath | None
    label: str
    editable: bool = True
    prefix: str = ""
    display: str = ""
    adds: KeyPath | None = None
    text: str = ""

    @property
    def place(self) -> KeyPath | None:
        """Return the path of the line, or of the line that could be added."""
        return self.path if self.path is not None else self.adds

    @property
    def written(self) -> str:
        """Return the value as written in the spec."""
        return self.text or self.alternatives[0].removeprefix(self.prefix).strip()


@dataclass(frozen=True)
class BoundRule:
    """One rule of the matrix, bound to components of this problem."""

    rule: Rule
    when: tuple[tuple[str, tuple[str, ...]], ...]
    requires: tuple[str, tuple[str, ...]]

    @cached_property
    def keys(self) -> frozenset[str]:
        """Return the keys of the components that the rule is about."""
        return frozenset((self.requires[0], *(key for key, _ in self.when)))


class MaskedRule(NamedTuple):
    """A bound rule with releases of components as bits of their universes.

    ``others`` are its conditions on other components than the one whose release selects the rule.
    """

    row: BoundRule
    when: tuple[tuple[str, int], ...]
    others: tuple[tuple[str, int], ...]
    requires: tuple[str, int]


def mask_rule(
    row: BoundRule, universes: Mapping[str, CandidateDomain], own: str | None
) -> MaskedRule:
    """Return a bound rule with masks; ``own`` is the component whose release selects it."""
    when = tuple([(key, universes[key].mask(texts)) for key, texts in row.when])
    others = tuple([each for each in when if each[0] != own])
    key, texts = row.requires
    return MaskedRule(row, when, others, (key, universes[key].mask(texts)))


class MergedRule(NamedTuple):
    """Rules with the same requirement: releases of components, as bits of their universes."""

    when: tuple[tuple[str, int], ...]
    requires: tuple[str, int]


class RuleTable:
    """The rules of one table in one scope. The solver switches them as a whole.

    The rules are read from ``constraints`` when they are needed: most conflicts need few tables.
    ``merged`` are the same rules in fewer ones, if they are known.
    """

    def __init__(
        self,
        key: str,
        constraints: Iterable[BoundRule],
        merged: tuple[MergedRule, ...] | None = None,
    ) -> None:
        self.key = key
        self.merged = merged
        self._constraints = constraints

    @cached_property
    def constraints(self) -> tuple[BoundRule, ...]:
        """Return the rules, in the order of the matrix."""
        return tuple(self._constraints)

    @cached_property
    def keys(self) -> frozenset[str]:
        """Return the keys of the components that its rules are about."""
        if self.merged is None:
            return frozenset[str]().union(*(row.keys for row in self.constraints))
        return frozenset(
            key for when, (required, _) in self.merged for key in (required, *dict(when))
        )


@dataclass(frozen=True)
class SharedTables:
    """Rule tables of all rigs with the same components, and values that are derived from them."""

    rule_tables: tuple[RuleTable, ...]
    cache: dict[object, object] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Problem:
    """The input of the solver. ``order`` lists component keys, most preferred first.

    ``shared`` are the first of the rule tables, where other problems have the same ones.
    """

    components: tuple[Component, ...]
    requirements: tuple[Requirement, ...]
    rule_tables: tuple[RuleTable, ...]
    order: tuple[str, ...]
    shared: SharedTables | None = field(default=None, repr=False, compare=False)

    @cached_property
    def universes(self) -> Mapping[str, CandidateDomain]:
        """Return the universes of the components by their keys."""
        return {component.key: component.universe for component in self.components}

    @cached_property
    def by_key(self) -> Mapping[str, Component]:
        """Return the components by their keys."""
        return {component.key: component for component in self.components}

    def component(self, key: str) -> Component:
        """Return the component of that key. Raises KeyError."""
        return self.by_key[key]


def matches_any(alternatives: tuple[str, ...], candidate: Candidate) -> bool:
    """Return whether any of the alternatives matches this candidate."""
    return any(
        parse_alternative(text).admits(candidate.family, candidate.version) for text in alternatives
    )
