"""A picture as SVG: one file that needs no other, in light and dark."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from importlib import resources
from xml.etree import ElementTree as ET

from rigspec.diagnostics.sanitize import sanitize
from rigspec.graph.model import Edge, Label, Node, StackGraph
from rigspec.graph.render.layout import Layout, Place, Size, laid_out
from rigspec.graph.render.text_metrics import width, wrap_text

__all__ = ["as_svg"]

_TITLE, _NOTE, _LABEL, _FACT = 13.5, 11.5, 11.0, 12.0
_TITLE_LINE, _NOTE_LINE, _LABEL_LINE, _FACT_LINE = 18.0, 15.5, 14.5, 16.5
_WIDEST_BOX, _WIDEST_LABEL = 190.0, 170.0
_SIDE, _TOP = 12.0, 8.0  # between a box's edge and its words
_MARGIN, _HEADING = 28.0, 64.0
_COLUMN = 560.0  # a column of facts is no narrower
_BETWEEN = 36.0
_NUMBER = 30.0  # the room for the number of a fact


def as_svg(picture: StackGraph) -> str:
    """The picture, drawn. The same picture is the same text."""
    boxes = {box.id: _box_size(box) for box in picture.boxes}
    labels = [_label_size(arrow) for arrow in picture.arrows]
    layout = laid_out(picture, boxes, labels)
    wide = max(layout.width, _COLUMN)
    drawn = ET.Element(
        "g", transform=_moved((wide - layout.width) / 2 + _MARGIN, _HEADING + _MARGIN)
    )
    _frames(drawn, layout)
    for arrow, way in zip(picture.arrows, layout.ways, strict=True):
        _arrow(drawn, arrow, way, layout)
    for arrow, way in zip(picture.arrows, layout.ways, strict=True):
        _labels(drawn, arrow, way, picture)
    for box in picture.boxes:
        _box(drawn, box, layout.boxes[box.id], picture)
    top = layout.height + _HEADING + 2 * _MARGIN
    facts, bottom = _facts(picture, wide, top)
    root = _root(picture, wide + 2 * _MARGIN, bottom + _MARGIN)
    _heading(root, picture)
    root.append(drawn)
    root.append(facts)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _root(picture: StackGraph, wide: float, high: float) -> ET.Element:
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_px(wide)} {_px(high)}",
            "width": _px(wide),
            "height": _px(high),
            "role": "img",
            "aria-labelledby": "title",
        },
    )
    ET.SubElement(root, "title", id="title").text = sanitize(f"{picture.title}: {picture.subtitle}")
    style = resources.files("rigspec.graph") / "picture.css"
    ET.SubElement(root, "style").text = "\n" + style.read_text(encoding="utf-8")
    marks = ET.SubElement(root, "defs")
    for name in ("asks", "warns"):
        mark = ET.SubElement(
            marks,
            "marker",
            {"id": name, "viewBox": "0 0 8 8", "refX": "7", "refY": "4"}
            | {"markerWidth": "7", "markerHeight": "7", "orient": "auto-start-reverse"},
        )
        ET.SubElement(mark, "path", {"class": f"head {name}", "d": "M0 0.5 L8 4 L0 7.5 Z"})
    ET.SubElement(root, "rect", {"class": "paper", "width": "100%", "height": "100%"})
    return root


def _heading(root: ET.Element, picture: StackGraph) -> None:
    _text(root, "name", _MARGIN, _MARGIN + 20, sanitize(picture.title), 22, bold=True)
    _text(root, "about", _MARGIN, _MARGIN + 42, sanitize(picture.subtitle), 13)


def _frames(parent: ET.Element, layout: Layout) -> None:
    for group, (left, top, right, bottom) in sorted(layout.frames.items()):
        _rect(parent, "frame", left, top, Size(right - left, bottom - top), 14)
        _text(parent, "group", left + 14, top + 19, f"environment {group}", _NOTE, bold=True)


# --- boxes ---------------------------------------------------------------------------------


def _box_lines(box: Node) -> tuple[tuple[str, ...], list[tuple[Label, tuple[str, ...]]]]:
    inner = _WIDEST_BOX - 2 * _SIDE
    notes = [(note, wrap_text(note.words, _NOTE, inner)) for note in box.notes]
    return wrap_text(box.title, _TITLE, inner, bold=True), notes


def _box_size(box: Node) -> Size:
    title, notes = _box_lines(box)
    lines = [line for _, found in notes for line in found]
    widest = max(
        [width(line, _TITLE, bold=True) for line in title] + [width(line, _NOTE) for line in lines]
    )
    high = 2 * _TOP + len(title) * _TITLE_LINE + len(lines) * _NOTE_LINE
    return Size(math.ceil(max(widest + 2 * _SIDE, 70)), high)


def _box(parent: ET.Element, box: Node, place: Place, picture: StackGraph) -> None:
    title, notes = _box_lines(box)
    group = ET.SubElement(parent, "g", {"class": f"box {box.layer}"})
    _rect(group, "body", place.x - place.size.width / 2, place.top, place.size, 8)
    y = place.top + _TOP - 4.5
    for line in title:
        y += _TITLE_LINE
        _text(group, "title", place.x, y, line, _TITLE, bold=True, middle=True)
    for note, lines in notes:
        for line in lines:
            y += _NOTE_LINE
            written = _text(group, "note", place.x, y, line, _NOTE, middle=True)
            _hint(written, note, picture)


# --- arrows --------------------------------------------------------------------------------


def _label_lines(arrow: Edge) -> list[tuple[Label, tuple[str, ...]]]:
    return [(label, wrap_text(label.words, _LABEL, _WIDEST_LABEL)) for label in arrow.labels]


def _label_size(arrow: Edge) -> Size:
    lines = [line for _, found in _label_lines(arrow) for line in found]
    widest = max(width(line, _LABEL) for line in lines)
    return Size(math.ceil(widest + 14), len(lines) * _LABEL_LINE + 6)


def _arrow(parent: ET.Element, arrow: Edge, way: Sequence[Place], layout: Layout) -> None:
    """The line, in two parts: its label stands between them."""
    kind = "warns" if any(label.broken for label in arrow.labels) else "asks"
    down = way[0].key == arrow.of
    split = next(i for i, place in enumerate(way[1:-1], start=1) if not place.passing)
    parts = list(_points(way[: split + 1])), list(_points(way[split:]))
    for part, last in zip(parts, (not down, down), strict=True):
        attributes = {"class": f"line {kind}", "d": _curve(part)}
        if last:
            attributes["marker-end" if down else "marker-start"] = f"url(#{kind})"
        ET.SubElement(parent, "path", attributes)


def _points(way: Sequence[Place]) -> Iterator[tuple[float, float]]:
    """Where the line touches each place: its edges, and both of what it passes."""
    for index, place in enumerate(way):
        bottom = place.top + place.size.height
        if index > 0:
            yield _port(place, way[index - 1], place.above), place.top
        if index < len(way) - 1:
            yield _port(place, way[index + 1], place.below), bottom


def _port(place: Place, other: Place, side: Sequence[Place]) -> float:
    """Lines share the edge of a box: each has a point of its own."""
    if len(side) < 2:
        return place.x
    rank = sorted(range(len(side)), key=lambda i: (side[i].x, i))
    index = next(n for n, i in enumerate(rank) if side[i] is other)
    room = max(place.size.width - 2 * _SIDE, 0)
    return place.x - room / 2 + room * (index + 0.5) / len(side)


def _curve(points: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = points
    d = [f"M{_px(x)} {_px(y)}"]
    for to_x, to_y in rest:
        if abs(to_x - x) < 0.05 or to_y - y < 0.05:
            d.append(f"L{_px(to_x)} {_px(to_y)}")
        else:
            half = (y + to_y) / 2
            d.append(f"C{_px(x)} {_px(half)} {_px(to_x)} {_px(half)} {_px(to_x)} {_px(to_y)}")
        x, y = to_x, to_y
    return " ".join(d)


def _labels(parent: ET.Element, arrow: Edge, way: Sequence[Place], picture: StackGraph) -> None:
    place = next(place for place in way[1:-1] if not place.passing)
    warns = any(label.broken for label in arrow.labels)
    group = ET.SubElement(parent, "g", {"class": "label warns" if warns else "label"})
    _rect(group, "chip", place.x - place.size.width / 2, place.top, place.size, 6)
    y = place.top + 0.5
    for label, lines in _label_lines(arrow):
        for line in lines:
            y += _LABEL_LINE
            written = _text(group, "words", place.x, y, line, _LABEL, middle=True)
            _hint(written, label, picture)


def _hint(written: ET.Element, label: Label, picture: StackGraph) -> None:
    if label.fact is not None:
        written.set("data-fact", str(label.fact))
        ET.SubElement(written, "title").text = sanitize(picture.facts[label.fact - 1].statement)


# --- facts ---------------------------------------------------------------------------------


def _facts(picture: StackGraph, wide: float, top: float) -> tuple[ET.Element, float]:
    """The numbered facts with their sources, in columns; and where they end."""
    group = ET.Element("g", {"class": "facts"})
    columns = max(1, int((wide + _BETWEEN) // (_COLUMN + _BETWEEN)))
    column = (wide - (columns - 1) * _BETWEEN) / columns
    entries = [
        list(_fact_lines(picture, number, column)) for number in range(1, len(picture.facts) + 1)
    ]
    heights = [len(entry) * _FACT_LINE + 8 for entry in entries]
    if entries:
        _text(group, "heading", _MARGIN, top, "What holds it together", 15, bold=True)
    share = sum(heights) / columns
    x, y, filled, bottom = _MARGIN, top + 12, 0.0, top
    for number, (entry, height) in enumerate(zip(entries, heights, strict=True), start=1):
        if filled >= share and x + column < wide:
            x, y, filled = x + column + _BETWEEN, top + 12, 0.0
        _text(group, "number", x, y + _FACT_LINE, f"{number}", _FACT, bold=True)
        for index, (kind, line, url) in enumerate(entry, start=1):
            # A package is named by what is no address of the web (`pkg:pypi/torch`).
            linked = url is not None and url.startswith("https://")
            parent = ET.SubElement(group, "a", href=url or "") if linked else group
            _text(parent, kind, x + _NUMBER, y + index * _FACT_LINE, line, _FACT)
        y, filled = y + height, filled + height
        bottom = max(bottom, y)
    return group, bottom


def _fact_lines(
    picture: StackGraph, number: int, column: float
) -> Iterator[tuple[str, str, str | None]]:
    fact = picture.facts[number - 1]
    for line in wrap_text(fact.statement, _FACT, column - _NUMBER):
        yield "statement", line, None
    for source in fact.sources:
        told = f"{source.title}, read {source.read.isoformat()}"
        for line in wrap_text(told, _FACT, column - _NUMBER):
            yield "source", line, source.url


# --- pieces --------------------------------------------------------------------------------


def _text(
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
    """A line of text of exactly the width that was reckoned with, whatever font draws it."""
    attributes = {"class": kind, "x": _px(x), "y": _px(y), "font-size": _px(size)}
    if middle:
        attributes["text-anchor"] = "middle"
    reckoned = width(text, size, bold=bold)
    if reckoned:
        attributes |= {"textLength": _px(reckoned), "lengthAdjust": "spacingAndGlyphs"}
    element = ET.SubElement(parent, "text", attributes)
    element.text = text
    return element


def _rect(parent: ET.Element, kind: str, x: float, y: float, size: Size, radius: float) -> None:
    place = {"x": _px(x), "y": _px(y), "width": _px(size.width), "height": _px(size.height)}
    ET.SubElement(parent, "rect", {"class": kind, **place, "rx": _px(radius)})


def _moved(x: float, y: float) -> str:
    return f"translate({_px(x)} {_px(y)})"


def _px(number: float) -> str:
    return f"{round(number, 1):g}" if abs(number) < 100000 else f"{number:.0f}"
