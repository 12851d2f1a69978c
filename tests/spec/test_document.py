"""Positions in a TOML file: the text at a span is the source of the value."""

from __future__ import annotations

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from rigspec.diagnostics.model import Span
from rigspec.spec.toml.document import BrokenDocument, read_document

SCALARS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=12),
    st.integers(-(2**40), 2**40),
    st.booleans(),
)
KEYS = st.text("abcdefgh-_", min_size=1, max_size=6)


def format_toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


def text_at(text: str, span: Span) -> str:
    line = text.split("\n")[span.line - 1]
    return line[span.column - 1 : span.end_column - 1]


@given(st.dictionaries(KEYS, st.one_of(SCALARS, st.lists(SCALARS, max_size=3)), min_size=1))
def test_span_text_parses_to_the_value(table: dict[str, object]) -> None:
    lines = ["# ünïcode before", "[t]"]
    for key, value in table.items():
        if isinstance(value, list):
            lines.append(f"{key} = [{', '.join(map(format_toml, value))}]")
        else:
            lines.append(f"{key} = {format_toml(value)}")
    text = "\n".join(lines) + "\n"

    document = read_document("rig.toml", text)

    assert document.value == tomli.loads(text)
    for key, value in table.items():
        assert tomli.loads(f"x = {text_at(text, document.span(('t', key)))}")["x"] == value
        assert text_at(text, document.span(("t", key), of="key")) == key
        if isinstance(value, list):
            for index, item in enumerate(value):
                span = document.span(("t", key, index))
                assert tomli.loads(f"x = {text_at(text, span)}")["x"] == item


def test_span_of_missing_path_is_nearest_ancestor() -> None:
    document = read_document("rig.toml", "[cuda]\ntoolkit = '9.0'\n")
    assert document.span(("cuda", "cudnn", "version")).line == 1


@given(st.text(max_size=80))
def test_read_document_of_any_text_raises_only_broken_document(text: str) -> None:
    try:
        document = read_document("rig.toml", text)
    except BrokenDocument as error:
        document = error.document
    assert isinstance(document.value, dict)


def test_read_document_reports_all_errors() -> None:
    with pytest.raises(BrokenDocument) as broken:
        read_document("rig.toml", 'a = 1\na = 2\n[b]\nx = \n[b]\ny = "\n')
    assert [d.spans[0].line for d in broken.value.diagnostics] == [2, 4, 5, 6]
