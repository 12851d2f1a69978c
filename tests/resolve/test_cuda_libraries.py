"""Libraries of CUDA that a package loads on a GPU, and that none of its requirements has."""

from __future__ import annotations

import pytest

from tests.resolve.rigs import check_text

SPEC = """\
rig = 1
name = "speech"
[machine.box]
os = "ubuntu 24.04"
{gpu}
{cuda}
[env.lab]
python = "3.12"
packages = {{ {packages} }}
"""
GPU = 'gpus = ["RTX 4090"]'


def find_help(packages: str, *, gpu: str = GPU, cuda: str = "") -> list[str]:
    report = check_text(SPEC.format(gpu=gpu, cuda=cuda, packages=packages))
    return [line for each in report.diagnostics if each.code == "RS260" for line in each.help]


@pytest.mark.parametrize(
    ("packages", "cuda"),
    [
        ('faster-whisper = "*"', "12"),
        ('faster-whisper = "1.2"', "12"),
        ('faster-whisper = "0.10.1"', "11"),
        ('ctranslate2 = ">=4.5"', "12"),
        ('ctranslate2 = "3.24"', "11"),
    ],
)
def test_package_without_its_cuda_library_is_reported(packages: str, cuda: str) -> None:
    assert find_help(packages) == [f'add `[cuda]` with `toolkit = "{cuda}"`']


def test_toolkit_of_another_release_lacks_the_library() -> None:
    assert find_help('ctranslate2 = "*"', cuda='[cuda]\ntoolkit = "13.0"') == [
        'set `toolkit` of `[cuda]` to "12"'
    ]


@pytest.mark.parametrize(
    ("packages", "gpu", "cuda"),
    [
        ('ctranslate2 = "*"', "", ""),
        ('ctranslate2 = "*"', GPU, '[cuda]\ntoolkit = "12"'),
        ('ctranslate2 = "*", torch = "2.8"', GPU, ""),
        ('ctranslate2 = "*", nvidia-cublas-cu12 = "*"', GPU, ""),
        ('ctranslate2 = "*"', GPU, '[container]\nbase = "nvidia/cuda:12.8.1-runtime-ubuntu24.04"'),
    ],
)
def test_package_with_its_cuda_library_is_not_reported(packages: str, gpu: str, cuda: str) -> None:
    assert find_help(packages, gpu=gpu, cuda=cuda) == []
