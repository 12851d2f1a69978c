"""Compute positions: rows of nodes, labels between them, and a path for each edge.

A layered layout after Sugiyama with known rows. An edge has a place in every row that it crosses,
so that no line crosses a node or a text; its label is in one of the gaps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rigspec.graph.model import LAYERS, Edge, Node, StackGraph

__all__ = ["BoxSize", "Layout", "LayoutPlace", "compute_layout"]

_SWEEPS = 24
_APART = 18.0  # between the nodes and labels of a row
_LINE = 10.0  # width of a passing line
_GAP = 24.0  # between two rows
_BORDER = 14.0  # padding of a group's frame
_HEAD = 24.0  # height of a group's name


@dataclass(frozen=True)
class BoxSize:
    """The size of a node or a label."""

    width: float
    height: float


@dataclass
class LayoutPlace:
    """An entry of a row: a node, a label, or a passing edge."""

    key: str
    row: int
    size: BoxSize
    group: str
    passing: bool = False
    x: float = 0.0
    top: float = 0.0
    above: list[LayoutPlace] = field(default_factory=list, repr=False)
    below: list[LayoutPlace] = field(default_factory=list, repr=False)


@dataclass(frozen=True)
class Layout:
    """The positions of a graph.

    Attributes:
        ways: for each edge, its places from the upper to the lower end.
        frames: left, top, right and bottom of each group.
        bands: top and bottom of the rows of each layer.
    """

    nodes: Mapping[str, LayoutPlace]
    ways: tuple[tuple[LayoutPlace, ...], ...]
    frames: Mapping[str, tuple[float, float, float, float]]
    bands: Mapping[str, tuple[float, float]]
    width: float
    height: float


def compute_layout(
    graph: StackGraph, nodes: Mapping[str, BoxSize], labels: Sequence[BoxSize]
) -> Layout:
    """Return the positions of all nodes and edges, given the sizes of their texts."""
    rows = _assign_rows(graph.nodes)
    framed = {rows[node.id] for node in graph.nodes if node.group is not None}
    places = {
        node.id: LayoutPlace(node.id, rows[node.id], nodes[node.id], node.group or "")
        for node in graph.nodes
    }
    ways = _compute_ways(graph.edges, places, labels, framed)
    count = 2 * len(set(rows.values()))
    by_row: list[list[LayoutPlace]] = [[] for _ in range(count)]
    for place in _collect_places(places, ways):
        by_row[place.row].append(place)
    inside = range(min(framed), max(framed) + 1) if framed else range(0)
    spans = _set_columns(by_row, inside, _order_rows(by_row, inside))
    _set_heights(by_row, inside, spans)
    return _build_layout(graph, places, ways, by_row, inside, spans)


def _assign_rows(nodes: Sequence[Node]) -> dict[str, int]:
    """Return the row of each node; nodes have even rows, labels odd ones."""
    used = sorted({(LAYERS.index(node.layer), node.row) for node in nodes})
    return {node.id: 2 * used.index((LAYERS.index(node.layer), node.row)) for node in nodes}


def _compute_ways(
    edges: Sequence[Edge],
    places: Mapping[str, LayoutPlace],
    labels: Sequence[BoxSize],
    framed: set[int],
) -> tuple[tuple[LayoutPlace, ...], ...]:
    """Return the places of each edge; its label is in the gap with the most free space."""
    filled: dict[int, float] = {}
    ways: dict[int, tuple[LayoutPlace, ...]] = {}
    inside = range(min(framed), max(framed) + 1) if framed else range(0)
    lengths = [abs(places[a.source].row - places[a.target].row) for a in edges]
    for index in sorted(range(len(edges)), key=lambda i: (lengths[i], i)):
        ends = places[edges[index].source], places[edges[index].target]
        upper, lower = sorted(ends, key=lambda place: place.row)
        gaps = range(upper.row + 1, max(lower.row, upper.row + 2), 2)
        chosen = min(gaps, key=lambda row: (filled.get(row, 0.0), row))
        filled[chosen] = filled.get(chosen, 0.0) + labels[index].width + _APART
        way = [upper]
        for row in range(upper.row + 1, max(lower.row, upper.row + 2)):
            size = labels[index] if row == chosen else BoxSize(_LINE, 0.0)
            # Within the rows of groups, other lines get a separate column.
            column = (upper.group or lower.group or f"{index}") if row in inside else ""
            way.append(LayoutPlace(f"{index}", row, size, column, passing=row != chosen))
        way.append(lower)
        for one, other in pairwise(way):
            one.below.append(other)
            other.above.append(one)
        ways[index] = tuple(way)
    return tuple(ways[index] for index in range(len(edges)))


def _collect_places(
    places: Mapping[str, LayoutPlace], ways: Sequence[Sequence[LayoutPlace]]
) -> list[LayoutPlace]:
    return [*places.values(), *(place for way in ways for place in way[1:-1])]


def _order_rows(rows: list[list[LayoutPlace]], inside: range) -> tuple[str, ...]:
    """Sort each row by the mean position of connected places, so that few lines cross.

    Return the order of the groups, which is the same in all rows.
    """
    _number_rows(rows)
    groups: tuple[str, ...] = ()
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            wanted = {id(p): _compute_mean(p.above if down else p.below, p.x) for p in row}
            row.sort(key=lambda p, wanted=wanted: wanted[id(p)])  # type: ignore[misc]
            for index, place in enumerate(row):
                place.x = _compute_share(index, len(row))
        groups = _sort_groups(rows, inside)
    _number_rows(rows)
    return groups


def _sort_groups(rows: list[list[LayoutPlace]], inside: range) -> tuple[str, ...]:
    """Sort the places of each row by group, and return the order of the groups."""
    positions: dict[str, list[float]] = {}
    for index in inside:
        for place in rows[index]:
            positions.setdefault(place.group, []).append(place.x)
    order = sorted(positions, key=lambda group: (_compute_average(positions[group]), group))
    rank = {group: index for index, group in enumerate(order)}
    for index in inside:
        rows[index].sort(key=lambda place: rank[place.group])
        for position, place in enumerate(rows[index]):
            place.x = _compute_share(position, len(rows[index]))
    return tuple(order)


def _number_rows(rows: list[list[LayoutPlace]]) -> None:
    for row in rows:
        for index, place in enumerate(row):
            place.x = _compute_share(index, len(row))


def _compute_share(index: int, count: int) -> float:
    return (index + 0.5) / count


def _compute_average(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _compute_mean(places: Sequence[LayoutPlace], otherwise: float) -> float:
    return sum(place.x for place in places) / len(places) if places else otherwise


def _set_columns(
    rows: list[list[LayoutPlace]], inside: range, groups: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Set the x of all places, and return left and right of each group."""
    spans = _compute_spans(rows, inside, groups)
    whole = max((_compute_row_width(row) for row in rows), default=0.0)
    whole = max([whole, *(right for _, right in spans.values())])
    shift = (whole - max((right for _, right in spans.values()), default=whole)) / 2
    spans = {group: (left + shift, right + shift) for group, (left, right) in spans.items()}
    for row in rows:
        x = (whole - _compute_row_width(row)) / 2
        for place in row:
            place.x = x + place.size.width / 2
            x += place.size.width + _APART
    for sweep in range(_SWEEPS):
        order = range(len(rows)) if sweep % 2 == 0 else range(len(rows) - 1, -1, -1)
        for index in order:
            limits = spans if index in inside else {}
            wanted = [_compute_mean([*p.above, *p.below], p.x) for p in rows[index]]
            _place_row(rows[index], wanted, limits)
    return spans


def _compute_row_width(row: Sequence[LayoutPlace]) -> float:
    return sum(place.size.width + _APART for place in row) - _APART if row else 0.0


def _compute_spans(
    rows: list[list[LayoutPlace]], inside: range, groups: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Return left and right of each group; it is as wide as its widest row."""
    spans, left = {}, 0.0
    for group in groups:
        packed = [
            _compute_row_width([p for p in rows[index] if p.group == group]) for index in inside
        ]
        border = 0.0 if group.isdigit() else _BORDER
        spans[group] = (left + border, left + border + max(packed))
        left += max(packed) + 2 * border + _APART
    return spans


def _place_row(
    row: list[LayoutPlace], wanted: Sequence[float], limits: Mapping[str, tuple[float, float]]
) -> None:
    """Move each place as close to its wanted x as its neighbours and its group allow.

    Overlapping neighbours move together to the mean of their wanted positions.
    """
    if not row:
        return
    clusters: list[tuple[float, int]] = []  # mean of the wanted positions, and their number
    offsets = [0.0]
    for one, other in pairwise(row):
        offsets.append(offsets[-1] + (one.size.width + other.size.width) / 2 + _APART)
    for target, offset in zip(wanted, offsets, strict=True):
        clusters.append((target - offset, 1))
        while len(clusters) > 1 and clusters[-2][0] > clusters[-1][0]:
            (left, many), (right, more) = clusters[-2:]
            clusters[-2:] = [((left * many + right * more) / (many + more), many + more)]
    means = [mean for mean, count in clusters for _ in range(count)]
    for place, mean, offset in zip(row, means, offsets, strict=True):
        place.x = mean + offset
    _apply_limits(row, limits)


def _apply_limits(row: list[LayoutPlace], limits: Mapping[str, tuple[float, float]]) -> None:
    edge = float("-inf")
    for place in row:
        half = place.size.width / 2
        left = limits[place.group][0] if place.group in limits else float("-inf")
        place.x = max(place.x, left + half, edge + half)
        edge = place.x + half + _APART
    edge = float("inf")
    for place in reversed(row):
        half = place.size.width / 2
        right = limits[place.group][1] if place.group in limits else float("inf")
        place.x = min(place.x, right - half, edge - half)
        edge = place.x - half - _APART


def _set_heights(
    rows: list[list[LayoutPlace]], inside: range, spans: Mapping[str, tuple[float, float]]
) -> None:
    """Set the y of all places; each is centred in its row."""
    top = 0.0
    framed = any(not group.isdigit() for group in spans)
    for index, row in enumerate(rows):
        if framed and inside and index == inside.start:
            top += _HEAD + _BORDER
        height = max((place.size.height for place in row), default=0.0)
        for place in row:
            if place.passing:
                # A line is straight within a row, and bends between rows.
                place.size = BoxSize(_LINE, height)
            place.top = top + (height - place.size.height) / 2
        top += height + _GAP if row else 0.0
        if framed and inside and index == inside.stop - 1:
            top += _BORDER


def _build_layout(
    graph: StackGraph,
    places: Mapping[str, LayoutPlace],
    ways: tuple[tuple[LayoutPlace, ...], ...],
    rows: list[list[LayoutPlace]],
    inside: range,
    spans: Mapping[str, tuple[float, float]],
) -> Layout:
    everything = [place for row in rows for place in row]
    lefts = [p.x - p.size.width / 2 for p in everything]
    lowest = min([*lefts, *(left - _BORDER for left, _ in spans.values())])
    for place in everything:
        place.x -= lowest
    within = [p for index in inside for p in rows[index]]
    top = min((p.top for p in within), default=0.0) - _HEAD - _BORDER / 2
    bottom = max((p.top + p.size.height for p in within), default=0.0) + _BORDER
    frames = {
        group: (left - _BORDER - lowest, top, right + _BORDER - lowest, bottom)
        for group, (left, right) in spans.items()
        if not group.isdigit()
    }
    bands = {}
    for layer in LAYERS:
        members = [places[node.id] for node in graph.nodes if node.layer == layer]
        if members:
            bands[layer] = (
                min(p.top for p in members),
                max(p.top + p.size.height for p in members),
            )
    right = [p.x + p.size.width / 2 for p in everything] + [frame[2] for frame in frames.values()]
    height = max([p.top + p.size.height for p in everything])
    return Layout(places, ways, frames, bands, max(right), height)
