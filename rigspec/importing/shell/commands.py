"""Simple commands of a shell script, with the position of every word and their conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import tree_sitter
import tree_sitter_bash

__all__ = [
    "SHELLS",
    "Command",
    "ShellTest",
    "Word",
    "find_commands",
    "is_script_option",
    "strip_prefixes",
]

_QUOTES = ("string", "raw_string")
_BRANCHES = ("if_statement", "elif_clause")
_PREFIXES = frozenset(["sudo", "exec", "time", "env", "command", "nohup"])
_PREFIX_VALUES = frozenset(["-u", "-g", "--user", "--group"])
_ASSIGNMENT = re.compile(r"\w+=")
SHELLS = frozenset(["bash", "sh", "dash", "zsh"])
# Programs that run a shell as another user.
_USER_SHELLS = frozenset(["su", "runuser"])
# The option of a shell before its script, alone or with others: `-c`, `-lc`, `-exc`.
_SCRIPT_OPTION = re.compile(r"-[a-z]*c|--command")


@dataclass(frozen=True)
class Word:
    """A word of a command: its text without quotes, and its offsets in characters.

    ``is_literal`` is false if the shell expands a part of it. ``is_quoted`` is false if it splits
    the result into words.
    """

    text: str
    start: int
    end: int
    is_literal: bool
    is_quoted: bool = False


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
    """Yield each simple command, in order; after a shell, the commands of its script."""
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
            command = Command(tuple(_words(node, data, offsets)), conditions)
            yield command
            yield from _find_inner_commands(command, script)
        children = _condition_children(node, data)
        stack += reversed([(child, (*conditions, *own)) for child, own in children])


def _find_inner_commands(command: Command, script: str) -> Iterator[Command]:
    """Yield the commands of a script in quotes: ``bash -c "…"``, ``eval "…"``."""
    words = command.words
    word = _find_script(words)
    if word is None or script[word.start] not in "\"'" or script[word.end - 1] not in "\"'":
        return
    start = word.start + 1
    for inner in find_commands(script[start : word.end - 1]):
        moved = (replace(w, start=w.start + start, end=w.end + start) for w in inner.words)
        yield Command(tuple(moved), (*command.conditions, *inner.conditions))


def _find_script(words: tuple[Word, ...]) -> Word | None:
    """Return the word that a shell reads as a script."""
    program, *rest = strip_prefixes(words) or (None,)
    name = program.text.rpartition("/")[2] if program is not None else ""
    if name == "eval":
        return rest[0] if len(rest) == 1 else None
    if name not in SHELLS | _USER_SHELLS:
        return None
    return next(
        (script for option, script in pairwise(rest) if is_script_option(option.text)), None
    )


def is_script_option(text: str) -> bool:
    """Return whether a shell reads the next word as a script: ``-c``, ``-lc``."""
    return _SCRIPT_OPTION.fullmatch(text) is not None


def strip_prefixes(words: Sequence[Word]) -> Sequence[Word]:
    """Return the words without programs that run another one: ``sudo``, ``env A=b``."""
    while words and words[0].text in _PREFIXES:
        words = words[1:]
        while words and (words[0].text.startswith("-") or _ASSIGNMENT.match(words[0].text)):
            words = words[2 if words[0].text in _PREFIX_VALUES else 1 :]
    return words


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
        is_quoted = node.type in _QUOTES
        if is_quoted:
            text = text[1:-1]
        elif node.type == "concatenation":
            is_quoted = '"' in text
            text = text.replace('"', "").replace("'", "")
        text = text.replace("\\\n", "")
        yield Word(text, offsets[node.start_byte], offsets[node.end_byte], is_literal, is_quoted)


def _character_offsets(text: str) -> list[int]:
    """Return the character offset of each byte offset."""
    offsets: list[int] = []
    for number, character in enumerate(text):
        offsets.extend([number] * len(character.encode()))
    return [*offsets, len(text)]
