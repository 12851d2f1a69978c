"""A rig and the matrix as a finite problem: components, claims of the spec, sheets of facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from rigspec.matrix.model import Rule
from rigspec.resolve.problem.domains import Candidate, CandidateDomain
from rigspec.version_specifiers import parse_alternative

__all__ = [
    "BoundRule",
    "Candidate",
    "Component",
    "KeyPath",
    "Problem",
    "Requirement",
    "RuleTable",
    "matches_any",
]

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Component:
    """A part of the rig whose version is to be found.

    ``key`` is unique in the problem (``fastai/python``, ``gpus.0/compute_capability``); ``name``
    is its word in the matrix. ``domain`` is the set of releases of its universe that it may take
    in this problem. ``families_apart``: the releases of one family come before all of the next.
    ``stands_in``: its releases are not listed, and each candidate stands for a stretch of versions.
    """

    key: str
    name: str
    title: str
    universe: CandidateDomain = field(compare=False)
    domain: int
    env: str | None = None
    families_apart: bool = True
    stands_in: bool = False

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """The releases it may take, the most wanted first."""
        return tuple(self.universe.members(self.domain))

    def mask(self, alternatives: tuple[str, ...]) -> int:
        """Those of its releases that the alternatives mean, as bits of its universe."""
        return self.universe.mask(alternatives) & self.domain


@dataclass(frozen=True)
class Requirement:
    """A line of the spec: the component must be one of ``alternatives``.

    ``path`` is where the line stands; it is None for what the language says when the spec is
    silent. Only an ``editable`` claim with a place takes part in repairs. ``prefix`` is the family
    that the line's key says, which its value does not repeat. ``said`` is what a message calls the
    line by, where that is not its component and value. ``adds`` is where a line could be added that
    says otherwise than the language does for a silent spec.
    """

    component: str
    alternatives: tuple[str, ...]
    path: KeyPath | None
    label: str
    editable: bool = True
    prefix: str = ""
    said: str = ""
    adds: KeyPath | None = None

    @property
    def place(self) -> KeyPath | None:
        """Where the line stands, or where one could be added."""
        return self.path if self.path is not None else self.adds

    @property
    def written(self) -> str:
        """What stands in the spec, as its value."""
        return self.alternatives[0].removeprefix(self.prefix).strip()


@dataclass(frozen=True)
class BoundRule:
    """One rule of the matrix, with its conditions tied to components of this problem."""

    rule: Rule
    when: tuple[tuple[str, tuple[str, ...]], ...]
    must: tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class RuleTable:
    """The rules of one table in one scope. The solver switches a sheet as a whole."""

    key: str
    constraints: tuple[BoundRule, ...]


@dataclass(frozen=True)
class Problem:
    """Everything the solver sees. ``order`` lists component keys, the most wanted first."""

    components: tuple[Component, ...]
    claims: tuple[Requirement, ...]
    sheets: tuple[RuleTable, ...]
    order: tuple[str, ...]

    @cached_property
    def by_key(self) -> Mapping[str, Component]:
        """The components by their keys."""
        return {component.key: component for component in self.components}

    def component(self, key: str) -> Component:
        """The component of that key. Raises KeyError."""
        return self.by_key[key]


def matches_any(alternatives: tuple[str, ...], candidate: Candidate) -> bool:
    """Whether any of the alternatives means this candidate."""
    return any(
        parse_alternative(text).admits(candidate.family, candidate.version) for text in alternatives
    )
