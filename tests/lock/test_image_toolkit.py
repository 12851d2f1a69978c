"""A base image with CUDA gets no second toolkit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rigspec.lock.artifacts import list_downloads
from rigspec.lock.nvidia_repository import list_third_party_packages
from rigspec.matrix.loader import load_matrix
from rigspec.resolution import Resolution
from rigspec.spec.loader import parse_spec

SPEC = """
rig = 1
name = "box"

[machine.tower]
os = "ubuntu 16.04"
gpus = [{{ model = "GTX 1080 Ti" }}]

[cuda]
toolkit = "9.0"
cudnn = "7"
{provider}

[container]
base = "{base}"
"""
RESOLUTION = Resolution(
    machine="tower",
    os="ubuntu 16.04",
    arch="x86_64",
    accelerator="gpu",
    driver="465.19.01",
    driver_source="nvidia",
    cuda="9.0.176",
    cudnn="7.6.5.32",
    cudnn_cuda="9.0",
)
WHOLE = "nvidia/cuda:9.0-cudnn7-devel-ubuntu16.04"


@pytest.mark.parametrize(
    ("base", "provider", "parts"),
    [
        (WHOLE, "", {"driver"}),
        (WHOLE, 'provider = "image"', {"driver"}),
        ("nvidia/cuda:9.0-devel-ubuntu16.04", "", {"driver", "cudnn"}),
        (WHOLE, 'provider = "nvidia"', {"driver", "cuda", "cudnn"}),
        ("ubuntu:16.04", "", {"driver", "cuda", "cudnn"}),
    ],
)
def test_image_toolkit_with_packages_installs_only_missing_ones(
    base: str, provider: str, parts: set[str]
) -> None:
    rig = parse_spec("rig.toml", SPEC.format(base=base, provider=provider)).rig
    assert rig.cuda is not None
    matrix, resolution = load_matrix(), replace(RESOLUTION, cuda_provider=rig.cuda.provider)
    found = {package.part for package in list_third_party_packages(rig, resolution, matrix)}
    found |= {file.part for file in list_downloads(rig, resolution, matrix)}
    assert found == parts
