"""Render a graph as a Mermaid flowchart for Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.sanitize import sanitize
from rigspec.graph.model import Edge, Label, Node, StackGraph

__all__ = ["render_mermaid"]

# All other characters are escaped, because Mermaid reads Markdown, HTML, icons and formulas.
_SAFE = frozenset(" .,()[]_+=/-\N{MULTIPLICATION SIGN}\N{EN DASH}")


def render_mermaid(graph: StackGraph) -> str:
    """Return a flowchart; its numbered facts are comments at the end."""
    lines = [f"%% {sanitize(graph.title)}: {sanitize(graph.subtitle)}".rstrip(), "flowchart TB"]
    names = {node.id: f"n{index}" for index, node in enumerate(graph.nodes, start=1)}
    groups = dict.fromkeys(node.group for node in graph.nodes)
    for index, group in enumerate(groups, start=1):
        members = [
            _format_node(names[node.id], node) for node in graph.nodes if node.group == group
        ]
        if group is None:
            lines += [f"  {node}" for node in members]
        else:
            title = _escape_text(f"environment {group}")
            lines += [f'  subgraph g{index}["{title}"]', *(f"    {n}" for n in members), "  end"]
    lines += [f"  {_format_edge(edge, names)}" for edge in graph.edges]
    lines += [f"%% {line}" for line in _iterate_facts(graph)]
    return "\n".join(lines) + "\n"


def _format_node(name: str, node: Node) -> str:
    lines = (node.title, *(note.numbered_text for note in node.notes))
    return f'{name}["{"<br/>".join(_escape_text(line) for line in lines)}"]'


def _format_edge(edge: Edge, names: dict[str, str]) -> str:
    label = "<br/>".join(_escape_text(label.numbered_text) for label in edge.labels)
    line = "-.->" if any(label.broken for label in edge.labels) else "-->"
    return f'{names[edge.source]} {line}|"{label}"| {names[edge.target]}'


def _iterate_facts(graph: StackGraph) -> Iterator[str]:
    for number, fact in enumerate(graph.facts, start=1):
        yield f"{Label('', number).numbered_text.strip()} {sanitize(fact.statement)}"
        for source in fact.sources:
            yield f"    {sanitize(source.title)}, read {source.read.isoformat()} <{source.url}>"


def _escape_text(text: str) -> str:
    """Return text for a quoted label, with special characters escaped."""
    return "".join(
        letter if letter.isalnum() or letter in _SAFE else f"#{ord(letter)};"
        for letter in sanitize(text)
    )
