"""Where everything stands: rows of boxes, labels between them, and a way for each arrow.

Layered, after Sugiyama: the rows are known. An arrow has a place in every row that it crosses,
so that no line runs through a box or through words; its label is its place in one of the gaps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rigspec.graph.model import LAYERS, Edge, Node, StackGraph

__all__ = ["Layout", "Place", "Size", "laid_out"]

_SWEEPS = 24
_APART = 18.0  # between the boxes and labels of a row
_LINE = 10.0  # the room of a line that passes
_GAP = 24.0  # between two rows
_BORDER = 14.0  # inside a group's frame
_HEAD = 24.0  # the name of a group


@dataclass(frozen=True)
class Size:
    """The size of a box or of a label."""

    width: float
    height: float


@dataclass
class Place:
    """Something in a row: a box, a label, or the passing of an arrow."""

    key: str
    row: int
    size: Size
    group: str
    passing: bool = False
    x: float = 0.0
    top: float = 0.0
    above: list[Place] = field(default_factory=list, repr=False)
    below: list[Place] = field(default_factory=list, repr=False)


@dataclass(frozen=True)
class Layout:
    """``ways[i]`` are the places of the i-th arrow from the upper end to the lower.

    ``frames`` are left, top, right and bottom of each group. ``bands`` are top and bottom of the
    rows of each layer.
    """

    boxes: Mapping[str, Place]
    ways: tuple[tuple[Place, ...], ...]
    frames: Mapping[str, tuple[float, float, float, float]]
    bands: Mapping[str, tuple[float, float]]
    width: float
    height: float


def laid_out(picture: StackGraph, boxes: Mapping[str, Size], labels: Sequence[Size]) -> Layout:
    """A place for every box and arrow of a picture; the sizes are those of their words."""
    rows = _rows(picture.boxes)
    framed = {rows[box.id] for box in picture.boxes if box.group is not None}
    places = {
        box.id: Place(box.id, rows[box.id], boxes[box.id], box.group or "") for box in picture.boxes
    }
    ways = _ways(picture.arrows, places, labels, framed)
    count = 2 * len(set(rows.values()))
    by_row: list[list[Place]] = [[] for _ in range(count)]
    for place in _every(places, ways):
        by_row[place.row].append(place)
    inside = range(min(framed), max(framed) + 1) if framed else range(0)
    spans = _spread(by_row, inside, _ordered(by_row, inside))
    _stacked(by_row, inside, spans)
    return _finished(picture, places, ways, by_row, inside, spans)


def _rows(boxes: Sequence[Node]) -> dict[str, int]:
    """Boxes have the even rows; labels stand in the odd ones between."""
    used = sorted({(LAYERS.index(box.layer), box.row) for box in boxes})
    return {box.id: 2 * used.index((LAYERS.index(box.layer), box.row)) for box in boxes}


def _ways(
    arrows: Sequence[Edge], places: Mapping[str, Place], labels: Sequence[Size], framed: set[int]
) -> tuple[tuple[Place, ...], ...]:
    """The places of each arrow; its label stands in the gap that has most room left."""
    filled: dict[int, float] = {}
    ways: dict[int, tuple[Place, ...]] = {}
    inside = range(min(framed), max(framed) + 1) if framed else range(0)
    lengths = [abs(places[a.of].row - places[a.to].row) for a in arrows]
    for index in sorted(range(len(arrows)), key=lambda i: (lengths[i], i)):
        ends = places[arrows[index].of], places[arrows[index].to]
        upper, lower = sorted(ends, key=lambda place: place.row)
        gaps = range(upper.row + 1, max(lower.row, upper.row + 2), 2)
        chosen = min(gaps, key=lambda row: (filled.get(row, 0.0), row))
        filled[chosen] = filled.get(chosen, 0.0) + labels[index].width + _APART
        way = [upper]
        for row in range(upper.row + 1, max(lower.row, upper.row + 2)):
            size = labels[index] if row == chosen else Size(_LINE, 0.0)
            # Within the groups a line that is of none has a column of its own.
            column = (upper.group or lower.group or f"{index}") if row in inside else ""
            way.append(Place(f"{index}", row, size, column, passing=row != chosen))
        way.append(lower)
        for one, other in pairwise(way):
            one.below.append(other)
            other.above.append(one)
        ways[index] = tuple(way)
    return tuple(ways[index] for index in range(len(arrows)))


def _every(places: Mapping[str, Place], ways: Sequence[Sequence[Place]]) -> list[Place]:
    return [*places.values(), *(place for way in ways for place in way[1:-1])]


def _ordered(rows: list[list[Place]], inside: range) -> tuple[str, ...]:
    """The order in each row, so that few lines cross: after the means of what they hang on.

    Gives the order of the groups, which is one through all their rows.
    """
    _numbered(rows)
    groups: tuple[str, ...] = ()
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            wanted = {id(p): _mean(p.above if down else p.below, p.x) for p in row}
            row.sort(key=lambda p, wanted=wanted: wanted[id(p)])  # type: ignore[misc]
            for index, place in enumerate(row):
                place.x = _share(index, len(row))
        groups = _groups_together(rows, inside)
    _numbered(rows)
    return groups


def _groups_together(rows: list[list[Place]], inside: range) -> tuple[str, ...]:
    """Groups stand beside each other, in one order through all their rows: this one."""
    found: dict[str, list[float]] = {}
    for index in inside:
        for place in rows[index]:
            found.setdefault(place.group, []).append(place.x)
    order = sorted(found, key=lambda group: (sum(found[group]) / len(found[group]), group))
    rank = {group: index for index, group in enumerate(order)}
    for index in inside:
        rows[index].sort(key=lambda place: rank[place.group])
        for position, place in enumerate(rows[index]):
            place.x = _share(position, len(rows[index]))
    return tuple(order)


def _numbered(rows: list[list[Place]]) -> None:
    for row in rows:
        for index, place in enumerate(row):
            place.x = _share(index, len(row))


def _share(index: int, count: int) -> float:
    return (index + 0.5) / count


def _mean(places: Sequence[Place], otherwise: float) -> float:
    return sum(place.x for place in places) / len(places) if places else otherwise


def _spread(
    rows: list[list[Place]], inside: range, groups: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """The x of everything, and left and right of each group."""
    spans = _spans(rows, inside, groups)
    whole = max((_packed(row) for row in rows), default=0.0)
    whole = max([whole, *(right for _, right in spans.values())])
    shift = (whole - max((right for _, right in spans.values()), default=whole)) / 2
    spans = {group: (left + shift, right + shift) for group, (left, right) in spans.items()}
    for row in rows:
        x = (whole - _packed(row)) / 2
        for place in row:
            place.x = x + place.size.width / 2
            x += place.size.width + _APART
    for sweep in range(_SWEEPS):
        order = range(len(rows)) if sweep % 2 == 0 else range(len(rows) - 1, -1, -1)
        for index in order:
            limits = spans if index in inside else {}
            wanted = [_mean([*p.above, *p.below], p.x) for p in rows[index]]
            _settle(rows[index], wanted, limits)
    return spans


def _packed(row: Sequence[Place]) -> float:
    return sum(place.size.width + _APART for place in row) - _APART if row else 0.0


def _spans(
    rows: list[list[Place]], inside: range, groups: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Left and right of each group, as wide as its widest row."""
    spans, left = {}, 0.0
    for group in groups:
        packed = [_packed([p for p in rows[index] if p.group == group]) for index in inside]
        border = 0.0 if group.isdigit() else _BORDER
        spans[group] = (left + border, left + border + max(packed))
        left += max(packed) + 2 * border + _APART
    return spans


def _settle(
    row: list[Place], wanted: Sequence[float], limits: Mapping[str, tuple[float, float]]
) -> None:
    """Everything as near to its wish as its neighbours and its group's limits allow.

    Neighbours that would overlap move together, to the mean of their wishes.
    """
    if not row:
        return
    clusters: list[tuple[float, int]] = []  # the mean of the wishes, and how many
    offsets = [0.0]
    for one, other in pairwise(row):
        offsets.append(offsets[-1] + (one.size.width + other.size.width) / 2 + _APART)
    for wish, offset in zip(wanted, offsets, strict=True):
        clusters.append((wish - offset, 1))
        while len(clusters) > 1 and clusters[-2][0] > clusters[-1][0]:
            (left, many), (right, more) = clusters[-2:]
            clusters[-2:] = [((left * many + right * more) / (many + more), many + more)]
    found = [mean for mean, count in clusters for _ in range(count)]
    for place, mean, offset in zip(row, found, offsets, strict=True):
        place.x = mean + offset
    _limited(row, limits)


def _limited(row: list[Place], limits: Mapping[str, tuple[float, float]]) -> None:
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


def _stacked(
    rows: list[list[Place]], inside: range, spans: Mapping[str, tuple[float, float]]
) -> None:
    """The y of every row; each place is in the middle of its row."""
    top = 0.0
    framed = any(not group.isdigit() for group in spans)
    for index, row in enumerate(rows):
        if framed and inside and index == inside.start:
            top += _HEAD + _BORDER
        height = max((place.size.height for place in row), default=0.0)
        for place in row:
            if place.passing:
                # A line goes straight down beside boxes, and bends between the rows.
                place.size = Size(_LINE, height)
            place.top = top + (height - place.size.height) / 2
        top += height + _GAP if row else 0.0
        if framed and inside and index == inside.stop - 1:
            top += _BORDER


def _finished(
    picture: StackGraph,
    places: Mapping[str, Place],
    ways: tuple[tuple[Place, ...], ...],
    rows: list[list[Place]],
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
        mine = [places[box.id] for box in picture.boxes if box.layer == layer]
        if mine:
            bands[layer] = (min(p.top for p in mine), max(p.top + p.size.height for p in mine))
    right = [p.x + p.size.width / 2 for p in everything] + [frame[2] for frame in frames.values()]
    height = max([p.top + p.size.height for p in everything])
    return Layout(places, ways, frames, bands, max(right), height)
