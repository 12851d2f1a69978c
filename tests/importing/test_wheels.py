"""Wheels that files name by their address."""

from __future__ import annotations

import pytest

from tests.importing.readings import packages, read, reasons

TORCH = "https://download.pytorch.org/whl/cu128/torch-2.9.0%2Bcu128-cp312-cp312-manylinux_2_28_x86_64.whl"
XFORMERS = "https://download.pytorch.org/whl/cu128/xformers-0.0.32.post2-cp39-abi3-manylinux_2_28_x86_64.whl"
SIX = "https://files.pythonhosted.org/packages/b7/ce/149a/six-1.17.0-py2.py3-none-any.whl#sha256=00"
OTHER = "https://example.org/six-1.17.0-py2.py3-none-any.whl"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("requirements.txt", "torch @ {0}\nxformers @ {1}\nsix @ {2}\n"),
        ("requirements.txt", "{0}\n{1}\n{2}\n"),
        ("pyproject.toml", '[project]\ndependencies = ["torch@{0}", "xformers@{1}", "six@{2}"]\n'),
        ("Dockerfile", "FROM scratch\nRUN pip install {0} 'xformers @ {1}' {2}\n"),
    ],
)
def test_wheel_of_a_known_index_is_a_release(file: str, text: str) -> None:
    reading = read(file, text.format(TORCH, XFORMERS, SIX))
    assert packages(reading) == {
        "torch": "==2.9.0+cu128",
        "xformers": "==0.0.32.post2",
        "six": "==1.17.0",
    }
    assert reasons(reading) == {}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("requirements.txt", f"six @ {OTHER}\n"),
        ("requirements.txt", f"{OTHER}\n"),
        ("requirements.txt", f"attrs @ {SIX}\n"),
        ("requirements.txt", "https://download.pytorch.org/whl/cu128/torch-nightly.whl\n"),
        ("pyproject.toml", f'[project]\ndependencies = ["six @ {OTHER}"]\n'),
        ("Dockerfile", f"FROM scratch\nRUN pip install {OTHER}\n"),
    ],
)
def test_wheel_from_elsewhere_is_named(file: str, text: str) -> None:
    reading = read(file, text)
    assert packages(reading) == {}
    assert len(reasons(reading)) == 1


def test_wheels_for_several_pythons_apply_by_their_markers() -> None:
    other = TORCH.replace("cp312", "cp313").replace("2.9.0", "2.9.1")
    text = f"""\
[project]
requires-python = "==3.12.*"
dependencies = [
    "torch @ {TORCH} ; python_version == '3.12'", "torch @ {other} ; python_version == '3.13'",
]
"""
    assert packages(read("pyproject.toml", text)) == {"torch": "==2.9.0+cu128"}
