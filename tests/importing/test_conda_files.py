"""Files of conda and pixi: features, channels, builds and Python."""

from __future__ import annotations

from rigspec.importing.merge import merge
from rigspec.importing.model import SourceText, Subject
from rigspec.importing.registry import read_files
from tests.importing.readings import packages, read, reasons, values

PIXI = """\
[workspace]
channels = ["conda-forge"]
platforms = ["linux-64"]
[dependencies]
python = "3.12.*"
pytorch = { version = ">=2.5", build = "cuda126*" }
[pypi-options]
extra-index-urls = ["https://download.pytorch.org/whl/cu128", "https://packages.example.org/x"]
[pypi-dependencies]
torchvision = ">=0.20"
[feature.cuda]
channels = ["nvidia"]
[feature.cuda.target.linux-64.dependencies]
cuda-version = "12.8"
[feature.cuda.pypi-dependencies]
gsplat = "*"
[feature.dev.dependencies]
pytest = "*"
"""


def test_pixi_gives_the_features_that_are_selected() -> None:
    (file,) = read_files([SourceText("pixi.toml", PIXI, extras=frozenset({"cuda"}))])
    expected = {"pytorch", "torchvision", "gsplat", "cuda-version"}
    assert packages(file.reading).keys() == expected
    assert values(file.reading, Subject.CUDA) == ["==12.8"]
    assert values(file.reading, Subject.CHANNEL) == ["conda-forge", "nvidia"]
    assert reasons(file.reading)["dev"] == "optional: import it with `--extra dev`"
    assert file.reading.optional == {("--extra", "cuda"), ("--extra", "dev")}


def test_pixi_gives_the_builds_of_conda_and_of_its_indexes() -> None:
    reading = read("pixi.toml", PIXI)
    builds = {s.name: s.build for s in reading.statements if s.build}
    assert builds == {"pytorch": "cuda126", "torchvision": "cu128"}
    reason = "the packages of this index are unknown"
    assert reasons(reading)["packages.example.org/x"] == reason


CONDA = """\
channels: [pytorch, conda-forge]
dependencies:
  - python=3.10.14
  - nvidia/label/cuda-12.4.1::cuda-nvcc=12.4
  - pytorch::torchaudio
  - pip:
      - "six ; python_version >= '3.10'"
      - "attrs ; python_version < '3.10'"
variables: { CUDA_HOME: /cuda }
"""


def test_conda_environment_with_a_patch_of_python_decides_markers() -> None:
    reading = read("environment.yml", CONDA)
    assert values(reading, Subject.PYTHON) == ["==3.10.*"]
    assert packages(reading).keys() == {"cuda-nvcc", "torchaudio", "six"}
    assert reasons(reading) == {"variables": "write it in `env` of `[system]`"}


def test_conda_environment_has_the_channels_of_its_requests() -> None:
    expected = ["pytorch", "conda-forge", "nvidia/label/cuda-12.4.1", "pytorch"]
    assert values(read("environment.yml", CONDA), Subject.CHANNEL) == expected
    without = CONDA.replace("channels: [pytorch, conda-forge]\n", "")
    assert values(read("environment.yml", without), Subject.CHANNEL) == []


def test_pyproject_with_one_patch_of_python_decides_markers() -> None:
    text = """\
[project]
requires-python = "==3.11.9"
dependencies = ["six ; python_version >= '3.11'", "attrs ; python_version < '3.11'"]
"""
    reading = read("pyproject.toml", text)
    merged = merge(reading.statements)
    assert merged.packages.keys() == {"six"}
    assert merged.omissions == ()
