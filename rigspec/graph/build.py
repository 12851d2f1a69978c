"""From a resolved rig and the facts in force to a picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from rigspec.diagnostics.model import Fact, Report
from rigspec.graph.model import LAYERS, Edge, Label, Node, StackGraph
from rigspec.graph.nodes import homes_of, nodes_of, packages_key
from rigspec.hardware.gpu_indices import card_of, gpu_counts
from rigspec.hardware.machine_context import MachineContext
from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.model import Matrix
from rigspec.resolve.explain.dependency_edges import (
    DependencyEdge,
    ResolvedComponent,
    dependency_edges,
)
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.models.rig import Rig

__all__ = ["build_graph"]

# Conditions that say in which case a rule speaks, and not of whom.
_CASES = frozenset({"accelerator", "provider", "forward_compatibility", "interpreter"})


def build_graph(spec: LoadedSpec, report: Report, matrix: Matrix) -> StackGraph:
    """The picture of one machine of a rig. The report must have a resolution."""
    settled, found = dependency_edges(spec, report.machine, matrix)
    boxes = sorted(nodes_of(spec.rig, report, settled), key=_place)
    drawn = _Drawn(boxes, settled)
    for bond in found:
        drawn.add(bond)
    for measure in report.metrics:
        drawn.measured(
            measure.name, measure.text, Fact(measure.name, measure.text, measure.sources)
        )
    machine = report.machine
    counts = gpu_counts(MachineContext(spec, machine, matrix)) if machine is not None else None
    said = tuple(_said(spec.rig, {box.id for box in boxes}, counts))
    where = f"machine {machine}" if machine is not None else "any machine"
    return drawn.picture(spec.rig.name, spec.rig.summary or where, said)


class _Drawn:
    """Arrows and notes as they come, by the boxes they belong to."""

    def __init__(self, boxes: Sequence[Node], settled: Sequence[ResolvedComponent]) -> None:
        self._boxes = boxes
        self._homes = homes_of(boxes, settled)
        self._settled: Mapping[str, ResolvedComponent] = {item.key: item for item in settled}
        self._rank = {box.id: index for index, box in enumerate(boxes)}
        self._between: dict[tuple[str, str], list[tuple[Label, Fact]]] = {}

    def add(self, bond: DependencyEdge) -> None:
        """A fact, between the box that asks and the box that is asked; or on one box."""
        to = self._home(bond.must)
        of = self._asking(bond, to)
        if to is not None and of is not None:
            label = Label(self._words(bond), None, bond.broken)
            self._between.setdefault((of, to), []).append((label, bond.fact))

    def measured(self, name: str, text: str, fact: Fact) -> None:
        """What was worked out of several parts, on the part that it is held against."""
        for place in _MEASURED.get(name, ()):
            if place in self._rank:
                head = text.partition(";")[0].partition(" (")[0]
                self._between.setdefault((place, place), []).append((Label(head), fact))
                return

    def picture(self, title: str, subtitle: str, said: Iterable[Edge]) -> StackGraph:
        """Everything numbered in the order in which a reader meets it."""
        facts: dict[Fact, int] = {}
        ordered = sorted(self._between, key=lambda ends: [self._rank[end] for end in ends])
        labelled = {}
        for ends in ordered:
            labels = (
                replace(label, fact=facts.setdefault(fact, len(facts) + 1))
                for label, fact in self._between[ends]
            )
            labelled[ends] = tuple(dict.fromkeys(labels))
        boxes = tuple(
            replace(
                box,
                notes=(*box.notes, *labelled.get((box.id, box.id), ())),
                row=box.row - self._stands_on(box),
            )
            for box in self._boxes
        )
        arrows = [Edge(of, to, labels) for (of, to), labels in labelled.items() if of != to]
        placed = tuple(sorted(boxes, key=_place))
        return StackGraph(title, subtitle, placed, (*said, *arrows), tuple(facts))

    def _stands_on(self, box: Node, above: frozenset[str] = frozenset()) -> int:
        """Return how many boxes of its row are below it, each required by the one above.

        Two packages can require each other (Keras and TensorFlow): ``above`` are not counted.
        """
        if box.row != 0 or box.group is None:
            return 0
        above |= {box.id}
        peers = {other.id: other for other in self._boxes if other.group == box.group}
        asked = [
            peers[to]
            for of, to in self._between
            if of == box.id and to not in above and to in peers and peers[to].row == 0
        ]
        return max((1 + self._stands_on(other, above) for other in asked), default=0)

    def _home(self, key: str) -> str | None:
        env, _, name = key.rpartition("/")
        if name.startswith(PACKAGE_PREFIX) and key not in self._homes:
            return packages_key(env) if packages_key(env) in self._rank else None
        return self._homes.get(key)

    def _asking(self, bond: DependencyEdge, to: str | None) -> str | None:
        """The uppermost of the boxes that a rule's conditions name, but for mere cases."""
        named = [key for key in bond.of if key.rpartition("/")[2] not in _CASES] or list(bond.of)
        homes = {home for key in named if (home := self._home(key)) is not None}
        others = homes - {to} or homes
        return min(others, key=lambda home: self._rank[home], default=None)

    def _words(self, bond: DependencyEdge) -> str:
        item = self._settled.get(bond.must)
        if item is None:
            return f"{bond.must.rpartition('/')[2].removeprefix(PACKAGE_PREFIX)} {bond.asks}"
        if item.name == "os" or bond.asks.lower().startswith(item.title.lower()):
            return bond.asks
        return f"{item.title} {bond.asks}"


# What is worked out of several parts, and the part that it is held against.
_MEASURED = {"power": ("psu",), "lanes": ("cpu",)}


def _place(box: Node) -> tuple[int, str, int]:
    group = box.group or ""
    return LAYERS.index(box.layer), group, box.row


def _said(rig: Rig, present: set[str], counts: tuple[int, ...] | None) -> Iterator[Edge]:
    """What the spec says itself of services and users."""
    jupyter = rig.service.jupyter
    for name, user in sorted(rig.user.items()):
        if jupyter is not None:
            port = user.jupyter_port or jupyter.port
            yield Edge(f"user/{name}", "service/jupyter", (Label(f"port {port}"),))
        for card, numbers in _cards(user.gpus, counts).items():
            told = ", ".join(map(str, numbers)) or "none"
            if f"gpus.{card}" in present:
                yield Edge(f"user/{name}", f"gpus.{card}", (Label(f"GPU {told}"),))
    if jupyter is not None:
        yield Edge("service/jupyter", f"{jupyter.env}/python", (Label("runs in"),))


def _cards(
    gpus: tuple[int, ...] | None, counts: tuple[int, ...] | None
) -> dict[int, tuple[int, ...]]:
    """The kinds of cards that a user's GPUs are on, each with their numbers."""
    if not gpus or counts is None:
        return {} if gpus is None else {0: gpus}
    on = [(card_of(counts, gpu), gpu) for gpu in gpus]
    return {
        card: tuple(gpu for other, gpu in on if other == card) for card, _ in on if card is not None
    }
