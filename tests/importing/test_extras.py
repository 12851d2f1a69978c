"""Extras of packages in imported files, and optional dependencies of projects."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.importing.model import SourceText
from rigspec.importing.registry import read_files
from rigspec.importing.spec_writer import write_rig
from tests.importing.readings import packages, reasons

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("requirements.txt", "sglang[all]==0.5.6\n", "[all]==0.5.6"),
        ("requirements.txt", "sglang[srt]\nsglang[all,srt]>=0.5\n", "[all,srt]>=0.5"),
        ("pyproject.toml", '[project]\ndependencies = ["sglang[all]"]\n', "[all]*"),
        (
            "pyproject.toml",
            '[tool.poetry.dependencies]\nsglang = { version = "0.5.6", extras = ["all"] }\n',
            "[all]==0.5.6",
        ),
        (
            "pixi.toml",
            '[pypi-dependencies]\nsglang = { version = "==0.5.6", extras = ["all"] }\n',
            "[all]==0.5.6",
        ),
    ],
)
def test_import_keeps_the_extras_of_a_package(file: str, text: str, expected: str) -> None:
    rig = write_rig(read_files([SourceText(file, text)]), "lab")
    assert f'sglang = "{expected}"' in rig.text
    assert not any("extras" in omission.reason for omission in rig.omissions)


def test_import_of_a_build_names_the_extras_that_it_leaves_out() -> None:
    text = "--index-url https://download.pytorch.org/whl/cu124\ntorch[optree]==2.5.1\n"
    rig = write_rig(read_files([SourceText("requirements.txt", text)]), "lab")
    assert 'torch = "+cu124 ==2.5.1"' in rig.text
    assert [omission.reason for omission in rig.omissions] == ["only the extras: optree"]


OPTIONAL = """\
[project]
name = "My.Lab"
dependencies = ["numpy"]
[project.optional-dependencies]
train = ["torch>=2.5"]
all = ["my-lab[train]", "wandb"]
docs = ["mkdocs"]
[dependency-groups]
test = ["pytest"]
dev = [{ include-group = "test" }, "ruff"]
[tool.poetry.group.lint.dependencies]
black = "^25.1"
"""


def test_pyproject_gives_the_extras_and_groups_that_are_selected() -> None:
    source = SourceText(
        "pyproject.toml",
        OPTIONAL,
        extras=frozenset({"all"}),
        groups=frozenset({"dev", "lint"}),
    )
    (file,) = read_files([source])
    assert packages(file.reading).keys() == {"numpy", "torch", "wandb", "pytest", "ruff", "black"}
    assert reasons(file.reading) == {"docs": "optional: import it with `--extra docs`"}


def test_import_of_an_unknown_extra_names_those_that_the_file_has(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(OPTIONAL, encoding="utf-8")
    done = rigspec("import", file, "--extra", "gpu", "--extra", "Train")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no file has the extra `gpu`" in done.stderr
    assert "the files have: all, docs, train" in done.stderr
