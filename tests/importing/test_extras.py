"""Extras of the packages in imported files."""

from __future__ import annotations

import pytest

from rigspec.importing.model import SourceText
from rigspec.importing.registry import read_files
from rigspec.importing.spec_writer import write_rig


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
