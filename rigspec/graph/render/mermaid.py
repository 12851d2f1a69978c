"""A picture as a Mermaid flowchart, for Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.sanitize import sanitize
from rigspec.graph.model import Edge, Label, Node, StackGraph

__all__ = ["as_mermaid"]

# All else is written by its number: in words Mermaid reads Markdown, HTML, icons and formulas.
_PLAIN = frozenset(" .,()[]_+=/-\N{MULTIPLICATION SIGN}\N{EN DASH}")


def as_mermaid(picture: StackGraph) -> str:
    """The picture as a flowchart; its numbered facts are comments at its end."""
    lines = [f"%% {sanitize(picture.title)}: {sanitize(picture.subtitle)}".rstrip(), "flowchart TB"]
    names = {box.id: f"n{index}" for index, box in enumerate(picture.boxes, start=1)}
    groups = dict.fromkeys(box.group for box in picture.boxes)
    for index, group in enumerate(groups, start=1):
        mine = [_node(names[box.id], box) for box in picture.boxes if box.group == group]
        if group is None:
            lines += [f"  {node}" for node in mine]
        else:
            title = _text(f"environment {group}")
            lines += [f'  subgraph g{index}["{title}"]', *(f"    {n}" for n in mine), "  end"]
    lines += [f"  {_link(arrow, names)}" for arrow in picture.arrows]
    lines += [f"%% {line}" for line in _facts(picture)]
    return "\n".join(lines) + "\n"


def _node(name: str, box: Node) -> str:
    lines = (box.title, *(note.words for note in box.notes))
    return f'{name}["{"<br/>".join(_text(line) for line in lines)}"]'


def _link(arrow: Edge, names: dict[str, str]) -> str:
    words = "<br/>".join(_text(label.words) for label in arrow.labels)
    line = "-.->" if any(label.broken for label in arrow.labels) else "-->"
    return f'{names[arrow.of]} {line}|"{words}"| {names[arrow.to]}'


def _facts(picture: StackGraph) -> Iterator[str]:
    for number, fact in enumerate(picture.facts, start=1):
        yield f"{Label('', number).words.strip()} {sanitize(fact.statement)}"
        for source in fact.sources:
            yield f"    {sanitize(source.title)}, read {source.read.isoformat()} <{source.url}>"


def _text(words: str) -> str:
    """Words between quotes, in which nothing is read as anything else."""
    return "".join(
        letter if letter.isalnum() or letter in _PLAIN else f"#{ord(letter)};"
        for letter in sanitize(words)
    )
