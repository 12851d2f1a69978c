"""Every example of README.md and docs/ is run as printed, and its output compared."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli

from tests.conftest import ROOT
from tests.documents import DOCUMENTS, Block, blocks_of, matches, revised

# Fragments in the guides extend this rig.
BASE = """\
rig = 1
name = "docs"

[machine.box]
os = "debian 12"
gpus = [{ model = "RTX 3090" }]

[env.lab]
python = "3.11"
packages = { notebook = "*", matplotlib = "*" }

"""
# Run elsewhere: `doctor` needs an installed machine, installation a built wheel.
ELSEWHERE = {
    "docs/guides/check-a-live-machine.md": "tests/doctor/test_documented_output.py",
    "README.md sh": "tests/test_packaging.py",
}
CONSOLE = [
    document
    for document in DOCUMENTS
    if any(block.language == "console" for block in blocks_of(document))
    and str(document.relative_to(ROOT)) not in ELSEWHERE
]
FRAGMENTS = [
    block
    for document in DOCUMENTS
    for block in blocks_of(document)
    if block.language == "toml" and block.title is None
]


def _name(value: object) -> str:
    return value.place if isinstance(value, Block) else str(Path(str(value)).relative_to(ROOT))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A folder in which the examples find what a checkout has."""
    for folder in ("specs", "lockfiles"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "rigspec"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m rigspec "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return tmp_path


def _run(line: str, folder: Path) -> str:
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize("document", CONSOLE, ids=_name)
def test_console_examples_print_what_is_shown(
    document: Path, workspace: Path, request: pytest.FixtureRequest
) -> None:
    text = document.read_text(encoding="utf-8")
    for block in blocks_of(document):
        if block.title == "rig.toml":
            (workspace / "rig.toml").write_text(block.text, encoding="utf-8")
        if block.language != "console":
            continue
        for command in block.commands():
            output = _run(command.line, workspace)
            if request.config.getoption("--update-golden") and not matches(command.output, output):
                new = revised(command.output, output)
                text = text.replace(f"{command.line}\n{command.output}", f"{command.line}\n{new}")
                document.write_text(text, encoding="utf-8")
                continue
            assert matches(command.output, output), f"{block.place}: {command.line}\n{output}"


@pytest.mark.parametrize("block", FRAGMENTS, ids=_name)
def test_toml_fragments_are_valid(
    block: Block, workspace: Path, rigspec: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    (workspace / "rig.toml").write_text(BASE + block.text, encoding="utf-8")
    done = rigspec("check", "rig.toml", cwd=workspace)
    assert done.returncode == 0, done.stderr


def test_titled_toml_blocks_parse() -> None:
    for document in DOCUMENTS:
        for block in blocks_of(document):
            if block.language == "toml" and block.title is not None:
                tomli.loads(block.text)


def test_every_block_has_a_test() -> None:
    # Those of editors and of CI are tested in tests/lsp and tests/ci.
    known = {"console", "toml", "sh", "lua", "yaml"}
    for document in DOCUMENTS:
        for block in blocks_of(document):
            assert block.language in known, block.place
            if block.language == "sh":
                assert document.name == "README.md", block.place
    for test in ELSEWHERE.values():
        assert (ROOT / test).exists(), test


def test_links_lead_to_files_and_headings() -> None:
    for document in (*DOCUMENTS, ROOT / "CONTRIBUTING.md", ROOT / "STYLE.md", ROOT / "SECURITY.md"):
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?://)([^)]+)\)", text):
            path, _, heading = target.partition("#")
            linked = document.parent / path if path else document
            assert linked.exists(), f"{document.name}: {target}"
            if heading:
                headings = re.findall(
                    r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE
                )
                slugs = {re.sub(r"[^\w-]", "", h.lower().replace(" ", "-")) for h in headings}
                assert heading in slugs, f"{document.name}: {target}"


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
