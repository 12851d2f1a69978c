"""A rig and the matrix as a finite problem: components, claims of the spec, sheets of facts."""

from __future__ import annotations

from dataclasses import dataclass

from rigspec.matrix.model import Rule
from rigspec.versions import parse_alternative

__all__ = ["Candidate", "Claim", "Component", "Constraint", "KeyPath", "Problem", "Sheet", "admits"]

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Candidate:
    """One release a component may take."""

    family: str | None
    version: str

    @property
    def label(self) -> str:
        """``ubuntu 16.04`` or ``9.0.176``."""
        return f"{self.family} {self.version}" if self.family else self.version

    @property
    def exactly(self) -> str:
        """The request that means this release and no other."""
        return f"{self.family} =={self.version}" if self.family else f"=={self.version}"


@dataclass(frozen=True)
class Component:
    """A part of the rig whose version is to be found.

    ``key`` is unique in the problem (``fastai/python``, ``gpus.0/compute_capability``); ``name``
    is its word in the matrix. ``candidates`` stand most wanted first.
    """

    key: str
    name: str
    title: str
    candidates: tuple[Candidate, ...]
    env: str | None = None


@dataclass(frozen=True)
class Claim:
    """A line of the spec: the component must be one of ``alternatives``.

    ``path`` is where the line stands; it is None for what the language says when the spec is
    silent. Only a claim with an ``editable`` line takes part in repairs.
    """

    component: str
    alternatives: tuple[str, ...]
    path: KeyPath | None
    label: str
    editable: bool = True


@dataclass(frozen=True)
class Constraint:
    """One rule of the matrix, with its conditions tied to components of this problem."""

    rule: Rule
    when: tuple[tuple[str, tuple[str, ...]], ...]
    must: tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Sheet:
    """The rules of one table in one scope. The solver switches a sheet as a whole."""

    key: str
    constraints: tuple[Constraint, ...]


@dataclass(frozen=True)
class Problem:
    """Everything the solver sees. ``order`` lists component keys, the most wanted first.

    ``package_rules`` are sheets about Python packages that the spec says nothing of: nothing to
    solve here, but requirements that the lock has to obey.
    """

    components: tuple[Component, ...]
    claims: tuple[Claim, ...]
    sheets: tuple[Sheet, ...]
    order: tuple[str, ...]
    package_rules: tuple[Sheet, ...] = ()

    def component(self, key: str) -> Component:
        """The component of that key. Raises KeyError."""
        for component in self.components:
            if component.key == key:
                return component
        raise KeyError(key)


def admits(alternatives: tuple[str, ...], candidate: Candidate) -> bool:
    """Whether any of the alternatives means this candidate."""
    return any(
        parse_alternative(text).admits(candidate.family, candidate.version) for text in alternatives
    )
