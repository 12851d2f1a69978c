"""Documents name files that exist and list every command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rigspec.cli.app import COMMANDS
from rigspec.cli.matrix import COMMANDS as MATRIX_COMMANDS
from tests.conftest import ROOT
from tests.style.rules import documents

FOLDERS = r"(?:rigspec|tests|backends|docs|scripts|specs|lockfiles|examples|benchmarks|\.github)"
PATH = re.compile(rf"(?<![\w/.-]){FOLDERS}/[\w./*-]*")
LINK = re.compile(r"\]\(([^)\s]+)\)")
# Placeholders of walk-throughs, and files that a command of the reader creates.
PLACEHOLDER = re.compile(r"NAME|PRODUCT|RSnnn|CODE")


def _paths(text: str) -> Iterator[str]:
    """Yield the paths of the repository in the back-quoted parts of a document."""
    for quoted in re.findall(r"`([^`\n]+)`", text):
        for path in PATH.findall(quoted):
            if not PLACEHOLDER.search(path):
                yield path.rstrip(".")


def _links(text: str) -> Iterator[str]:
    """Yield the targets of relative links without their fragment."""
    for target in LINK.findall(text):
        if not re.match(r"[a-z]+:|#", target):
            yield target.partition("#")[0]


@pytest.mark.parametrize("file", list(documents()), ids=lambda file: str(file.relative_to(ROOT)))
def test_document_names_files_that_exist(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    missing = [
        path
        for path in _paths(text)
        if not any(list(folder.glob(path)) for folder in (ROOT, file.parent))
    ]
    missing += [target for target in _links(text) if not (file.parent / target).exists()]
    assert not missing


def test_command_reference_lists_every_command() -> None:
    text = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `rigspec ((?:matrix )?[a-z]+)", text, re.MULTILINE)
    names = [name for name in COMMANDS if name != "matrix"]
    names += [f"matrix {name}" for name in MATRIX_COMMANDS]
    assert sorted(listed) == sorted(names)
