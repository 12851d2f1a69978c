"""A picture before it is drawn: boxes in layers, arrows, and numbered facts."""

from __future__ import annotations

from dataclasses import dataclass

from rigspec.diagnostics.model import Fact, Severity

__all__ = ["LAYERS", "Edge", "Label", "Node", "StackGraph"]

# From the top, as a stack is drawn: what stands on something is above it.
LAYERS = ("people", "services", "environments", "toolkit", "system", "hardware")


@dataclass(frozen=True)
class Label:
    """A few words, and the number of the fact that says so; None for what the spec says itself."""

    text: str
    fact: int | None = None
    broken: Severity | None = None

    @property
    def words(self) -> str:
        """The words with the number behind them."""
        return self.text if self.fact is None else f"{self.text} [{self.fact}]"


@dataclass(frozen=True)
class Node:
    """Something that the rig has. ``row`` orders the boxes of one layer from the top.

    ``group`` is the environment that it belongs to; ``notes`` are lines under its title.
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
    """From what asks to what is asked, by the ids of two boxes, with what is asked."""

    of: str
    to: str
    labels: tuple[Label, ...]


@dataclass(frozen=True)
class StackGraph:
    """``facts[0]`` has the number 1. ``boxes`` stand in the order of their layers and rows."""

    title: str
    subtitle: str
    boxes: tuple[Node, ...]
    arrows: tuple[Edge, ...]
    facts: tuple[Fact, ...]
