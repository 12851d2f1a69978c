"""Cards whose last driver is old: what check admits or offers is in a repository."""

from __future__ import annotations

import pytest

from rigspec.lock.artifacts import find_unpinned_items
from rigspec.lock.nvidia_repository import list_third_party_packages
from rigspec.matrix.loader import load_matrix
from rigspec.resolution import Resolution
from rigspec.spec.loader import parse_spec
from tests.resolve.rigs import check_text, errors

_CARDS = ("GTX 480", "GTX 680", "Tesla K80", "GTX 980")
_SYSTEMS = ("ubuntu 20.04", "ubuntu 22.04", "ubuntu 24.04", "ubuntu 26.04", "debian 12")


def write_rig(os: str, gpu: str, more: str = "") -> str:
    machine = f'[machine.box]\nos = "{os}"\ngpus = [{{ model = "{gpu}" }}]\n'
    return f'rig = 1\nname = "box"\n{machine}{more}'


@pytest.mark.parametrize("os", ["ubuntu 22.04", "ubuntu 24.04"])
def test_driver_470_on_current_ubuntu_is_that_of_the_distribution(os: str) -> None:
    report = check_text(write_rig(os, "Tesla K80"))
    assert errors(report) == []
    assert report.resolution is not None
    assert report.resolution.driver is not None
    assert report.resolution.driver.startswith("470.")
    assert report.resolution.driver_source == "distribution"


@pytest.mark.parametrize("os", ["ubuntu 22.04", "ubuntu 24.04"])
def test_driver_470_from_nvidia_on_current_ubuntu_is_refused(os: str) -> None:
    driver = 'driver = { version = "470", from = "nvidia" }\n'
    report = check_text(write_rig(os, "Tesla K80", driver))
    assert errors(report) == ["RS216"]


def test_driver_470_with_toolkit_of_nvidia_is_that_of_the_distribution() -> None:
    text = write_rig(
        "ubuntu 22.04", "Tesla V100 PCIe", 'driver = "470"\n[cuda]\ntoolkit = "11.8"\n'
    )
    report = check_text(text)
    assert errors(report) == []
    assert report.resolution is not None
    assert (report.resolution.driver_source, report.resolution.cuda) == ("distribution", "11.8.0")


@pytest.mark.parametrize("cuda", ["", 'toolkit = "12.8"\n'])
@pytest.mark.parametrize("gpu", _CARDS)
@pytest.mark.parametrize("os", _SYSTEMS)
def test_toolkit_and_driver_of_an_old_card_are_packaged(os: str, gpu: str, cuda: str) -> None:
    text = write_rig(os, gpu, f"[cuda]\n{cuda}")
    report = check_text(text)
    offered: list[Resolution] = [report.resolution] if report.resolution is not None else []
    offered += [
        repair.resolution
        for diagnostic in report.diagnostics
        for repair in diagnostic.repairs
        if repair.resolution is not None
    ]
    assert offered != []
    rig, matrix = parse_spec("rig.toml", text).rig, load_matrix()
    for found in offered:
        unpinned = [i.what for i in find_unpinned_items(rig, found, matrix) if i.part == "cuda"]
        assert unpinned == []
        assert found.cuda is not None
        assert tuple(map(int, found.cuda.split(".")[:2])) >= (6, 5)
        packages = [p for p in list_third_party_packages(rig, found, matrix) if p.part == "cuda"]
        assert [package for package in packages if not package.name or not package.version] == []
