"""A picture as DOT, for Graphviz."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rigspec.diagnostics.sanitize import sanitize
from rigspec.graph.model import LAYERS, Edge, Node, StackGraph

__all__ = ["as_dot"]

_FACT_WIDTH = 100
_FONT = "Helvetica"
_COLORS = {
    "people": ("#f3e8ff", "#b58be0"),
    "services": ("#e3f0ff", "#7aaee6"),
    "environments": ("#ffffff", "#8fa3bd"),
    "toolkit": ("#e4f6e4", "#6fb56f"),
    "system": ("#fdf1d8", "#d3a94a"),
    "hardware": ("#eceff3", "#8d99a8"),
}


def as_dot(picture: StackGraph) -> str:
    """The picture as a directed graph, its numbered facts below it."""
    facts = "".join(f"{_text(line)}\\l" for line in _facts(picture))
    heading = f"{_text(picture.title)}: {_text(picture.subtitle)}\\l\\l"
    lines = [
        f"digraph {_quoted(picture.title)} {{",
        f'  graph [rankdir=TB, fontname="{_FONT}", fontsize=10, labelloc=b, labeljust=l, '
        f'nodesep=0.3, ranksep=0.45, label="{heading}{facts}"];',
        f'  node [shape=box, style="rounded,filled", fontname="{_FONT}", fontsize=11];',
        f'  edge [fontname="{_FONT}", fontsize=9, color="#66758a"];',
    ]
    groups = dict.fromkeys(box.group for box in picture.boxes)
    for group in groups:
        mine = [box for box in picture.boxes if box.group == group]
        if group is None:
            lines += [f"  {_node(box)}" for box in mine]
        else:
            lines += [
                f"  subgraph {_quoted(f'cluster_{group}')} {{",
                f'    label="{_text(f"environment {group}")}"; labeljust=l; color="#8fa3bd";',
                *(f"    {_node(box)}" for box in mine),
                "  }",
            ]
    ground = [_quoted(box.id) for box in picture.boxes if box.layer == LAYERS[-1]]
    if ground:
        lines.append(f"  {{ rank=sink; {'; '.join(ground)} }}")
    rank = {box.id: index for index, box in enumerate(picture.boxes)}
    lines += [
        f"  {_edge(arrow, rank[arrow.of] > rank[arrow.to], picture)}" for arrow in picture.arrows
    ]
    return "\n".join((*lines, "}")) + "\n"


def _node(box: Node) -> str:
    words = "\\n".join(_text(line) for line in (box.title, *(note.words for note in box.notes)))
    fill, edge = _COLORS[box.layer]
    return f'{_quoted(box.id)} [label="{words}", fillcolor="{fill}", color="{edge}"];'


def _edge(arrow: Edge, upward: bool, picture: StackGraph) -> str:
    """What asks stands above: an arrow that points up is drawn from its head."""
    upper, lower = (arrow.to, arrow.of) if upward else (arrow.of, arrow.to)
    words = "\\n".join(_text(label.words) for label in arrow.labels)
    known = [label.fact for label in arrow.labels if label.fact is not None]
    told = "; ".join(picture.facts[number - 1].statement for number in known)
    attributes = [f'label="{words}"', f'labeltooltip="{_text(told)}"']
    if upward:
        attributes.append("dir=back")
    if any(label.broken for label in arrow.labels):
        attributes.append('style=dashed, color="#b25b00", fontcolor="#b25b00"')
    return f"{_quoted(upper)} -> {_quoted(lower)} [{', '.join(attributes)}];"


def _facts(picture: StackGraph) -> Iterator[str]:
    for number, fact in enumerate(picture.facts, start=1):
        sources = "; ".join(f"{s.title}, read {s.read.isoformat()}" for s in fact.sources)
        told = (
            f"{sanitize(fact.statement)} ({sanitize(sources)})"
            if sources
            else sanitize(fact.statement)
        )
        yield from textwrap.wrap(
            told, _FACT_WIDTH, initial_indent=f"{number:>3}  ", subsequent_indent="     "
        )


def _quoted(name: str) -> str:
    """An identifier: between quotes only a quote must be escaped, and nothing else can be."""
    return '"' + sanitize(name).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(words: str) -> str:
    """Words in a label: its backslashes would be commands, its ampersands begin entities."""
    escaped = sanitize(words).replace("\\", "\\\\").replace('"', '\\"')
    return escaped.replace("&", "&amp;")
