"""Locks, lists and container files, each in the form that its program writes."""

from __future__ import annotations

import pytest

from rigspec.importing.conda_spec import read_conda_spec
from rigspec.importing.model import SourceText, Subject
from tests.importing.readings import packages, read, reasons, source_at, values


def test_pylock_gives_packages_with_markers() -> None:
    text = """\
lock-version = "1.0"
requires-python = ">=3.11"
created-by = "uv"
[[packages]]
name = "torch"
version = "2.6.0"
[[packages]]
name = "pywin32"
version = "308"
marker = "sys_platform == 'win32'"
[[packages]]
name = "lab"
directory = { path = "." }
"""
    reading = read("pylock.gpu.toml", text)
    assert packages(reading) == {"torch": "==2.6.0"}
    assert list(reasons(reading)) == ["lab"]


def test_conda_lock_gives_packages_of_linux() -> None:
    text = """\
version: 1
metadata:
  channels:
  - url: conda-forge
    used_env_vars: []
package:
- name: pytorch
  version: 2.4.0
  manager: conda
  platform: linux-64
  category: main
- name: pytorch
  version: 2.5.0
  manager: conda
  platform: osx-arm64
  category: main
- name: transformers
  version: 4.44.0
  manager: pip
  platform: linux-64
  category: main
- name: pytest
  version: 8.0.0
  manager: conda
  platform: linux-64
  category: dev
"""
    reading = read("conda-lock.yml", text)
    assert packages(reading) == {"pytorch": "==2.4.0", "transformers": "==4.44.0"}
    assert values(reading, Subject.CHANNEL) == ["conda-forge"]


def test_conda_list_gives_packages_of_both_managers() -> None:
    text = """\
# packages in environment at /opt/conda:
#
# Name                    Version                   Build  Channel
_libgcc_mutex             0.1                        main
cudatoolkit               11.3.1               h2bc3f7f_2
python                    3.9.12               h12debd9_0
pytorch                   1.11.0          py3.9_cuda11.3_cudnn8.2.0_0    pytorch
timm                      0.5.4                    pypi_0    pypi
"""
    reading = read("list.txt", text)
    assert packages(reading) == {
        "cudatoolkit": "==11.3.1",
        "pytorch": "==1.11.0",
        "timm": "==0.5.4",
    }
    assert values(reading, Subject.PYTHON) == ["==3.9.*"]


def test_conda_export_in_requirements_file_is_recognised() -> None:
    text = """\
# This file may be used to create an environment using:
# $ conda create --name <env> --file <this file>
# platform: linux-64
numpy=1.21.2
pytorch=1.11.0=py3.9_cuda11.3_cudnn8.2.0_0
"""
    assert packages(read("requirements.txt", text)) == {"numpy": "==1.21.2", "pytorch": "==1.11.0"}


def test_pixi_gives_conda_and_pypi_dependencies() -> None:
    text = """\
[workspace]
channels = ["conda-forge"]
platforms = ["linux-64", "osx-arm64"]
[dependencies]
python = "3.12.*"
numpy = { version = ">=1.26, <2" }
[target.linux-64.dependencies]
cuda-version = "12.4"
[pypi-dependencies]
torch = { version = ">=2.5", index = "https://download.pytorch.org/whl/cu124" }
lab = { path = ".", editable = true }
[feature.docs.dependencies]
sphinx = "*"
"""
    reading = read("pixi.toml", text)
    assert packages(reading) == {"numpy": ">=1.26,<2", "torch": "+cu124 >=2.5"}
    assert values(reading, Subject.PYTHON) == ["==3.12.*"]
    assert values(reading, Subject.CUDA) == ["==12.4"]
    assert list(reasons(reading)) == ["lab", "docs"]


COMPOSE = """\
services:
  db:
    image: postgres:16
  train:
    image: pytorch/pytorch:2.4.0-cuda12.1-cudnn9-runtime
    deploy:
      resources:
        reservations:
          devices:
            - driver: nvidia
              count: 2
              capabilities: [gpu]
"""


def test_compose_reads_the_service_with_gpus() -> None:
    reading = read("compose.yaml", COMPOSE)
    assert packages(reading) == {"torch": "+cu121 ==2.4.0"}
    assert reasons(reading)["db"] == "a service without GPUs"
    assert reasons(reading)["GPUs of train"] == "the file does not name the model of the GPUs"


MERGED = """\
x-lab: &lab
  image: pytorch/pytorch:2.4.0-cuda12.1-cudnn9-runtime
  env_file: .env
x-gpu: &gpu
  deploy: { resources: { reservations: { devices: [{ driver: nvidia }] } } }
services:
  cpu:
    <<: *lab
  cuda:
    <<: [*lab, *gpu]
    image: pytorch/pytorch:2.9.1-cuda13.0-cudnn9-runtime
"""


def test_compose_follows_the_merges_of_a_service() -> None:
    reading = read("compose.yaml", MERGED)
    assert packages(reading) == {"torch": "+cu130 ==2.9.1"}
    assert {"cpu", "GPUs of cuda", "env_file of cuda"} <= reasons(reading).keys()


def test_compose_names_what_decides_the_image_that_is_built() -> None:
    text = """\
services:
  lab:
    extends: { file: base.yaml, service: lab }
    build: { context: ., target: server, args: { BASE: "nvidia/cuda:12.8.1-base-ubuntu24.04" } }
"""
    assert reasons(read("compose.yaml", text)) == {
        "lab": "built from a Dockerfile; import it as well",
        "target of lab": "import the Dockerfile with this `--stage`",
        "args of lab": "a Dockerfile is imported with its own values",
        "extends of lab": "another service; import its file as well",
    }


def test_compose_names_the_keys_that_are_not_imported() -> None:
    text = """\
services:
  vllm:
    image: vllm/vllm-openai:v0.19.0
    command: ["--model", "Qwen/Qwen3-32B"]
    environment: { HF_TOKEN: secret }
    ports: ["8000:8000"]
"""
    reading = read("compose.yaml", text)
    assert packages(reading) == {"vllm": "==0.19.0"}
    assert reasons(reading) == {
        "vllm/vllm-openai:v0.19.0": "its system and CUDA",
        "command of vllm": "write it as `command` of a `[service.program.NAME]`",
        "environment of vllm": "write it as `variables` or `secrets` of a `[service.program.NAME]`",
        "ports of vllm": "write it as `port` of a `[service.program.NAME]`",
    }


def test_devcontainer_reads_image_and_features() -> None:
    text = """\
{
  // the base
  "image": "python:3.11-bookworm",
  "features": {
    "ghcr.io/devcontainers/features/nvidia-cuda:1": { "cudaVersion": "12.4", "installCudnn": true },
    "ghcr.io/devcontainers/features/git:1": {},
  },
  "runArgs": ["--gpus=all"],
}
"""
    reading = read(".devcontainer.json", text)
    assert values(reading, Subject.CUDA) == ["12.4"]
    assert values(reading, Subject.PYTHON) == ["==3.11.*"]
    assert reasons(reading) == {
        "ghcr.io/devcontainers/features/git:1": "a feature without a version that a rig has",
        "GPUs": "the file does not name the model of the GPUs",
    }


def test_devcontainer_reads_what_its_commands_install() -> None:
    text = """\
{
  "image": "mcr.microsoft.com/devcontainers/cpp:1-ubuntu-22.04",
  "onCreateCommand": { "a": "sudo apt-get install -y ffmpeg", "b": "pip3 install jax==0.4.30" },
  "updateContentCommand": ["pip", "install", "keras"],
  "postCreateCommand": "pip install torch==2.7.0 && nvcc --version",
  "postStartCommand": "nvidia-smi"
}
"""
    reading = read(".devcontainer.json", text)
    assert values(reading, Subject.OS) == ["ubuntu 22.04"]
    assert packages(reading) == {"jax": "==0.4.30", "torch": "==2.7.0"}
    assert values(reading, Subject.SYSTEM_PACKAGE) == ["ffmpeg"]
    reason = "a command; only what it installs by name is imported"
    assert reasons(reading) == {"updateContentCommand": reason, "postStartCommand": reason}
    (torch,) = [s for s in reading.statements if s.name == "torch"]
    line = text.splitlines()[torch.span.line - 1]
    assert line[torch.span.column - 1 : torch.span.end_column - 1] == "torch==2.7.0"


@pytest.mark.parametrize(
    ("image", "system"),
    [
        ("mcr.microsoft.com/devcontainers/base:bionic", "ubuntu 18.04"),
        ("mcr.microsoft.com/devcontainers/base:ubuntu-24.04", "ubuntu 24.04"),
        ("mcr.microsoft.com/devcontainers/cpp:1-debian-12", "debian 12"),
        ("mcr.microsoft.com/devcontainers/python:1-3.11-bullseye", "debian 11"),
        ("mcr.microsoft.com/devcontainers/universal:2", None),
    ],
)
def test_image_names_its_system_in_the_tag(image: str, system: str | None) -> None:
    reading = read("Dockerfile", f"FROM {image}\n")
    assert values(reading, Subject.OS) == ([system] if system is not None else [])


def test_collect_env_with_conda_gives_manager_and_cuda() -> None:
    text = """\
PyTorch version: 2.1.0
OS: Ubuntu 22.04.4 LTS (x86_64)
Nvidia driver version: 535.161.07
[pip3] numpy==1.23.5
[pip3] torch==2.1.0
[conda] pytorch                   2.1.0           py3.9_cuda12.1_cudnn8.9.2_0    pytorch
[conda] pytorch-cuda              12.1                 ha16c6d3_5    pytorch
[conda] triton                    2.0.0                    pypi_0    pypi
"""
    reading = read("report.txt", text)
    assert values(reading, Subject.MANAGER) == ["conda"]
    assert values(reading, Subject.CHANNEL) == ["pytorch"]
    assert packages(reading) == {
        "pytorch": "==2.1.0",
        "pytorch-cuda": "12.1",
        "numpy": "==1.23.5",
    }


def test_report_of_windows_names_its_system_and_drops_its_driver() -> None:
    text = """\
PyTorch version: 2.8.0+cpu
OS: Microsoft Windows 11 Enterprise (10.0.22631 64-bit)
Nvidia driver version: 537.34
"""
    reading = read("report.txt", text)
    assert values(reading, Subject.DRIVER) == []
    assert list(reasons(reading).values()) == ["a system that a rig cannot have"]


def test_nvidia_smi_of_windows_drops_driver_and_cut_names() -> None:
    text = """\
   | NVIDIA-SMI 537.34                 Driver Version: 537.34       CUDA Version: 12.2     |
   |   0  NVIDIA GeForce RTX 3060 Ti   WDDM  | 00000000:01:00.0  On |                  N/A |
   |   1  NVIDIA GeForce RTX 2060 S...    On | 00000000:01:00.0 Off |                  N/A |
"""
    reading = read("smi.txt", text)
    assert values(reading, Subject.GPU) == ["NVIDIA GeForce RTX 3060 Ti"]
    assert reasons(reading) == {
        "NVIDIA GeForce RTX 2060 S...": "the name is cut off; use `nvidia-smi -L`",
        "537.34": "a driver of Windows",
    }


@pytest.mark.parametrize(
    ("spec", "request_"),
    [
        ("pytorch=2.1.2=*cuda12.1*", "+cuda12.1 ==2.1.2"),
        ("pytorch=2.9.1=cuda129*", "+cuda129 ==2.9.1"),
        ("pytorch=*=*cuda*", "+cuda"),
        ("pytorch 2.9.* cpu_*", "+cpu ==2.9.*"),
    ],
)
def test_conda_spec_with_build_string_requests_the_build(spec: str, request_: str) -> None:
    source = SourceText("environment.yml", spec)
    reading = read_conda_spec(spec, source.span(0, len(spec)))
    assert ([s.request for s in reading.statements], reading.omissions) == ([request_], ())


def test_conda_spec_with_build_string_of_other_package_is_reported() -> None:
    source = SourceText("environment.yml", "numpy=*=*_0")
    reading = read_conda_spec("numpy=*=*_0", source.span(0, 11))
    assert [s.request for s in reading.statements] == ["*"]
    assert [o.reason for o in reading.omissions] == ["only its build string"]


def test_nvidia_smi_q_gives_driver_and_cards() -> None:
    text = """\
==============NVSMI LOG==============

Driver Version                            : 510.68.02
CUDA Version                              : 11.6

Attached GPUs                             : 1
GPU 00000000:82:00.0
    Product Name                          : NVIDIA GeForce GTX 1650
"""
    reading = read("smi.txt", text)
    assert source_at(text, reading) == ["510.68.02", "NVIDIA GeForce GTX 1650"]


@pytest.mark.parametrize(
    "spec",
    [
        "numpy",
        "numpy=1.21",
        "numpy=1.21.*",
        "numpy==1.21.2",
        "numpy 1.21.2",
        "numpy>=1.21,<2",
        "numpy >=1.21, <2",
        "numpy>= 1.21",
        "conda-forge::numpy=1.21",
        "numpy=1.21.2=py39h20f2e39_0",
        "numpy 1.21.* *_cuda",
    ],
)
def test_conda_spec_admits_the_versions_that_conda_admits(spec: str) -> None:
    from packaging.specifiers import SpecifierSet
    from rattler import BuildString, MatchSpec, PackageRecord

    source = SourceText("environment.yml", spec)
    (statement,) = read_conda_spec(spec, source.span(0, len(spec))).statements
    ours = SpecifierSet(statement.value if statement.value != "*" else "")
    theirs = MatchSpec(spec)
    version = theirs.version or "*"
    bare = MatchSpec(f"numpy {version}")
    for candidate in ("1.20.3", "1.21", "1.21.2", "1.21.9", "1.22.0", "2.0.0", "2.1"):
        record = PackageRecord(
            name="numpy",
            version=candidate,
            build=BuildString("0"),
            build_number=0,
            subdir="linux-64",
            arch=None,
            platform=None,
        )
        assert ours.contains(candidate) == bare.matches(record), candidate
