"""Fabric Manager: without it, CUDA fails on servers whose GPUs are connected by switches."""

from __future__ import annotations

import pytest

from rigspec.diagnostics.model import Severity
from rigspec.lock.nvidia_repository import list_third_party_packages
from rigspec.matrix.loader import load_matrix
from rigspec.plan.steps import ServiceStep
from rigspec.spec.loader import parse_spec
from tests.drawn.build import build
from tests.resolve.rigs import check_text

RIG = 'rig = 1\nname = "node"\n[machine.node]\n'
NVLSM = {"nvlsm": None, "infiniband-diags": None}


def list_fabric_packages(lines: str) -> dict[str, str | None]:
    text = f"{RIG}{lines}\n"
    resolution = check_text(text).resolution
    assert resolution is not None
    found = list_third_party_packages(parse_spec("rig.toml", text).rig, resolution, load_matrix())
    return {each.name: each.version for each in found if each.part == "fabric-manager"}


@pytest.mark.parametrize(
    ("os", "card", "driver", "packages"),
    [
        ("ubuntu 24.04", "H100 SXM", "595.71.05", {"nvidia-fabricmanager": "595.71.05-1ubuntu1"}),
        ("ubuntu 22.04", "A100 SXM4", "580.95.05", {"nvidia-fabricmanager": "580.95.05-1"}),
        ("ubuntu 22.04", "H200", "570.172.08", {"nvidia-fabricmanager-570": "570.172.08-1"}),
        ("debian 12", "H100 SXM", "580.95.05", {"nvidia-fabricmanager": "580.95.05-1"}),
        ("rocky 9", "H100 SXM", "580.95.05", {"nvidia-fabricmanager": "580.95.05"}),
        ("rocky 9", "H100 SXM", "570.172.08", {"nvidia-fabric-manager": "570.172.08"}),
        ("ubuntu 24.04", "B200", "580.95.05", {"nvidia-fabricmanager": "580.95.05-1", **NVLSM}),
    ],
)
def test_server_with_switches_gets_fabric_manager_of_its_driver(
    os: str, card: str, driver: str, packages: dict[str, str | None]
) -> None:
    gpus = f'gpus = [{{ model = "{card}", count = 8 }}]'
    assert list_fabric_packages(f'os = "{os}"\ndriver = "{driver}"\n{gpus}') == packages


def test_cloud_instance_with_switches_gets_fabric_manager() -> None:
    assert list_fabric_packages('os = "ubuntu 24.04"\ninstance = "aws p5.48xlarge"')


@pytest.mark.parametrize(
    "lines",
    [
        'gpus = [{ model = "H100 SXM", count = 4 }]',
        'gpus = [{ model = "H100 PCIe", count = 8 }]',
        'gpus = [{ model = "RTX 3090", count = 8 }]',
        'gpus = [{ model = "H100 SXM", count = 8 }]\ndriver = "none"',
        'instance = "aws g6.xlarge"',
    ],
)
def test_server_without_switches_or_with_a_driver_gets_no_fabric_manager(lines: str) -> None:
    assert list_fabric_packages(f'os = "ubuntu 24.04"\n{lines}') == {}


@pytest.mark.parametrize("os", ["ubuntu 24.04", "rocky 9"])
def test_fabric_manager_is_installed_after_the_driver_and_starts_after_the_reboot(os: str) -> None:
    gpus = 'gpus = [{ model = "H100 SXM", count = 8 }]'
    built = build(f'{RIG}os = "{os}"\n{gpus}\n')
    assert built.failure == ""
    assert built.plan is not None
    steps = [step.id for step in built.plan.steps]

    driver, fabric, reboot, service = (
        steps.index(each)
        for each in ("driver", "fabric-manager", "reboot", "fabric-manager-service")
    )
    assert driver < fabric < reboot < service
    (unit,) = (step for step in built.plan.steps if isinstance(step, ServiceStep))
    assert unit.name == "nvidia-fabricmanager.service"


def test_driver_of_the_distribution_on_a_server_with_switches_is_refused() -> None:
    driver = 'driver = { version = "*", from = "distribution" }'
    gpus = 'gpus = [{ model = "H100 SXM", count = 8 }]'
    report = check_text(f'{RIG}os = "ubuntu 24.04"\n{driver}\n{gpus}\n')
    (error,) = (d for d in report.diagnostics if d.severity is Severity.ERROR)
    assert error.code == "RS255"
    assert 'set `from = "nvidia"`' in error.help[0]
