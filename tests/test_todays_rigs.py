"""Rigs of today: each exists, and each machine gets the driver that its cards can use."""

from __future__ import annotations

import pytest

from rigspec.check import check_machine
from rigspec.resolution import Resolution
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import load_spec
from tests.conftest import ROOT

FOLDER = ROOT / "specs" / "today"

# The rig, its machine, and the driver's branch, source and kernel modules.
DRIVERS = [
    ("workstation-4090", "desk", "620", "nvidia", "open"),
    ("lab-5090", "lab", "580", "nvidia", "open"),
    ("aws-g6", "rented", "620", "nvidia", "open"),
    ("node-8xh100", "node", "620", "none", "open"),
    ("four-towers", "kepler", "470", "distribution", "proprietary"),
    ("four-towers", "pascal", "580", "nvidia", "proprietary"),
    ("four-towers", "ampere", "620", "nvidia", "open"),
    ("four-towers", "hopper", "620", "nvidia", "open"),
]


def resolved(name: str, machine: str) -> Resolution:
    spec = load_spec(str(FOLDER / f"{name}.toml"))
    report = check_machine(spec, machine, load_required_matrix(spec.rig, machine))
    assert report.status == "ok", [d.message for d in report.diagnostics]
    assert report.resolution is not None
    return report.resolution


@pytest.mark.parametrize(("name", "machine", "branch", "source", "modules"), DRIVERS)
def test_rig_gets_the_driver_of_its_cards(
    name: str, machine: str, branch: str, source: str, modules: str
) -> None:
    found = resolved(name, machine)
    assert found.driver is not None
    assert found.driver.partition(".")[0] == branch
    assert (found.driver_source, found.kernel_modules) == (source, modules)


def test_every_rig_and_machine_is_tested() -> None:
    tested = {(name, machine) for name, machine, *_ in DRIVERS}
    there = {
        (path.stem, machine)
        for path in FOLDER.glob("*.toml")
        for machine in load_spec(str(path)).rig.machine
    }
    assert tested == there
