"""Simple commands of a shell script, with the position of every word and their conditions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter
import tree_sitter_bash

__all__ = ["Command", "ShellTest", "Word", "find_commands"]

_QUOTES = ("string", "raw_string")
_BRANCHES = ("if_statement", "elif_clause")


@dataclass(frozen=True)
class Word:
    """A word of a command: its text without quotes, and its offsets in characters.

    ``is_literal`` is false if the shell expands a part of it.
    """

    text: str
    start: int
    end: int
    is_literal: bool


@dataclass(frozen=True)
class ShellTest:
    """The text of a test, and whether it must hold."""

    text: str
    holds: bool


@dataclass(frozen=True)
class Command:
    """The words of a simple command, and the conditions under which it runs."""

    words: tuple[Word, ...]
    conditions: tuple[ShellTest, ...] = ()


def find_commands(script: str) -> Iterator[Command]:
    """Yield each simple command, in order."""
    data = script.encode()
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))
    # Offsets of tree-sitter count bytes.
    offsets = _character_offsets(script)
    # A loop and not a recursion: a script can be nested deeper than Python's stack.
    stack: list[tuple[tree_sitter.Node, tuple[ShellTest, ...]]] = [
        (parser.parse(data).root_node, ())
    ]
    while stack:
        node, conditions = stack.pop()
        if node.type == "command":
            yield Command(tuple(_words(node, data, offsets)), conditions)
        children = _condition_children(node, data)
        stack += reversed([(child, (*conditions, *own)) for child, own in children])


def _condition_children(
    node: tree_sitter.Node, data: bytes
) -> Iterator[tuple[tree_sitter.Node, tuple[ShellTest, ...]]]:
    """Yield the parts of a node with the conditions that the node itself sets for them."""
    children = node.children
    if node.type == "list" and len(children) > 1 and children[0].type == "test_command":
        test = ShellTest(_text(children[0], data), children[1].type == "&&")
        yield from ((child, (test,) if child is children[-1] else ()) for child in children)
        return
    is_branch = node.type in _BRANCHES and len(children) > 1
    text = _text(children[1], data) if is_branch else ""
    inside = False
    for child in children:
        inside = inside or child.type == "then"
        if not is_branch or not inside:
            yield child, ()
        else:
            holds = child.type not in ("elif_clause", "else_clause")
            yield child, (ShellTest(text, holds),)


def _text(node: tree_sitter.Node, data: bytes) -> str:
    return data[node.start_byte : node.end_byte].decode(errors="replace")


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
        text = _text(node, data)
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
