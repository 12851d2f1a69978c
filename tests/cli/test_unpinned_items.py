"""Items that a lock does not pin: one warning for each, with its machines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rigspec.check import check_machine
from rigspec.cli.common.lockfile import warn_unpinned
from rigspec.lock.model import LockedMachine, Unpinned
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import parse_spec

SPEC = """
rig = 1
name = "lab"
[machine.one]
os = "debian 13"
[machine.two]
os = "debian 13"
"""
IMAGE = Unpinned("base image debian:13", "no registry answered", "image")
SYSTEM = Unpinned("packages of the system", "its server did not answer")


def build_machines() -> list[LockedMachine]:
    """Two machines with the same base image, of which the second lacks packages as well."""
    spec = parse_spec("rig.toml", SPEC)
    found = []
    for name in spec.rig.machine:
        resolution = check_machine(spec, name, load_required_matrix(spec.rig, name)).resolution
        assert resolution is not None
        found.append(LockedMachine(resolution=resolution, files=(), envs=(), unpinned=(IMAGE,)))
    return [found[0], replace(found[1], unpinned=(IMAGE, SYSTEM))]


def test_item_of_several_machines_is_one_warning(capsys: pytest.CaptureFixture[str]) -> None:
    machines = build_machines()
    warn_unpinned(machines, quiet=False)
    assert capsys.readouterr().err.splitlines() == [
        "warning[RS505]: not pinned on one, two: base image debian:13 (no registry answered)",
        "warning[RS505]: not pinned on two: packages of the system (its server did not answer)",
    ]
    warn_unpinned(machines, quiet=False, has_base_image=False)
    (line,) = capsys.readouterr().err.splitlines()
    assert "packages of the system" in line


def test_item_of_the_only_machine_has_no_name(capsys: pytest.CaptureFixture[str]) -> None:
    warn_unpinned(build_machines()[:1], quiet=False)
    assert capsys.readouterr().err == (
        "warning[RS505]: not pinned: base image debian:13 (no registry answered)\n"
    )
