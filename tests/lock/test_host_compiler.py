"""The GCC that is locked for a toolkit of the distribution."""

from __future__ import annotations

import pytest

from rigspec.lock.apt.packages import find_toolkit, list_requested_packages
from rigspec.lock.host_compiler import find_host_compiler
from rigspec.lock.model import LockedToolkit
from rigspec.matrix.loader import load_matrix
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.spec.models.rig import Rig

MATRIX = load_matrix()


def rig(os: str, gcc: str | None = None, provider: str = "debian") -> Rig:
    machine = {"os": os, "gpus": [{"model": "GTX 1080"}], **({"gcc": gcc} if gcc else {})}
    return Rig.model_validate(
        {"rig": 1, "name": "r", "machine": {"box": machine}, "cuda": {"provider": provider}}
    )


def resolution(os: str, cuda: str, provider: str = "debian") -> Resolution:
    return Resolution("box", os, "x86_64", "gpu", cuda=cuda, cuda_provider=provider)


@pytest.mark.parametrize(
    ("os", "cuda", "gcc", "series"),
    [
        ("debian 12", "11.8.0", None, 11),  # Debian 12 has 12, which that nvcc refuses
        ("debian 12", "11.8.0", "11", 11),
        ("debian 12", "11.8.0", "11.3", 11),
        ("debian 12", "11.8.0", "<11", 10),
        ("debian 11", "11.2.2", None, None),  # its own 10.2 will do
        ("debian 11", "11.2.2", "9", 9),
        ("debian 13", "12.4.1", None, 13),
    ],
)
def test_host_compiler_is_newest_compatible(
    os: str, cuda: str, gcc: str | None, series: int | None
) -> None:
    assert find_host_compiler(rig(os, gcc), resolution(os, cuda), MATRIX) == series


def wanted(rig: Rig, found: Resolution, matrix: Matrix = MATRIX) -> list[tuple[str, str]]:
    packages = list_requested_packages(rig, found, matrix, (), fetched=("cudnn.tar.xz",))
    return [(package.name, package.part) for package in packages]


def test_host_compiler_is_toolkit_package_and_set_for_nvcc() -> None:
    spec, found = rig("debian 12"), resolution("debian 12", "11.8.0")
    packages = wanted(spec, found)
    assert [name for name, part in packages if part == "cuda"] == ["nvidia-cuda-toolkit", "g++-11"]
    assert ("xz-utils", "fetch") in packages
    assert find_toolkit(spec, found, MATRIX) == LockedToolkit(
        "/usr/lib/cuda", "/usr/bin/nvcc", "g++-11"
    )


def test_host_compiler_of_nvidia_toolkit_is_absent() -> None:
    spec, found = rig("debian 12", provider="nvidia"), resolution("debian 12", "12.4.1", "nvidia")
    assert find_toolkit(spec, found, MATRIX) == LockedToolkit("/usr/local/cuda-12.4")
    assert all(part != "cuda" for _, part in wanted(spec, found))
