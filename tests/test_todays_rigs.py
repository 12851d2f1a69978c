"""Rigs of today: each is locked and compiled, and each machine gets what its cards can use."""

from __future__ import annotations

import pytest

from rigspec.backend.discovery import find_backends
from rigspec.backend.render import compile_plan
from rigspec.check import check_machine
from rigspec.lock.lockfile import read_lock
from rigspec.plan.build import build_plan
from rigspec.plan.steps import EnvironmentStep, ServiceStep
from rigspec.resolution import Resolution
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import load_spec
from tests.conftest import ROOT
from tests.new_locks import Once, Rigspec, lock_rig

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

# The rig, its machine, its environments, and the package whose build decides which card it runs on.
ENVIRONMENTS = [
    ("workstation-4090", "desk", {"lab"}, "torch"),
    ("lab-5090", "lab", {"train"}, "torch"),
    ("aws-g6", "rented", {"serve"}, "tensorflow"),
    ("node-8xh100", "node", {"train"}, "torch"),
    ("four-towers", "kepler", {"kepler", "tools"}, "torch==1.12."),
    ("four-towers", "pascal", {"pascal", "tools"}, "torch==2.7."),
    ("four-towers", "ampere", {"serve", "tools"}, "vllm"),
    ("four-towers", "hopper", {"serve", "tools"}, "vllm"),
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


@pytest.mark.parametrize(("name", "machine", "envs", "package"), ENVIRONMENTS)
def test_rig_is_compiled_to_every_target_with_the_environments_of_its_machine(
    name: str, machine: str, envs: set[str], package: str, rigspec: Rigspec, once: Once
) -> None:
    path = FOLDER / f"{name}.toml"
    lock, digest = read_lock(lock_rig(path, rigspec, once))
    plan = build_plan(load_spec(str(path)).rig, lock, machine, digest)
    steps = [step for step in plan.steps if isinstance(step, EnvironmentStep)]
    assert {step.name for step in steps} == envs
    pins = [f"{each.name}=={each.version}" for step in steps for each in step.packages]
    assert any(pin.startswith(package) for pin in pins)
    for backend in find_backends():
        files = {file.path: file.content for file in compile_plan(plan, backend)}
        assert files or backend.name in ("conda", "pixi")  # no environment is of conda
        others = {other for _, _, their, _ in ENVIRONMENTS for other in their} - envs
        written = b"".join(files.values())
        assert not [env for env in others if b"/opt/rig/envs/" + env.encode() in written]


def test_model_server_of_the_towers_runs_on_one_of_them(rigspec: Rigspec, once: Once) -> None:
    path = FOLDER / "four-towers.toml"
    lock, digest = read_lock(lock_rig(path, rigspec, once))
    plans = {
        machine.resolution.machine: build_plan(
            load_spec(str(path)).rig, lock, machine.resolution.machine, digest
        )
        for machine in lock.machines
    }
    servers = [
        machine
        for machine, plan in plans.items()
        for step in plan.steps
        if isinstance(step, ServiceStep) and "llm" in step.name
    ]
    assert servers == ["hopper"]


def test_every_rig_and_machine_is_tested() -> None:
    tested = {(name, machine) for name, machine, *_ in DRIVERS}
    assert tested == {(name, machine) for name, machine, *_ in ENVIRONMENTS}
    there = {
        (path.stem, machine)
        for path in FOLDER.glob("*.toml")
        for machine in load_spec(str(path)).rig.machine
    }
    assert tested == there
