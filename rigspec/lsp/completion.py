"""Complete keys, names and versions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lsprotocol.types import (
    CompletionItem,
    CompletionItemKind,
    CompletionItemTag,
    CompletionList,
    MarkupContent,
    MarkupKind,
    Position,
    TextEdit,
)

from rigspec.lsp.analysis import FileKind
from rigspec.lsp.catalog import (
    CompletionChoice,
    list_builds,
    list_diagnostic_codes,
    list_frameworks,
    list_images,
    list_packages,
    list_parts,
    list_versions,
    load_product_of_package,
)
from rigspec.lsp.cursor import Cursor, CursorKind, find_cursor
from rigspec.lsp.positions import TextPositions
from rigspec.spec.json_schema import describe_key, list_known_keys
from rigspec.spec.toml.document import BrokenDocument, KeyPath, read_document

__all__ = ["complete"]

# A requirement that is being written: `torch==`, `- pytorch=2.`, `"vllm>=0.6`.
_REQUIREMENT = re.compile(
    r"(?<![A-Za-z0-9._-])(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\[\]]*\])?\s*(?P<operator>[=<>~!]=?=?)\s*"
    r"(?P<version>[\w.+*]*)$"
)
_FROM = re.compile(r"(?i)^\s*FROM\s+(?:--\S+\s+)?(?P<image>\S*)$")
# Packages of conda with another name.
_CONDA_NAMES = {"pytorch": "torch", "cudatoolkit": "cuda", "cuda-toolkit": "cuda"}

# Keys whose values are versions or names of a product of the matrix.
_PARTS = {
    ("machine", "*", "os"): "os",
    ("machine", "*", "instance"): "instance",
    ("machine", "*", "cpu"): "cpu",
    ("machine", "*", "cpu", "model"): "cpu",
    ("machine", "*", "gpus", "*"): "gpu",
    ("machine", "*", "gpus", "*", "model"): "gpu",
    ("machine", "*", "psu", "efficiency"): "psu",
    ("env", "*", "interpreter", "installer"): "installer",
}
_VERSIONS = {
    ("machine", "*", "driver"): "driver",
    ("machine", "*", "driver", "version"): "driver",
    ("machine", "*", "docker"): "docker",
    ("machine", "*", "docker", "version"): "docker",
    ("cuda", "toolkit"): "cuda",
    ("cuda", "cudnn"): "cudnn",
    ("cuda", "cudnn", "version"): "cudnn",
    ("cuda", "cudnn", "built_for"): "cuda",
    ("env", "*", "python"): "python",
    ("env", "*", "pip"): "pip",
}
# Keys whose values are names of tables of the spec.
_NAMES = {
    ("env", "*", "machines", "*"): "machine",
    ("machine", "*", "against"): "machine",
    ("service", "*", "machines", "*"): "machine",
    ("service", "*", "*", "machines", "*"): "machine",
    ("service", "jupyter", "env"): "env",
    ("service", "jupyter", "kernels"): "env",
    ("service", "program", "*", "env"): "env",
    ("service", "program", "*", "user"): "user",
    ("service", "tmux", "*", "env"): "env",
    ("service", "tmux", "*", "windows", "*", "env"): "env",
    ("user", "*", "envs", "*"): "env",
}
_BY_TABLE: dict[str, Callable[[], tuple[CompletionChoice, ...]]] = {
    "frameworks": list_frameworks,
    "packages": list_packages,
}


def complete(kind: FileKind, positions: TextPositions, position: Position) -> CompletionList:
    """Return what can be written at a position."""
    offset = positions.offset_of(position)
    items: Iterable[CompletionItem] = ()
    if kind is FileKind.SOURCE:
        items = _complete_source(positions, offset)
    else:
        cursor = find_cursor(positions.text, offset)
        if cursor is not None:
            items = _complete_spec(cursor, positions, offset)
    return CompletionList(is_incomplete=False, items=list(items))


def _complete_spec(
    cursor: Cursor, positions: TextPositions, offset: int
) -> Iterator[CompletionItem]:
    if cursor.kind is CursorKind.VALUE:
        choices = _list_values(cursor, positions.text)
        return _build_values(choices, cursor, positions, offset)
    existing = _list_existing(positions.text, cursor.path)
    return _build_keys(cursor, existing, positions, offset)


# --- keys ----------------------------------------------------------------------------------------


def _build_keys(
    cursor: Cursor, existing: frozenset[str], positions: TextPositions, offset: int
) -> Iterator[CompletionItem]:
    is_header = cursor.kind is CursorKind.HEADER
    replaced = positions.range_of(cursor.start, offset)
    for name in list_known_keys(cursor.path):
        key = describe_key((*cursor.path, name))
        if key is None or (is_header and not key.is_table) or (not is_header and name in existing):
            continue
        item = CompletionItem(
            name,
            kind=CompletionItemKind.Module if key.is_only_table else CompletionItemKind.Property,
            detail=_format_default(key.default),
            documentation=MarkupContent(MarkupKind.Markdown, key.description),
            text_edit=TextEdit(replaced, name if is_header or key.is_only_table else f"{name} = "),
        )
        yield item
    if cursor.path and cursor.path[-1] in _BY_TABLE and not is_header:
        for number, choice in enumerate(_BY_TABLE[str(cursor.path[-1])]()):
            if choice.value not in existing:
                edit = TextEdit(replaced, f"{choice.value} = ")
                yield _build_item(choice, CompletionItemKind.Module, edit, number)


def _format_default(default: Any) -> str | None:
    if default in (None, "", [], {}) or isinstance(default, dict | list):
        return None
    return f"default: {str(default).lower() if isinstance(default, bool) else default}"


def _list_existing(text: str, path: KeyPath) -> frozenset[str]:
    """Return the keys that a table has already."""
    try:
        positions = read_document("", text).positions
    except BrokenDocument as error:
        positions = error.document.positions
    size = len(path)
    return frozenset(str(p[size]) for p in positions if len(p) > size and p[:size] == path)


# --- values --------------------------------------------------------------------------------------


def _list_values(cursor: Cursor, text: str) -> Iterable[CompletionChoice]:
    key = describe_key(cursor.path)
    fixed = [] if key is None else [CompletionChoice(_write(value)) for value in key.values]
    tables = [table for pattern, table in _NAMES.items() if _matches(cursor.path, pattern)]
    names = (name for table in tables[:1] for name in sorted(_list_existing(text, (table,))))
    return (*fixed, *map(CompletionChoice, names), *_list_known_values(cursor))


def _list_known_values(cursor: Cursor) -> Iterable[CompletionChoice]:
    path = cursor.path
    if path[-3:-2] in (("frameworks",), ("packages",)):
        return _list_versions_of_package(str(path[-2]), is_build=path[-1] == "build")
    if path[-2:-1] in (("frameworks",), ("packages",)):
        is_build = cursor.prefix.startswith("+") and " " not in cursor.prefix
        choices = _list_versions_of_package(str(path[-1]), is_build=is_build)
        return (CompletionChoice(f"+{c.value}", c.remark) for c in choices) if is_build else choices
    if path[:2] == ("check", "ignore"):
        return list_diagnostic_codes()
    if path == ("container", "base"):
        return list_images(cursor.prefix)
    for pattern, product in _PARTS.items():
        if _matches(path, pattern):
            return list_parts(product)
    for pattern, product in _VERSIONS.items():
        if _matches(path, pattern):
            return list_versions(product)
    return ()


def _list_versions_of_package(package: str, *, is_build: bool) -> tuple[CompletionChoice, ...]:
    found = load_product_of_package(package)
    if found is None:
        return ()
    product, family = found
    return list_builds(product.name) if is_build else list_versions(product.name, family)


def _matches(path: KeyPath, pattern: tuple[str, ...]) -> bool:
    return len(path) == len(pattern) and all(
        expected in ("*", part) for part, expected in zip(path, pattern, strict=True)
    )


def _build_values(
    choices: Iterable[CompletionChoice], cursor: Cursor, positions: TextPositions, offset: int
) -> Iterator[CompletionItem]:
    """Yield the values; operators and the words before the last one stay."""
    kept = re.match(r"(?:.*,)?\s*(?:[=<>~!]=?=?|\+\S+ )?\s*", cursor.prefix)
    is_version = _is_version(cursor)
    start = cursor.start + (kept.end() if kept is not None and is_version else 0)
    replaced = positions.range_of(start, offset)
    for number, choice in enumerate(choices):
        is_word = choice.value in ("true", "false") or (choice.value.isdigit() and not is_version)
        text = choice.value if cursor.quote or is_word else f'"{choice.value}"'
        edit = TextEdit(replaced, text)
        yield _build_item(choice, CompletionItemKind.Value, edit, number)


def _is_version(cursor: Cursor) -> bool:
    tables = {"frameworks", "packages"}
    return bool(tables & set(cursor.path)) or any(_matches(cursor.path, p) for p in _VERSIONS)


def _build_item(
    choice: CompletionChoice, kind: CompletionItemKind, edit: TextEdit, number: int
) -> CompletionItem:
    # Without a clock (docs/decisions/0003-no-clock.md) an end of life may be in the future.
    unavailable = choice.remark.endswith(("withdrawn", "deleted", "yanked"))
    return CompletionItem(
        choice.value,
        kind=kind,
        detail=choice.remark or None,
        tags=[CompletionItemTag.Deprecated] if unavailable else None,
        sort_text=f"{number:05}",
        filter_text=edit.new_text,
        text_edit=edit,
    )


def _write(value: str | bool | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# --- files of other programs ---------------------------------------------------------------------


def _complete_source(positions: TextPositions, offset: int) -> Iterator[CompletionItem]:
    text = positions.text
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    image = _FROM.match(line)
    if image is not None:
        choices: Iterable[CompletionChoice] = list_images(image["image"])
        start = offset - len(image["image"])
    else:
        requirement = _REQUIREMENT.search(line)
        if requirement is None or line.lstrip().startswith("#"):
            return
        choices = _list_versions_of_requirement(requirement["name"])
        start = offset - len(requirement["version"])
    replaced = positions.range_of(start, offset)
    for number, choice in enumerate(choices):
        edit = TextEdit(replaced, choice.value)
        yield _build_item(choice, CompletionItemKind.Value, edit, number)


def _list_versions_of_requirement(name: str) -> tuple[CompletionChoice, ...]:
    name = _CONDA_NAMES.get(name, name)
    if name in ("python", "cuda", "cudnn", "pip"):
        return list_versions(name)
    return _list_versions_of_package(name, is_build=False)
