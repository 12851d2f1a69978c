"""Packages of conda channels: facts about wheels do not apply to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.resolve.rigs import check, errors


def conda(
    packages: str,
    frameworks: str = "",
    python: str = "3.6",
    channels: str = '"defaults"',
    machine: str = 'driver = "384.81"\ngpus = ["GTX 1080 Ti"]',
) -> str:
    return f"""
[machine.box]
os = "ubuntu 16.04"
{machine}

[env.lab]
python = "{python}"
manager = "conda"
channels = [{channels}]
frameworks = {{ {frameworks} }}
packages = {{ {packages} }}
"""


def notes(folder: Path, text: str) -> list[str]:
    return [d.message for d in check(folder, text).diagnostics if d.code == "RS252"]


def test_conda_package_of_framework_ignores_facts_about_wheels(tmp_path: Path) -> None:
    report = check(tmp_path, conda('pytorch = "1.13"'))
    assert errors(report) == []
    assert report.resolution is not None
    (env,) = report.resolution.envs
    assert [(pin.name, pin.version) for pin in env.frameworks] == [("torch", "1.13.1")]
    assert [(pin.name, pin.version) for pin in env.distributions] == [("pytorch", "1.13.1")]
    assert (env.cuda, env.builds) == (None, ())


def test_conda_package_without_known_build_is_noted(tmp_path: Path) -> None:
    (note,) = notes(tmp_path, conda('pytorch = "1.13"'))
    assert note.endswith(": pytorch 1.13.1")


def test_conda_package_of_unlisted_version_is_noted(tmp_path: Path) -> None:
    text = conda('pytorch = "1.4.9"')
    assert errors(check(tmp_path, text)) == []
    assert notes(tmp_path, text) != []


def test_conda_package_follows_facts_about_its_release(tmp_path: Path) -> None:
    assert errors(check(tmp_path, conda('pytorch = "1.13", torchvision = "0.14"'))) == []
    assert errors(check(tmp_path, conda('pytorch = "1.13", torchvision = "0.15.2"'))) == ["RS217"]


def test_conda_package_without_builds_ignores_facts_about_wheels(tmp_path: Path) -> None:
    # The wheels of TensorFlow 2.10 need Python 3.7 and a CUDA that this driver does not run.
    assert errors(check(tmp_path, conda('tensorflow = "2.10"'))) == []


def test_framework_of_pip_in_conda_environment_follows_facts_about_wheels(tmp_path: Path) -> None:
    assert "RS207" in errors(check(tmp_path, conda("", 'torch = "1.13"')))


K80 = 'driver = "470.256.02"\ngpus = ["Tesla K80"]'
PYTORCH = '"pytorch", "nvidia"'


def build(folder: Path, text: str) -> tuple[str, str, str | None]:
    report = check(folder, text)
    assert report.resolution is not None, errors(report)
    (found,) = report.resolution.envs[0].builds
    return found.requirement, found.index, found.cuda


def test_free_build_of_channel_runs_on_gpu_with_driver(tmp_path: Path) -> None:
    text = conda('pytorch = "2.1"', python="3.9", channels=PYTORCH, machine=K80)
    assert build(tmp_path, text) == ("pytorch=2.1.2 pytorch-cuda=11.8", "pytorch nvidia", "11.8")
    assert errors(check(tmp_path, text.replace("470.256.02", "440.33"))) == ["RS204"]


def test_build_of_channel_is_noted_with_its_command(tmp_path: Path) -> None:
    text = conda('pytorch = "2.1"', python="3.9", channels=PYTORCH, machine=K80)
    report = check(tmp_path, text)
    (note,) = [d for d in report.diagnostics if d.code == "RS254"]
    assert note.message == "pytorch 2.1.2 is the build for CUDA 11.8 of the channel pytorch"
    assert note.help == (
        "install it with `conda install pytorch=2.1.2 pytorch-cuda=11.8 -c pytorch -c nvidia`",
    )
    assert "RS252" not in {d.code for d in report.diagnostics}


def test_package_that_selects_a_build_conflicts_with_a_gpu_it_lacks(tmp_path: Path) -> None:
    packages = 'pytorch = "2.1", pytorch-cuda = "{}"'
    for cuda, expected in (("11.8", []), ("12.1", ["RS217"])):
        text = conda(packages.format(cuda), python="3.9", channels=PYTORCH, machine=K80)
        assert errors(check(tmp_path, text)) == expected


def test_channel_of_unknown_builds_is_not_checked(tmp_path: Path) -> None:
    packages = 'pytorch = "2.1", pytorch-cuda = "12.1"'
    channels = '"pytorch", "https://conda.example.org/own"'
    text = conda(packages, python="3.9", channels=channels, machine=K80)
    assert errors(check(tmp_path, text)) == []
    assert notes(tmp_path, text) != []


def test_build_of_channel_without_gpu_has_no_cuda(tmp_path: Path) -> None:
    text = conda('pytorch = "2.1"', python="3.9", channels='"conda-forge"', machine="")
    assert build(tmp_path, text) == ("pytorch=2.1.2=cpu*", "conda-forge", None)


def test_build_of_channel_without_gpu_has_the_cuda_that_a_package_selects(tmp_path: Path) -> None:
    packages = 'pytorch = "1.12.1", cudatoolkit = "11.6"'
    channels = '"pytorch", "conda-forge"'
    text = conda(packages, python="3.7", channels=channels, machine="")
    found, channel, cuda = build(tmp_path, text)
    assert (found.startswith("pytorch=1.12.1"), channel, cuda) == (
        True,
        "pytorch conda-forge",
        "11.6",
    )


def test_python_of_channel_build_conflicts(tmp_path: Path) -> None:
    text = conda('pytorch = "1.13"', channels=PYTORCH, machine=K80)
    assert errors(check(tmp_path, text)) == ["RS207"]
    assert errors(check(tmp_path, text.replace('"1.13"', '"1.10"'))) == []


def test_framework_by_its_conda_name_comes_from_channels(tmp_path: Path) -> None:
    text = conda("", 'pytorch = "2.1"', python="3.9", channels='"conda-forge"', machine=K80)
    assert build(tmp_path, text)[:2] == ("pytorch=2.1.2=cuda118*", "conda-forge")


def test_pytorch_of_conda_forge_with_gpu_is_warned_of(tmp_path: Path) -> None:
    for package, warned in (("pytorch", True), ("pytorch-gpu", False)):
        text = conda(f'{package} = "2.1"', python="3.9", channels='"conda-forge"', machine=K80)
        codes = {d.code for d in check(tmp_path, text).diagnostics}
        assert ("RS219" in codes) is warned


@pytest.mark.parametrize("package", ['pytorch-gpu = "2.9"', 'pytorch = "+cuda ==2.9.*"'])
def test_cuda_build_requested_without_gpu_has_cuda(package: str, tmp_path: Path) -> None:
    text = conda(package, python="3.12", channels='"conda-forge"', machine="")
    requirement, channel, cuda = build(tmp_path, text)
    assert (requirement, channel, cuda) == ("pytorch=2.9.1=cuda129*", "conda-forge", "12.9")


@pytest.mark.parametrize("name", ["cuda11.8", "cuda118", "cu118", "pytorch.cuda11.8"])
def test_build_of_channel_can_be_named(name: str, tmp_path: Path) -> None:
    packages = f'pytorch = {{ version = "2.4.1", build = "{name}" }}'
    machine = K80.replace("470.256.02", "550").replace("Tesla K80", "RTX 3090")
    text = conda(packages, python="3.9", channels=PYTORCH, machine=machine)
    assert build(tmp_path, text) == ("pytorch=2.4.1 pytorch-cuda=11.8", "pytorch nvidia", "11.8")


def test_build_that_no_table_lists_is_not_checked(tmp_path: Path) -> None:
    packages = 'pytorch = { version = "2.1.2", build = "cuda99" }'
    text = conda(packages, python="3.9", channels=PYTORCH, machine=K80)
    assert errors(check(tmp_path, text)) == []
    (note,) = notes(tmp_path, text)
    assert note.endswith(": pytorch 2.1.2")
