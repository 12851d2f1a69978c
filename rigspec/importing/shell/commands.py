"""Simple commands of a shell script, with the position of every word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter
import tree_sitter_bash

__all__ = ["Word", "find_commands"]

_QUOTES = ("string", "raw_string")


@dataclass(frozen=True)
class Word:
    """A word of a command: its text without quotes, and its offsets in characters.

    ``is_literal`` is false if the shell expands a part of it.
    """

    text: str
    start: int
    end: int
    is_literal: bool


def find_commands(script: str) -> Iterator[tuple[Word, ...]]:
    """Yield the words of each simple command, in order."""
    data = script.encode()
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))
    # Offsets of tree-sitter count bytes.
    offsets = _character_offsets(script)
    for node in _walk(parser.parse(data).root_node):
        if node.type == "command":
            yield tuple(_words(node, data, offsets))


def _walk(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.children))


def _words(command: tree_sitter.Node, data: bytes, offsets: list[int]) -> Iterator[Word]:
    for child in command.children:
        if child.type in ("variable_assignment", "file_redirect", "herestring_redirect"):
            continue
        node = child.children[0] if child.type == "command_name" and child.children else child
        text = data[node.start_byte : node.end_byte].decode(errors="replace")
        is_literal = not any(n.type.endswith(("expansion", "substitution")) for n in _walk(node))
        if node.type in _QUOTES:
            text = text[1:-1]
        elif node.type == "concatenation":
            text = text.replace('"', "").replace("'", "")
        text = text.replace("\\\n", "")
        yield Word(text, offsets[node.start_byte], offsets[node.end_byte], is_literal)


def _character_offsets(text: str) -> list[int]:
    """Return the character offset of each byte offset."""
    offsets: list[int] = []
    for number, character in enumerate(text):
        offsets.extend([number] * len(character.encode()))
    return [*offsets, len(text)]
