"""Render a graph as one self-contained SVG with a light and a dark scheme."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from importlib import resources
from xml.etree import ElementTree as ET

from rigspec.diagnostics.sanitize import sanitize
from rigspec.graph.model import LAYERS, Edge, Label, Node, StackGraph
from rigspec.graph.render.layout import BoxSize, Layout, LayoutPlace, compute_layout
from rigspec.graph.render.text_metrics import compute_width, wrap_text

__all__ = ["render_svg"]

_TITLE, _NOTE, _LABEL, _FACT = 13.5, 11.5, 11.0, 12.0
_TITLE_LINE, _NOTE_LINE, _LABEL_LINE, _FACT_LINE = 18.0, 15.5, 14.5, 16.5
_WIDEST_BOX, _WIDEST_LABEL = 190.0, 170.0
_SIDE, _TOP = 12.0, 8.0  # padding of a box
_MARGIN, _HEADING = 28.0, 102.0
_SWATCH, _LEGEND_LINE = 12.0, 19.0
_COLUMN = 560.0  # minimum width of a column of facts
_BETWEEN = 36.0
_NUMBER = 30.0  # width of the number of a fact


# The lines of the legend, by the class of an edge.
_LINES = {"requires": "requires", "warns": "warning"}


def render_svg(graph: StackGraph) -> str:
    """Return the graph as SVG; the text is deterministic."""
    nodes = {node.id: _compute_node_size(node) for node in graph.nodes}
    labels = [_compute_label_size(edge) for edge in graph.edges]
    layout = compute_layout(graph, nodes, labels)
    wide = max(layout.width, _COLUMN)
    drawing = ET.Element(
        "g", transform=_translate((wide - layout.width) / 2 + _MARGIN, _HEADING + _MARGIN)
    )
    _add_frames(drawing, layout)
    for edge, way in zip(graph.edges, layout.ways, strict=True):
        _add_edge(drawing, edge, way, layout)
    for edge, way in zip(graph.edges, layout.ways, strict=True):
        _add_labels(drawing, edge, way, graph)
    for node in graph.nodes:
        _add_node(drawing, node, layout.nodes[node.id], graph)
    top = layout.height + _HEADING + 2 * _MARGIN
    facts, bottom = _build_facts(graph, wide, top)
    root = _build_root(graph, wide + 2 * _MARGIN, bottom + _MARGIN)
    _add_heading(root, graph)
    _add_legend(root, wide)
    root.append(drawing)
    root.append(facts)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _build_root(graph: StackGraph, wide: float, high: float) -> ET.Element:
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_format_number(wide)} {_format_number(high)}",
            "width": _format_number(wide),
            "height": _format_number(high),
            "role": "img",
            "aria-labelledby": "title",
        },
    )
    ET.SubElement(root, "title", id="title").text = sanitize(f"{graph.title}: {graph.subtitle}")
    style = resources.files("rigspec.graph") / "picture.css"
    ET.SubElement(root, "style").text = "\n" + style.read_text(encoding="utf-8")
    marks = ET.SubElement(root, "defs")
    for name in ("requires", "warns"):
        mark = ET.SubElement(
            marks,
            "marker",
            {"id": name, "viewBox": "0 0 8 8", "refX": "7", "refY": "4"}
            | {"markerWidth": "7", "markerHeight": "7", "orient": "auto-start-reverse"},
        )
        ET.SubElement(mark, "path", {"class": f"head {name}", "d": "M0 0.5 L8 4 L0 7.5 Z"})
    ET.SubElement(root, "rect", {"class": "paper", "width": "100%", "height": "100%"})
    return root


def _add_heading(root: ET.Element, graph: StackGraph) -> None:
    _add_text(root, "name", _MARGIN, _MARGIN + 20, sanitize(graph.title), 22, bold=True)
    _add_text(root, "about", _MARGIN, _MARGIN + 42, sanitize(graph.subtitle), 13)


def _add_legend(root: ET.Element, wide: float) -> None:
    """Explain the colors of the boxes and the lines."""
    x, y = _MARGIN, _MARGIN + 64
    for kind, name in (*((layer, layer) for layer in LAYERS), *_LINES.items()):
        width = _SWATCH + 6 + compute_width(name, _NOTE)
        if x + width > wide + _MARGIN:
            x, y = _MARGIN, y + _LEGEND_LINE
        if kind in _LINES:
            line = f"M{_format_point(x, y - 4)} L{_format_point(x + _SWATCH, y - 4)}"
            ET.SubElement(root, "path", {"class": f"line {kind}", "d": line})
        else:
            group = ET.SubElement(root, "g", {"class": kind})
            _add_rect(group, "body", x, y - _SWATCH + 2, BoxSize(_SWATCH, _SWATCH), 3)
        _add_text(root, "note", x + _SWATCH + 6, y, name, _NOTE)
        x += width + 18


def _add_frames(parent: ET.Element, layout: Layout) -> None:
    for group, (left, top, right, bottom) in sorted(layout.frames.items()):
        _add_rect(parent, "frame", left, top, BoxSize(right - left, bottom - top), 14)
        _add_text(parent, "group", left + 14, top + 19, f"environment {group}", _NOTE, bold=True)


# --- boxes ---------------------------------------------------------------------------------


def _wrap_node(node: Node) -> tuple[tuple[str, ...], list[tuple[Label, tuple[str, ...]]]]:
    inner = _WIDEST_BOX - 2 * _SIDE
    notes = [(note, wrap_text(note.numbered_text, _NOTE, inner)) for note in node.notes]
    return wrap_text(node.title, _TITLE, inner, bold=True), notes


def _compute_node_size(node: Node) -> BoxSize:
    title, notes = _wrap_node(node)
    lines = [line for _, found in notes for line in found]
    widest = max(
        [compute_width(line, _TITLE, bold=True) for line in title]
        + [compute_width(line, _NOTE) for line in lines]
    )
    high = 2 * _TOP + len(title) * _TITLE_LINE + len(lines) * _NOTE_LINE
    return BoxSize(math.ceil(max(widest + 2 * _SIDE, 70)), high)


def _add_node(parent: ET.Element, node: Node, place: LayoutPlace, graph: StackGraph) -> None:
    title, notes = _wrap_node(node)
    group = ET.SubElement(parent, "g", {"class": f"box {node.layer}"})
    _add_rect(group, "body", place.x - place.size.width / 2, place.top, place.size, 8)
    y = place.top + _TOP - 4.5
    for line in title:
        y += _TITLE_LINE
        _add_text(group, "title", place.x, y, line, _TITLE, bold=True, middle=True)
    for note, lines in notes:
        for line in lines:
            y += _NOTE_LINE
            element = _add_text(group, "note", place.x, y, line, _NOTE, middle=True)
            _add_hint(element, note, graph)


# --- arrows --------------------------------------------------------------------------------


def _wrap_labels(edge: Edge) -> list[tuple[Label, tuple[str, ...]]]:
    return [(label, wrap_text(label.numbered_text, _LABEL, _WIDEST_LABEL)) for label in edge.labels]


def _compute_label_size(edge: Edge) -> BoxSize:
    lines = [line for _, found in _wrap_labels(edge) for line in found]
    widest = max(compute_width(line, _LABEL) for line in lines)
    return BoxSize(math.ceil(widest + 14), len(lines) * _LABEL_LINE + 6)


def _add_edge(parent: ET.Element, edge: Edge, way: Sequence[LayoutPlace], layout: Layout) -> None:
    """Draw the line in two parts, above and below its label."""
    kind = "warns" if any(label.broken for label in edge.labels) else "requires"
    down = way[0].key == edge.source
    split = next(i for i, place in enumerate(way[1:-1], start=1) if not place.passing)
    parts = list(_iterate_points(way[: split + 1])), list(_iterate_points(way[split:]))
    for part, last in zip(parts, (not down, down), strict=True):
        attributes = {"class": f"line {kind}", "d": _build_curve(part)}
        if last:
            attributes["marker-end" if down else "marker-start"] = f"url(#{kind})"
        ET.SubElement(parent, "path", attributes)


def _iterate_points(way: Sequence[LayoutPlace]) -> Iterator[tuple[float, float]]:
    """Yield the points of a line: where it leaves, enters or passes each place."""
    for index, place in enumerate(way):
        bottom = place.top + place.size.height
        if index > 0:
            yield _compute_port(place, way[index - 1], place.above), place.top
        if index < len(way) - 1:
            yield _compute_port(place, way[index + 1], place.below), bottom


def _compute_port(place: LayoutPlace, other: LayoutPlace, side: Sequence[LayoutPlace]) -> float:
    """Return the x coordinate of a line at a box; lines at one side are spread."""
    if len(side) < 2:
        return place.x
    rank = sorted(range(len(side)), key=lambda i: (side[i].x, i))
    index = next(n for n, i in enumerate(rank) if side[i] is other)
    room = max(place.size.width - 2 * _SIDE, 0)
    return place.x - room / 2 + room * (index + 0.5) / len(side)


def _build_curve(points: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = points
    commands = [f"M{_format_point(x, y)}"]
    for to_x, to_y in rest:
        if abs(to_x - x) < 0.05 or to_y - y < 0.05:
            commands.append(f"L{_format_point(to_x, to_y)}")
        else:
            half = (y + to_y) / 2
            curve = ((x, half), (to_x, half), (to_x, to_y))
            commands.append("C" + " ".join(_format_point(*point) for point in curve))
        x, y = to_x, to_y
    return " ".join(commands)


def _add_labels(
    parent: ET.Element, edge: Edge, way: Sequence[LayoutPlace], graph: StackGraph
) -> None:
    place = next(place for place in way[1:-1] if not place.passing)
    warns = any(label.broken for label in edge.labels)
    group = ET.SubElement(parent, "g", {"class": "label warns" if warns else "label"})
    _add_rect(group, "chip", place.x - place.size.width / 2, place.top, place.size, 6)
    y = place.top + 0.5
    for label, lines in _wrap_labels(edge):
        for line in lines:
            y += _LABEL_LINE
            element = _add_text(group, "words", place.x, y, line, _LABEL, middle=True)
            _add_hint(element, label, graph)


def _add_hint(element: ET.Element, label: Label, graph: StackGraph) -> None:
    if label.fact is not None:
        element.set("data-fact", str(label.fact))
        ET.SubElement(element, "title").text = sanitize(graph.facts[label.fact - 1].statement)


# --- facts ---------------------------------------------------------------------------------


def _build_facts(graph: StackGraph, wide: float, top: float) -> tuple[ET.Element, float]:
    """Return the numbered facts with their sources in columns, and their lower end."""
    group = ET.Element("g", {"class": "facts"})
    columns = max(1, int((wide + _BETWEEN) // (_COLUMN + _BETWEEN)))
    column = (wide - (columns - 1) * _BETWEEN) / columns
    entries = [
        list(_iterate_fact_lines(graph, number, column))
        for number in range(1, len(graph.facts) + 1)
    ]
    heights = [len(entry) * _FACT_LINE + 8 for entry in entries]
    if entries:
        _add_text(group, "heading", _MARGIN, top, "Facts", 15, bold=True)
    share = sum(heights) / columns
    x, y, filled, bottom = _MARGIN, top + 12, 0.0, top
    for number, (entry, height) in enumerate(zip(entries, heights, strict=True), start=1):
        if filled >= share and x + column < wide:
            x, y, filled = x + column + _BETWEEN, top + 12, 0.0
        _add_text(group, "number", x, y + _FACT_LINE, f"{number}", _FACT, bold=True)
        for index, (kind, line, url) in enumerate(entry, start=1):
            # The source of a package is not a web address (`pkg:pypi/torch`).
            linked = url is not None and url.startswith("https://")
            parent = ET.SubElement(group, "a", href=url or "") if linked else group
            _add_text(parent, kind, x + _NUMBER, y + index * _FACT_LINE, line, _FACT)
        y, filled = y + height, filled + height
        bottom = max(bottom, y)
    return group, bottom


def _iterate_fact_lines(
    graph: StackGraph, number: int, column: float
) -> Iterator[tuple[str, str, str | None]]:
    fact = graph.facts[number - 1]
    for line in wrap_text(fact.statement, _FACT, column - _NUMBER):
        yield "statement", line, None
    for source in fact.sources:
        text = f"{source.title}, read {source.read.isoformat()}"
        for line in wrap_text(text, _FACT, column - _NUMBER):
            yield "source", line, source.url


# --- pieces --------------------------------------------------------------------------------


def _add_text(
    parent: ET.Element,
    kind: str,
    x: float,
    y: float,
    text: str,
    size: float,
    *,
    bold: bool = False,
    middle: bool = False,
) -> ET.Element:
    """Add a line of text with the computed width, regardless of the font."""
    attributes = {
        "class": kind,
        "x": _format_number(x),
        "y": _format_number(y),
        "font-size": _format_number(size),
    }
    if middle:
        attributes["text-anchor"] = "middle"
    text_width = compute_width(text, size, bold=bold)
    if text_width:
        attributes |= {"textLength": _format_number(text_width), "lengthAdjust": "spacingAndGlyphs"}
    element = ET.SubElement(parent, "text", attributes)
    element.text = text
    return element


def _add_rect(
    parent: ET.Element, kind: str, x: float, y: float, size: BoxSize, radius: float
) -> None:
    place = {
        "x": _format_number(x),
        "y": _format_number(y),
        "width": _format_number(size.width),
        "height": _format_number(size.height),
    }
    ET.SubElement(parent, "rect", {"class": kind, **place, "rx": _format_number(radius)})


def _translate(x: float, y: float) -> str:
    return f"translate({_format_number(x)} {_format_number(y)})"


def _format_point(x: float, y: float) -> str:
    return f"{_format_number(x)} {_format_number(y)}"


def _format_number(number: float) -> str:
    return f"{round(number, 1):g}" if abs(number) < 100000 else f"{number:.0f}"
