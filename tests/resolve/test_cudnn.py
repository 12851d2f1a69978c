"""cuDNN is resolved to a release of the matrix, whichever toolkit it is built for."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.diagnostics.model import Severity
from rigspec.lock.artifacts import list_downloads
from rigspec.matrix.loader import load_matrix
from rigspec.spec.loader import load_spec
from tests.resolve.rigs import check, errors


@pytest.mark.parametrize(
    ("os", "gpu", "toolkit", "cudnn", "build"),
    [
        ("ubuntu 16.04", "GTX 1080 Ti", "8.0", '"6"', "8.0"),
        ("ubuntu 16.04", "GTX 1080 Ti", "9.0", '"*"', "9.0"),
        ("ubuntu 18.04", "RTX 2080 Ti", "10.1", '"7"', "10.1"),
        ("ubuntu 20.04", "RTX 3090", "11.2", '"8.1"', "11.2"),
        ("ubuntu 22.04", "RTX 4090", "11.8", '"8.9"', "11"),
        ("ubuntu 22.04", "RTX 4090", "12.1", '"8.9"', "12"),
        ("ubuntu 22.04", "RTX 4090", "12.4", '"9"', "12"),
        ("ubuntu 22.04", "RTX 4090", "12.1", '{ version = "*", built_for = "12" }', "12"),
        ("ubuntu 24.04", "RTX 5090", "12.8", '"*"', "12"),
        ("ubuntu 24.04", "RTX 5090", "13.0", '"*"', "13"),
    ],
)
def test_cudnn_of_a_toolkit_is_locked_with_its_archive(
    os: str, gpu: str, toolkit: str, cudnn: str, build: str, tmp_path: Path
) -> None:
    machine = f'[machine.box]\nos = "{os}"\ngpus = [{{ model = "{gpu}" }}]\n'
    report = check(tmp_path, f'{machine}[cuda]\ntoolkit = "{toolkit}"\ncudnn = {cudnn}\n')
    assert errors(report) == []
    assert report.resolution is not None
    assert report.resolution.cudnn_cuda == build
    rig, matrix = load_spec(str(tmp_path / "rig.toml")).rig, load_matrix()
    (archive,) = (f for f in list_downloads(rig, report.resolution, matrix) if f.part == "cudnn")
    assert len(archive.sha256) == 64


@pytest.mark.parametrize(
    ("os", "gpu", "toolkit", "newest"),
    [
        ("ubuntu 20.04", "K80", "11.4", "8.7.0.84"),
        ("ubuntu 22.04", "GTX 980", "12.4", "9.10.2.21"),
        ("ubuntu 22.04", "GTX 1080 Ti", "12.4", "9.10.2.21"),
        ("ubuntu 22.04", "V100 PCIe", "12.4", "9.10.2.21"),
    ],
)
def test_cudnn_of_an_old_card_is_the_newest_with_code_for_it(
    os: str, gpu: str, toolkit: str, newest: str, tmp_path: Path
) -> None:
    machine = f'[machine.box]\nos = "{os}"\ngpus = ["{gpu}"]\n'
    report = check(tmp_path, f'{machine}[cuda]\ntoolkit = "{toolkit}"\ncudnn = "*"\n')
    assert errors(report) == []
    assert report.resolution is not None
    assert report.resolution.cudnn == newest


def test_cudnn_without_code_for_a_card_is_refused(tmp_path: Path) -> None:
    machine = '[machine.box]\nos = "ubuntu 22.04"\ngpus = ["GTX 1080 Ti", "RTX 2080 Ti"]\n'
    report = check(tmp_path, f'{machine}[cuda]\ntoolkit = "12.4"\ncudnn = "9.12"\n')
    (error,) = (each for each in report.diagnostics if each.severity is Severity.ERROR)
    assert (error.code, error.message) == (
        "RS205",
        "cuDNN 9.12 and GTX 1080 Ti are incompatible",
    )
    assert error.repairs[0].edits[0].after == "9.10"


def test_cudnn_of_pip_without_code_for_a_card_is_refused(tmp_path: Path) -> None:
    machine = '[machine.box]\nos = "ubuntu 22.04"\ngpus = ["GTX 1080 Ti"]\n'
    env = '[env.lab]\npackages = { nvidia-cudnn-cu12 = "9.20" }\n'
    report = check(tmp_path, machine + env)
    (error,) = (each for each in report.diagnostics if each.severity is Severity.ERROR)
    assert error.code == "RS205"
    assert error.message == "nvidia-cudnn-cu12 9.20 and GTX 1080 Ti are incompatible"
    assert errors(check(tmp_path, machine + env.replace("9.20", "9.10"))) == []


@pytest.mark.parametrize(
    ("gpu", "bound"), [("GTX 1080 Ti", True), ("V100 PCIe", True), ("RTX 2080 Ti", False)]
)
def test_cudnn_of_pip_is_bound_to_releases_with_code_for_the_card(
    gpu: str, bound: bool, tmp_path: Path
) -> None:
    machine = f'[machine.box]\nos = "ubuntu 22.04"\ngpus = ["{gpu}"]\n'
    env = '[env.lab]\npython = "3.12"\npackages = { jax = "[cuda12]" }\n'
    report = check(tmp_path, machine + env)
    assert errors(report) == []
    assert report.resolution is not None
    assert ("nvidia-cudnn-cu12<9.11" in report.resolution.envs[0].constraints) is bound
