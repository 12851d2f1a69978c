"""Packages that come from a commit of a repository."""

from __future__ import annotations

import pytest

from rigspec.importing.model import SourceText
from rigspec.importing.registry import read_files
from rigspec.importing.spec_writer import ImportedRig, write_rig
from rigspec.spec.loader import parse_spec

REV = "0ac916a05f48f8e477dc8ce1651a346b65ce2072"
URL = "https://github.com/rahul-goel/fused-ssim"


def convert(file: str, text: str) -> ImportedRig:
    rig = write_rig(read_files([SourceText(file, text)]), "lab")
    parse_spec("rig.toml", rig.text)
    return rig


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("requirements.txt", f"fused-ssim @ git+{URL}@{REV}\n"),
        ("requirements.txt", f"git+{URL}@{REV}#egg=fused-ssim\n"),
        ("pyproject.toml", f'[project]\ndependencies = ["fused-ssim @ git+{URL}@{REV}"]\n'),
        (
            "pyproject.toml",
            '[project]\ndependencies = ["fused-ssim"]\n'
            f'[tool.uv.sources]\nfused-ssim = {{ git = "{URL}", rev = "{REV}" }}\n',
        ),
        ("Dockerfile", f"FROM ubuntu:24.04\nRUN pip install 'fused-ssim @ git+{URL}@{REV}'\n"),
    ],
)
def test_import_of_a_commit_is_a_package_from_its_repository(file: str, text: str) -> None:
    rig = convert(file, text)
    spec = parse_spec("rig.toml", rig.text)
    source = spec.rig.env["main"].sources["fused-ssim"]
    assert (source.git, source.rev) == (URL, REV)
    assert rig.omissions == ()


def test_import_of_a_commit_keeps_the_folder_of_the_package() -> None:
    rig = convert("requirements.txt", f"a-b @ git+{URL}.git@{REV}#subdirectory=lib\n")
    assert parse_spec("rig.toml", rig.text).rig.env["main"].sources["a-b"].subdirectory == "lib"


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("requirements.txt", f"a @ git+{URL}@main\n", "not from a commit in full"),
        ("requirements.txt", f"torch @ git+{URL}@{REV}\n", "a framework cannot"),
        (
            "environment.yml",
            f"dependencies:\n- python=3.12\n- pip:\n  - a @ git+{URL}@{REV}\n",
            "a package of a conda environment cannot",
        ),
    ],
)
def test_import_names_what_cannot_come_from_a_repository(file: str, text: str, reason: str) -> None:
    rig = convert(file, text)
    assert [reason in omission.reason for omission in rig.omissions] == [True]


def test_import_of_a_commit_and_another_version_names_the_contradiction() -> None:
    rig = convert("requirements.txt", f"a @ git+{URL}@{REV}\na==1.0\n")
    assert [clash.other.value for clash in rig.clashes] == ["==1.0"]
