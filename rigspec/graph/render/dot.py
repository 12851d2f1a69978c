"""Render a graph as DOT for Graphviz."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rigspec.diagnostics.sanitize import sanitize
from rigspec.graph.model import LAYERS, Edge, Node, StackGraph

__all__ = ["render_dot"]

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


def render_dot(graph: StackGraph) -> str:
    """Return a directed graph with its numbered facts below."""
    facts = "".join(f"{_escape_text(line)}\\l" for line in _iterate_facts(graph))
    heading = f"{_escape_text(graph.title)}: {_escape_text(graph.subtitle)}\\l\\l"
    lines = [
        f"digraph {_quote(graph.title)} {{",
        f'  graph [rankdir=TB, fontname="{_FONT}", fontsize=10, labelloc=b, labeljust=l, '
        f'nodesep=0.3, ranksep=0.45, label="{heading}{facts}"];',
        f'  node [shape=box, style="rounded,filled", fontname="{_FONT}", fontsize=11];',
        f'  edge [fontname="{_FONT}", fontsize=9, color="#66758a"];',
    ]
    groups = dict.fromkeys(node.group for node in graph.nodes)
    for group in groups:
        members = [node for node in graph.nodes if node.group == group]
        if group is None:
            lines += [f"  {_format_node(node)}" for node in members]
        else:
            lines += [
                f"  subgraph {_quote(f'cluster_{group}')} {{",
                f'    label="{_escape_text(f"environment {group}")}"; labeljust=l; '
                'color="#8fa3bd";',
                *(f"    {_format_node(node)}" for node in members),
                "  }",
            ]
    bottom = [_quote(node.id) for node in graph.nodes if node.layer == LAYERS[-1]]
    if bottom:
        lines.append(f"  {{ rank=sink; {'; '.join(bottom)} }}")
    rank = {node.id: index for index, node in enumerate(graph.nodes)}
    lines += [
        f"  {_format_edge(edge, rank[edge.source] > rank[edge.target], graph)}"
        for edge in graph.edges
    ]
    return "\n".join((*lines, "}")) + "\n"


def _format_node(node: Node) -> str:
    label = "\\n".join(
        _escape_text(line) for line in (node.title, *(note.numbered_text for note in node.notes))
    )
    fill, edge = _COLORS[node.layer]
    return f'{_quote(node.id)} [label="{label}", fillcolor="{fill}", color="{edge}"];'


def _format_edge(edge: Edge, upward: bool, graph: StackGraph) -> str:
    """Return an edge; an upward edge is reversed, so that the ranks stay in order."""
    upper, lower = (edge.target, edge.source) if upward else (edge.source, edge.target)
    label = "\\n".join(_escape_text(label.numbered_text) for label in edge.labels)
    known = [label.fact for label in edge.labels if label.fact is not None]
    tooltip = "; ".join(graph.facts[number - 1].statement for number in known)
    attributes = [f'label="{label}"', f'labeltooltip="{_escape_text(tooltip)}"']
    if upward:
        attributes.append("dir=back")
    if any(label.broken for label in edge.labels):
        attributes.append('style=dashed, color="#b25b00", fontcolor="#b25b00"')
    return f"{_quote(upper)} -> {_quote(lower)} [{', '.join(attributes)}];"


def _iterate_facts(graph: StackGraph) -> Iterator[str]:
    for number, fact in enumerate(graph.facts, start=1):
        sources = "; ".join(f"{s.title}, read {s.read.isoformat()}" for s in fact.sources)
        text = (
            f"{sanitize(fact.statement)} ({sanitize(sources)})"
            if sources
            else sanitize(fact.statement)
        )
        yield from textwrap.wrap(
            text, _FACT_WIDTH, initial_indent=f"{number:>3}  ", subsequent_indent="     "
        )


def _quote(name: str) -> str:
    """Return a quoted identifier."""
    return '"' + sanitize(name).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escape_text(text: str) -> str:
    """Return text for a label; backslashes and ampersands are special in it."""
    escaped = sanitize(text).replace("\\", "\\\\").replace('"', '\\"')
    return escaped.replace("&", "&amp;")
