"""Decisions about container images: the order of layers, what is grouped, what CUDA requires."""

from __future__ import annotations

import pytest

from rigspec.backend import image
from rigspec.backend.discovery import find_backends
from rigspec.lock.lockfile import read_lock
from rigspec.plan import steps
from rigspec.plan.build import build_plan
from rigspec.plan.model import Omission, Plan
from rigspec.spec.loader import load_spec
from tests.conftest import ROOT

RIGS = sorted(path.name for path in (ROOT / "lockfiles").iterdir())


def docker_plan(rig: str) -> tuple[Plan, tuple[steps.Step, ...]]:
    """Return the plan of a rig in specs/ and the steps that docker includes."""
    lock, digest = read_lock(ROOT / "lockfiles" / rig)
    spec = load_spec(str(ROOT / "specs" / f"{rig}.toml")).rig
    plan = build_plan(spec, lock, lock.machines[0].resolution.machine, digest)
    (backend,) = (backend for backend in find_backends() if backend.name == "docker")
    return plan, backend.steps(plan)


@pytest.mark.parametrize("rig", RIGS)
def test_order_layers_keeps_every_step_and_follows_needs(rig: str) -> None:
    _, wanted = docker_plan(rig)
    ordered = [step for layer in image.order_layers(wanted) for step in layer.steps]
    assert sorted(step.id for step in ordered) == sorted(step.id for step in wanted)
    places = {step.id: place for place, step in enumerate(ordered)}
    assert all(
        places[need] < places[step.id] for step in ordered for need in step.needs if need in places
    )


def test_order_layers_of_server_is_by_frequency_of_change() -> None:
    _, wanted = docker_plan("dl-server")
    layers = image.order_layers(wanted)
    assert [layer.steps[0].id for layer in layers if layer.kind not in ("service", "verify")] == [
        *("platform", "archive", "system-packages", "repository-nvidia-cuda", "cuda", "cudnn"),
        *("installer-anaconda3-5-2-0", "env-fastai", "notebook-alice-certificate"),
        *("settings-fastai-keras", "variables"),
    ]
    packages = next(layer for layer in layers if layer.kind == "apt-packages")
    assert packages.package_lists == tuple(
        f"packages.{part}.txt" for part in ("system", "fetch", "certificate")
    )
    assert packages.title == "System packages, download tools, openssl"


@pytest.mark.parametrize(
    ("version", "required"), [("9.0.176", "9.0"), ("10.2.89", "10.2"), ("11.8.0", "11.0")]
)
def test_required_cuda_since_11_is_major_version(version: str, required: str) -> None:
    assert image.required_cuda(version) == required


def test_group_omissions_gives_one_line_per_reason() -> None:
    omissions = [Omission(f"Account {name}", "accounts") for name in ("ada", "bob", "eve")]
    omissions.insert(1, Omission("Reboot", "kernel"))
    assert image.group_omissions(omissions) == (
        ("accounts", "Account ada, 2 more"),
        ("kernel", "Reboot"),
    )


def test_list_variables_of_one_environment_begins_path_with_its_programs() -> None:
    _, wanted = docker_plan("dl-server")
    (path,) = (each for each in image.list_variables(wanted) if each.name == "PATH")
    assert path.values == ("/opt/rig/envs/fastai/bin", "/usr/local/cuda-9.0/bin")


def test_checks_of_docker_leave_out_layers_of_the_host() -> None:
    plan, _ = docker_plan("dl-server")
    (backend,) = (backend for backend in find_backends() if backend.name == "docker")
    layers = {check.layer for check in backend.checks_of(plan)}
    assert layers == {"system", "fetch", "cuda", "certificate", "env"}


@pytest.mark.parametrize("rig", RIGS)
def test_image_has_no_repository_that_only_the_driver_of_the_host_needs(rig: str) -> None:
    plan, wanted = docker_plan(rig)
    included = {step.id for step in wanted}
    for step in wanted:
        if isinstance(step, steps.AptRepositoryStep):
            dependents = [other.id for other in plan.steps if step.id in other.needs]
            assert not dependents or included & set(dependents), step.id
