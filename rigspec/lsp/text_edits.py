"""Write the edits of a repair into the text of a file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rigspec.diagnostics.model import Edit
from rigspec.resolve.conflicts.report import format_key_path
from rigspec.spec.toml.document import BrokenDocument, Document, KeyPath, read_document

__all__ = ["TextChange", "apply_changes", "build_changes"]

# An edit of a file that was imported: `requirements.txt:3 (torch)`.
_PLACE = re.compile(r"(?s)(.+):(\d+)(?: \(.*\))?")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class TextChange:
    """The text between two offsets of a file is replaced."""

    file: str
    start: int
    end: int
    text: str


def build_changes(
    edits: Iterable[Edit], document: Document | None, texts: dict[str, str]
) -> tuple[TextChange, ...] | None:
    """Return the changes of all edits; None if one of them has no single place in a text.

    Args:
        edits: the edits of one repair.
        document: the spec, or None for a file that was imported.
        texts: the content of each file.
    """
    changes: list[TextChange] = []
    for edit in edits:
        change = _change_file(edit, texts)
        if change is None and document is not None:
            change = _change_spec(edit, document)
        if change is None:
            return None
        changes.append(change)
    if document is not None and not _is_valid(changes, document):
        return None
    return tuple(changes)


def apply_changes(text: str, changes: Iterable[TextChange]) -> str:
    """Return the text with the changes."""
    for change in sorted(changes, key=lambda c: (c.start, c.end), reverse=True):
        text = text[: change.start] + change.text + text[change.end :]
    return text


def _is_valid(changes: list[TextChange], document: Document) -> bool:
    own = [change for change in changes if change.file == document.file]
    try:
        read_document(document.file, apply_changes(document.text, own))
    except BrokenDocument:
        return False
    return True


def _change_file(edit: Edit, texts: dict[str, str]) -> TextChange | None:
    match = _PLACE.fullmatch(edit.key)
    if match is None or match[1] not in texts or not edit.before or edit.after is None:
        return None
    text, number = texts[match[1]], int(match[2])
    lines = text.split("\n")
    if number > len(lines) or lines[number - 1].count(edit.before) != 1:
        return None
    start = sum(len(line) + 1 for line in lines[: number - 1]) + lines[number - 1].index(
        edit.before
    )
    return TextChange(match[1], start, start + len(edit.before), edit.after)


def _change_spec(edit: Edit, document: Document) -> TextChange | None:
    path = next((p for p in document.positions if format_key_path(p) == edit.key), None)
    if path is not None and edit.after is not None:
        return _replace_value(path, edit.after, document)
    if path is None and edit.after is not None:
        return _add_key(edit.key, edit.after, document)
    return None if path is None else _remove_key(path, document)


def _replace_value(path: KeyPath, value: str, document: Document) -> TextChange | None:
    source = document.source(path)
    if source is None:
        return None
    position = document.positions[path].value
    start, end = (_offset(document.text, point) for point in position)
    return TextChange(document.file, start, end, _quote(value, like=source))


def _add_key(key: str, value: str, document: Document) -> TextChange | None:
    """Return the insertion of a key into the table of its longest known prefix."""
    for path in sorted(document.positions, key=len, reverse=True):
        prefix = f"{format_key_path(path)}."
        name = key.removeprefix(prefix)
        if name == key or not _BARE_KEY.fullmatch(name):
            continue
        position = document.positions[path].value
        start, end = (_offset(document.text, point) for point in position)
        line_end = _line_end(document.text, end)
        if document.text[start] == "{":
            is_empty = document.text[start + 1 : end - 1].strip() == ""
            text = f" {name} = {_quote(value)}" + (" " if is_empty else ",")
            return TextChange(document.file, start + 1, start + 1, text)
        if _is_header_of(path, document.text, start):
            text = f"\n{name} = {_quote(value)}"
            return TextChange(document.file, line_end, line_end, text)
    return None


def _is_header_of(path: KeyPath, text: str, start: int) -> bool:
    """Return whether the line is the header of exactly this table."""
    line = text[text.rfind("\n", 0, start) + 1 : _line_end(text, start)].strip()
    names = [str(part) for part in path if isinstance(part, str)]
    header = re.fullmatch(r"\[{1,2}\s*(\S(?:.*?\S)??)\s*\]{1,2}\s*(?:#.*)?", line)
    if header is None:
        return False
    written = [part.strip().strip("\"'") for part in header[1].split(".")]
    return written == names


def _remove_key(path: KeyPath, document: Document) -> TextChange | None:
    """Return the removal of the line of a key; None if the line has other keys, too."""
    position = document.positions[path]
    if position.key is None:
        return None
    start = _offset(document.text, position.key[0])
    end = _offset(document.text, position.value[1])
    line_start = document.text.rfind("\n", 0, start) + 1
    line_end = _line_end(document.text, end)
    after = document.text[end:line_end].strip()
    if document.text[line_start:start].strip() or (after and not after.startswith("#")):
        return None
    stop = min(line_end + 1, len(document.text))
    return TextChange(document.file, line_start, stop, "")


def _offset(text: str, point: tuple[int, int]) -> int:
    line, column = point
    start = 0
    for _ in range(line - 1):
        start = text.index("\n", start) + 1
    return start + column - 1


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end


def _quote(value: str, like: str = "") -> str:
    """Return a TOML string, with the quotes of another one if possible."""
    if like.startswith("'") and not like.startswith("'''") and "'" not in value:
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
