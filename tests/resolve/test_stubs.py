"""Packages whose archives download a wheel that no lock can pin."""

from __future__ import annotations

import pytest

from rigspec.diagnostics.model import Severity
from tests.resolve.rigs import check_text, errors

SPEC = """\
rig = 1
name = "robot"
[machine.box]
os = "ubuntu 24.04"
gpus = ["RTX 4090"]
[env.lab]
python = "3.12"
packages = {{ {package} = "{version}" }}
"""
NVIDIA = '[index.nvidia]\nurl = "https://pypi.nvidia.com"\npackages = ["{}"]\n'


@pytest.mark.parametrize(
    ("package", "version", "words"),
    [
        ("tensorrt", "*", "tensorrt requires a stub"),
        ("tensorrt", "10.9", "tensorrt 10.9 requires a stub"),
        ("tensorrt-cu12", "*", "tensorrt-cu12 is a stub"),
        ("tensorrt-cu13", "11.4", "tensorrt-cu13 11.4 is a stub"),
        ("tensorrt-llm", "==0.21.0", "tensorrt-llm 0.21.0 is a stub"),
        ("torch-tensorrt", "2.9", "torch-tensorrt 2.9 requires a stub"),
    ],
)
def test_stub_is_refused_and_admitted_with_the_index_of_its_wheels(
    package: str, version: str, words: str
) -> None:
    text = SPEC.format(package=package, version=version)
    (error,) = (d for d in check_text(text).diagnostics if d.severity is Severity.ERROR)
    assert error.code == "RS507"
    assert error.message.startswith(f"{words}: ")
    assert "https://pypi.nvidia.com" in error.help[0]
    assert errors(check_text(text + NVIDIA.format("tensorrt*"))) == []


def test_stub_is_admitted_with_an_index_of_the_part_that_downloads() -> None:
    text = SPEC.format(package="tensorrt", version="*")
    assert errors(check_text(text + NVIDIA.format("tensorrt-cu13-libs"))) == []
    assert errors(check_text(text + NVIDIA.format("numpy"))) == ["RS507"]


def test_release_with_wheels_is_no_stub() -> None:
    text = SPEC.format(package="tensorrt", version="==8.6.0").replace("3.12", "3.10")
    assert errors(check_text(text)) == []
