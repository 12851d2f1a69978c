"""Environments that are limited to machines are checked, explained and drawn there only."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.check import check_machine
from rigspec.diagnostics.model import Report
from rigspec.resolve.problem.builder import list_required_products, load_required_matrix
from rigspec.spec.loader import parse_spec

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
LAB = """
rig = 1
name = "lab"
[machine.kepler]
os = "debian 11"
gpus = ["K80"]
[machine.hopper]
os = "ubuntu 24.04"
gpus = ["H100 PCIe"]
[env.old]
machines = ["kepler"]
python = "3.10"
interpreter = "uv"
frameworks = { torch = "1.12" }
[env.new]
machines = ["hopper"]
python = "3.12"
interpreter = "uv"
frameworks = { jax = "*" }
config = { matplotlib = { backend = "Agg" } }
packages = { matplotlib = "*" }
"""
LIMITS = ('machines = ["kepler"]\n', 'machines = ["hopper"]\n')


def check(machine: str, text: str = LAB) -> Report:
    spec = parse_spec("rig.toml", text)
    return check_machine(spec, machine, load_required_matrix(spec.rig, machine))


@pytest.mark.parametrize(("machine", "env"), [("kepler", "old"), ("hopper", "new")])
def test_machine_resolves_its_environments_only(machine: str, env: str) -> None:
    report = check(machine)
    assert report.status == "ok"
    assert report.resolution is not None
    assert [each.name for each in report.resolution.envs] == [env]


def test_machine_needs_no_tables_of_other_environments() -> None:
    rig = parse_spec("rig.toml", LAB).rig
    assert "jax" not in list_required_products(rig, "kepler")
    assert "torch" not in list_required_products(rig, "hopper")


def test_conflict_advises_to_limit_its_environment_and_disappears_with_it() -> None:
    wide = LAB.replace(LIMITS[0], "")
    report = check("hopper", wide)
    (conflict,) = [each for each in report.diagnostics if each.severity == "error"]
    assert "set `machines` of `[env.old]` to those that can run it, without `hopper`" in (
        conflict.help
    )
    assert check("kepler", wide).status == "ok"
    assert check(
        "hopper", wide.replace("[env.old]", '[env.old]\nmachines = ["kepler"]')
    ).status == ("ok")


def test_conflict_on_the_only_machine_of_an_environment_does_not_advise_to_limit_it() -> None:
    report = check(
        "kepler", LAB.replace(LIMITS[0], 'machines = ["kepler"]\n').replace("1.12", "2.9")
    )
    (conflict,) = [each for each in report.diagnostics if each.severity == "error"]
    assert not any("machines" in each for each in conflict.help)


def test_repair_keeps_environments_on_their_machines() -> None:
    report = check("kepler", LAB.replace('torch = "1.12"', 'torch = "2.9"'))
    (conflict,) = [each for each in report.diagnostics if each.severity == "error"]
    resolutions = [repair.resolution for repair in conflict.repairs if repair.resolution]
    assert resolutions
    assert all([env.name for env in each.envs] == ["old"] for each in resolutions)


def test_invalid_name_in_an_environment_is_an_error_on_its_machine_only() -> None:
    text = LAB.replace('jax = "*"', 'jaxx = "*"')
    assert check("hopper", text).status == "invalid"
    assert check("kepler", text).status == "ok"


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    path = tmp_path / "rig.toml"
    path.write_text(LAB, encoding="utf-8")
    return path


def test_why_leaves_out_machines_without_the_component(lab: Path, rigspec: Rigspec) -> None:
    done = rigspec("why", lab, "torch")
    assert (done.returncode, done.stderr) == (0, "")
    assert "PyTorch 1.12.1 in the environment old" in done.stdout


def test_why_on_a_machine_without_the_component_names_its_machines(
    lab: Path, rigspec: Rigspec
) -> None:
    done = rigspec("why", lab, "torch", "--machine", "hopper")
    assert done.returncode == 2
    assert "hopper has no component `torch`" in done.stderr
    assert "[env.old] is on kepler only" in done.stderr


def test_graph_has_the_environments_of_its_machine(lab: Path, rigspec: Rigspec) -> None:
    done = rigspec("graph", lab, "--machine", "kepler")
    assert done.returncode == 0, done.stderr
    assert "environment old" in done.stdout
    assert "environment new" not in done.stdout


def test_compare_lists_environments_of_one_machine(lab: Path, rigspec: Rigspec) -> None:
    done = rigspec("compare", lab, "kepler", "hopper")
    assert done.returncode == 0, done.stderr
    assert "torch" in done.stdout
    assert "jax" in done.stdout
