"""The graph of a rig: nodes in layers, edges and numbered facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rigspec.diagnostics.model import Fact, Severity

__all__ = ["LAYERS", "Edge", "Label", "Node", "StackGraph"]

# From top to bottom; a node requires nodes below it.
LAYERS = ("people", "services", "environments", "toolkit", "system", "hardware")


@dataclass(frozen=True)
class Label:
    """A short text and the number of its fact; None for a text from the spec."""

    text: str
    fact: int | None = None
    broken: Severity | None = None

    @property
    def numbered_text(self) -> str:
        """Return the text with the number of the fact."""
        return self.text if self.fact is None else f"{self.text} [{self.fact}]"


@dataclass(frozen=True)
class Node:
    """A component of the rig.

    Attributes:
        notes: lines below the title.
        group: the environment of the component.
        row: position within the layer, from the top.
    """

    id: str
    layer: str
    kind: str
    title: str
    notes: tuple[Label, ...] = ()
    group: str | None = None
    row: int = 0


@dataclass(frozen=True)
class Edge:
    """An edge from a component to what it requires, by the ids of the nodes."""

    source: str
    target: str
    labels: tuple[Label, ...]


@dataclass(frozen=True)
class StackGraph:
    """Nodes sorted by layer and row, edges, and facts; ``facts[0]`` has the number 1."""

    title: str
    subtitle: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    facts: tuple[Fact, ...]

    def without_facts(self) -> StackGraph:
        """Return the same drawing without numbers, facts and sources."""
        return replace(
            self,
            nodes=tuple(replace(node, notes=_drop_numbers(node.notes)) for node in self.nodes),
            edges=tuple(replace(edge, labels=_drop_numbers(edge.labels)) for edge in self.edges),
            facts=(),
        )


def _drop_numbers(labels: Iterable[Label]) -> tuple[Label, ...]:
    return tuple(replace(label, fact=None) for label in labels)
