"""Build the graph of a resolved rig."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from rigspec.diagnostics.model import Fact, Report, Severity
from rigspec.graph.model import LAYERS, Edge, Label, Node, StackGraph
from rigspec.graph.nodes import build_nodes, get_packages_id, map_components
from rigspec.hardware.gpu_indices import count_gpus, find_card
from rigspec.hardware.machine_context import MachineContext
from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.model import Matrix
from rigspec.resolve.explain.dependency_edges import (
    DependencyEdge,
    ResolvedComponent,
    find_dependency_edges,
)
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.machine_limits import limit_spec
from rigspec.spec.models.rig import Rig

__all__ = ["build_graph"]

# Conditions that restrict a rule to a case; they are not its subject.
_CASE_COMPONENTS = frozenset({"accelerator", "provider", "forward_compatibility", "interpreter"})


def build_graph(spec: LoadedSpec, report: Report, matrix: Matrix) -> StackGraph:
    """Return the graph of one machine; the report must have a resolution."""
    spec = limit_spec(spec, report.machine)
    components, rules = find_dependency_edges(spec, report.machine, matrix)
    nodes = sorted(build_nodes(spec.rig, report, components), key=_sort_key)
    builder = _GraphBuilder(nodes, components)
    for rule in rules:
        builder.add(rule)
    for metric in report.metrics:
        builder.add_metric(metric.name, metric.text, Fact(metric.name, metric.text, metric.sources))
    machine = report.machine
    counts = count_gpus(MachineContext(spec, machine, matrix)) if machine is not None else None
    spec_edges = tuple(_iterate_spec_edges(spec.rig, {node.id for node in nodes}, counts))
    description = f"machine {machine}" if machine is not None else "any machine"
    return builder.build(spec.rig.name, spec.rig.summary or description, spec_edges)


class _GraphBuilder:
    """Collects edges and notes by their nodes."""

    def __init__(self, nodes: Sequence[Node], components: Sequence[ResolvedComponent]) -> None:
        self._nodes = nodes
        self._node_ids = map_components(nodes, components)
        self._components: Mapping[str, ResolvedComponent] = {item.key: item for item in components}
        self._rank = {node.id: index for index, node in enumerate(nodes)}
        self._labels: dict[tuple[str, str], list[tuple[Label, Fact]]] = {}

    def add(self, rule: DependencyEdge) -> None:
        """Add a rule as an edge between two nodes, or as a note of one node."""
        to = self._find_node_id(rule.dependency)
        of = self._find_source(rule, to)
        if to is not None and of is not None:
            # A note is not a fault: every Ada card runs the code of a lower minor version.
            broken = None if rule.broken is Severity.NOTE else rule.broken
            label = Label(self._format_requirement(rule), None, broken)
            self._labels.setdefault((of, to), []).append((label, rule.fact))

    def add_metric(self, name: str, text: str, fact: Fact) -> None:
        """Add a metric as a note of the part that it is compared with."""
        for node_id in _METRIC_NODES.get(name, ()):
            if node_id in self._rank:
                head = text.partition(";")[0].partition(" (")[0]
                self._labels.setdefault((node_id, node_id), []).append((Label(head), fact))
                return

    def build(self, title: str, subtitle: str, spec_edges: Iterable[Edge]) -> StackGraph:
        """Return the graph with its facts numbered in reading order."""
        facts: dict[Fact, int] = {}
        ordered = sorted(self._labels, key=lambda ends: [self._rank[end] for end in ends])
        labelled = {}
        for ends in ordered:
            labels = (
                replace(label, fact=facts.setdefault(fact, len(facts) + 1))
                for label, fact in self._labels[ends]
            )
            labelled[ends] = tuple(dict.fromkeys(labels))
        nodes = tuple(
            replace(
                node,
                notes=(*node.notes, *labelled.get((node.id, node.id), ())),
                row=node.row - self._count_nodes_below(node),
            )
            for node in self._nodes
        )
        edges = [Edge(of, to, labels) for (of, to), labels in labelled.items() if of != to]
        placed = tuple(sorted(nodes, key=_sort_key))
        return StackGraph(title, subtitle, placed, (*spec_edges, *edges), tuple(facts))

    def _count_nodes_below(self, node: Node, above: frozenset[str] = frozenset()) -> int:
        """Return the length of the chain of required nodes in the same row.

        Two packages can require each other (Keras and TensorFlow): ``above`` are not counted.
        """
        if node.row != 0 or node.group is None:
            return 0
        above |= {node.id}
        peers = {other.id: other for other in self._nodes if other.group == node.group}
        required = [
            peers[to]
            for of, to in self._labels
            if of == node.id and to not in above and to in peers and peers[to].row == 0
        ]
        return max((1 + self._count_nodes_below(other, above) for other in required), default=0)

    def _find_node_id(self, key: str) -> str | None:
        env, _, name = key.rpartition("/")
        if name.startswith(PACKAGE_PREFIX) and key not in self._node_ids:
            return get_packages_id(env) if get_packages_id(env) in self._rank else None
        return self._node_ids.get(key)

    def _find_source(self, rule: DependencyEdge, to: str | None) -> str | None:
        """Return the topmost node of a rule's conditions, ignoring cases."""
        named = [key for key in rule.dependents if key.rpartition("/")[2] not in _CASE_COMPONENTS]
        node_ids = {
            node_id
            for key in named or rule.dependents
            if (node_id := self._find_node_id(key)) is not None
        }
        others = node_ids - {to} or node_ids
        return min(others, key=lambda node_id: self._rank[node_id], default=None)

    def _format_requirement(self, rule: DependencyEdge) -> str:
        item = self._components.get(rule.dependency)
        if item is None:
            name = rule.dependency.rpartition("/")[2].removeprefix(PACKAGE_PREFIX)
            return f"{name} {rule.requirement}"
        requirement = _join_alternatives(rule.requirement)
        if item.name == "os" or requirement.lower().startswith(item.title.lower()):
            return requirement
        return f"{item.title} {requirement}"


def _join_alternatives(requirement: str) -> str:
    """Return "7.5, 8.0 or 8.6" for the requirement "==7.5 or ==8.0 or ==8.6"."""
    parts = requirement.split(" or ")
    if len(parts) == 1 or not all(part.startswith("==") for part in parts):
        return requirement
    *others, last = (part.removeprefix("==") for part in parts)
    return f"{', '.join(others)} or {last}"


# Metrics, and the part that each is compared with.
_METRIC_NODES = {"power": ("psu",), "lanes": ("cpu",)}


def _sort_key(node: Node) -> tuple[int, str, int]:
    group = node.group or ""
    return LAYERS.index(node.layer), group, node.row


def _iterate_spec_edges(
    rig: Rig, present: set[str], counts: tuple[int, ...] | None
) -> Iterator[Edge]:
    """Yield the edges of services and users from the spec."""
    jupyter = rig.service.jupyter
    for name, user in sorted(rig.user.items()):
        if jupyter is not None:
            port = user.jupyter_port or jupyter.port
            yield Edge(f"user/{name}", "service/jupyter", (Label(f"port {port}"),))
        for card, numbers in _group_gpus_by_card(user.gpus, counts).items():
            text = ", ".join(map(str, numbers)) or "none"
            if f"gpus.{card}" in present:
                yield Edge(f"user/{name}", f"gpus.{card}", (Label(f"GPU {text}"),))
    if jupyter is not None:
        yield Edge("service/jupyter", f"{jupyter.env}/python", (Label("runs in"),))
        for name in jupyter.kernels:
            yield Edge("service/jupyter", f"{name}/python", (Label("kernel"),))


def _group_gpus_by_card(
    gpus: tuple[int, ...] | None, counts: tuple[int, ...] | None
) -> dict[int, tuple[int, ...]]:
    """Return the GPU numbers of a user for each card."""
    if not gpus or counts is None:
        return {} if gpus is None else {0: gpus}
    on = [(find_card(counts, gpu), gpu) for gpu in gpus]
    return {
        card: tuple(gpu for other, gpu in on if other == card) for card, _ in on if card is not None
    }
