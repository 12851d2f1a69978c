"""Edits of repairs change the text of a spec and nothing else in it."""

from __future__ import annotations

import pytest

from rigspec.diagnostics.model import Edit
from rigspec.lsp.positions import TextPositions
from rigspec.lsp.text_edits import apply_changes, build_changes
from rigspec.spec.toml.document import read_document

# Key, old and new value; text before and after.
CASES = {
    "value": (Edit("cuda.toolkit", "9.0", "10.0"), '[cuda]\ntoolkit = "9.0" # é\n', '"10.0" # é\n'),
    "number": (Edit("env.a.python", "3.6", "3.8"), "[env.a]\npython = 3.6\n", 'python = "3.8"\n'),
    "literal string": (Edit("cuda.toolkit", "9", "10"), "[cuda]\ntoolkit = '9'\n", "= '10'\n"),
    "item of an array": (
        Edit("machine.a.gpus[1].model", "x", "y"),
        '[machine.a]\ngpus = ["z", { model = "x" }]\n',
        '["z", { model = "y" }]\n',
    ),
    "new key of a table": (
        Edit("cuda.toolkit", None, "10.0"),
        '[cuda]\ncudnn = "7"\n',
        '[cuda]\ntoolkit = "10.0"\ncudnn = "7"\n',
    ),
    "new key of an inline table": (
        Edit("cuda.toolkit", None, "10.0"),
        'cuda = { cudnn = "7" }\n',
        'cuda = { toolkit = "10.0", cudnn = "7" }\n',
    ),
    "removed key": (
        Edit("cuda.cudnn", "7", None),
        '[cuda]\ntoolkit = "9"\ncudnn = "7" # old\n[env.a]\n',
        '[cuda]\ntoolkit = "9"\n[env.a]\n',
    ),
    "table of version and build": (
        Edit("env.a.frameworks.torch", "+cu118 2.0", "+cu121 2.2"),
        '[env.a.frameworks]\ntorch = { version = "2.0", build = "cu118" }\n',
        'torch = "+cu121 2.2"\n',
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_edit_changes_only_its_key(name: str) -> None:
    edit, before, after = CASES[name]
    changes = build_changes([edit], read_document("rig.toml", before), {"rig.toml": before})
    assert changes is not None
    assert apply_changes(before, changes).endswith(after)


def test_edit_of_requirement_changes_its_line() -> None:
    text = "numpy\ntorch==2.4.0 # torch\n"
    edit = Edit("requirements.txt:2 (torch)", "torch==2.4.0", "torch==2.5.1")
    changes = build_changes([edit], None, {"requirements.txt": text})
    assert changes is not None
    assert apply_changes(text, changes) == "numpy\ntorch==2.5.1 # torch\n"


@pytest.mark.parametrize(
    "edit",
    [
        Edit("requirements.txt:1 (torch)", "torch==2.4.0", "torch==2.5.1"),
        Edit("requirements.txt:9 (torch)", "torch==2.4.0", "torch==2.5.1"),
        Edit("machine.host.os", None, "ubuntu 24.04"),
    ],
    ids=str,
)
def test_edit_without_single_place_gives_no_changes(edit: Edit) -> None:
    assert build_changes([edit], None, {"requirements.txt": "torch>=2 # torch==2.4\n"}) is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_positions_of_every_offset_are_reversible(encoding: str) -> None:
    text = "a😀b\n\nGröße = '日本'\n"
    positions = TextPositions(text, encoding)
    for offset in range(len(text) + 1):
        assert positions.offset_of(positions.range_of(offset, offset).start) == offset


def test_position_after_emoji_counts_units_of_the_encoding() -> None:
    columns = {
        encoding: TextPositions("😀x", encoding).range_of(1, 1).start.character
        for encoding in ("utf-8", "utf-16", "utf-32")
    }
    assert columns == {"utf-8": 4, "utf-16": 2, "utf-32": 1}
