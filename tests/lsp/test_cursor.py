"""The place of the cursor in a text that is being written."""

from __future__ import annotations

import pytest

from rigspec.lsp.cursor import CursorKind, find_cursor
from rigspec.spec.toml.document import KeyPath

KEY, VALUE, HEADER = CursorKind.KEY, CursorKind.VALUE, CursorKind.HEADER
# Text with a bar at the cursor -> kind, path, prefix.
PLACES: dict[str, tuple[CursorKind, KeyPath, str]] = {
    "na|": (KEY, (), "na"),
    "name = |": (VALUE, ("name",), ""),
    'name = "b|': (VALUE, ("name",), "b"),
    'name = "b|" # end': (VALUE, ("name",), "b"),
    "[cu|": (HEADER, (), "cu"),
    "[env.lab.fr|": (HEADER, ("env", "lab"), "fr"),
    "[cuda]\n|": (KEY, ("cuda",), ""),
    "[cuda] # CUDA\nto|\ncudnn = 7": (KEY, ("cuda",), "to"),
    "[cuda]\ntoolkit = 9\n|": (KEY, ("cuda",), ""),
    "machine.tower.o|": (KEY, ("machine", "tower"), "o"),
    'machine.tower.os = "u|': (VALUE, ("machine", "tower", "os"), "u"),
    '[machine.a]\ngpus = ["x", "y|': (VALUE, ("machine", "a", "gpus", 1), "y"),
    '[machine.a]\ngpus = [\n  { model = "x" },\n  { model = "y|': (
        VALUE,
        ("machine", "a", "gpus", 1, "model"),
        "y",
    ),
    '[machine.a]\ngpus = [{ model = "x", co|': (KEY, ("machine", "a", "gpus", 0), "co"),
    '[machine.a]\ngpus = [{ model = "x" }]\nd|': (KEY, ("machine", "a"), "d"),
    '[env."a.b"]\npy|': (KEY, ("env", "a.b"), "py"),
    "[[machine.a.storage]]\nki|": (KEY, ("machine", "a", "storage", 0), "ki"),
    '[env.a]\nframeworks = { torch = "2" }\npython = \'3|': (VALUE, ("env", "a", "python"), "3"),
    'summary = """\n[cuda]\n"""\nna|': (KEY, (), "na"),
}


@pytest.mark.parametrize("text", PLACES)
def test_cursor_in_unfinished_text_has_path_and_prefix(text: str) -> None:
    offset = text.index("|")
    cursor = find_cursor(text.replace("|", ""), offset)
    assert cursor is not None
    assert (cursor.kind, cursor.path, cursor.prefix) == PLACES[text]
    assert text[cursor.start : offset] == cursor.prefix


@pytest.mark.parametrize("text", ["# os|", 'name = "b" # c|', 'summary = """\nos|'])
def test_cursor_in_comment_or_long_string_has_no_place(text: str) -> None:
    assert find_cursor(text.replace("|", ""), text.index("|")) is None
