"""Whether the software is the same, item by item."""

from __future__ import annotations

import dataclasses

from rigspec.backend.discovery import find_backends
from rigspec.backend.render import compile_plan
from rigspec.compare.cloud_init import first_boot_promises
from rigspec.compare.model import Comparison, Item
from rigspec.compare.software import Decided, UsableLock, locked_software, resolved_software
from rigspec.lock.lockfile import read_lock
from rigspec.lock.model import Lock, LockedMachine, LockedPackage
from rigspec.plan.build import build_plan
from rigspec.spec.loader import LoadedSpec, load_spec
from tests.compare.comparisons import SOURCED, changed
from tests.conftest import ROOT

LOCK, DIGEST = read_lock(ROOT / "lockfiles" / "sourced")
BACKEND = next(found for found in find_backends() if found.name == "cloud-init")
NAMES = ("science-3", "p2")


def differences(lock: Lock = LOCK, spec: LoadedSpec | None = None) -> dict[str, Item]:
    rig = (spec or load_spec(str(SOURCED))).rig
    found = locked_software(rig, NAMES, UsableLock(lock, DIGEST, BACKEND), lambda *_: "")
    return {item.name: item for item in found.differences}


def with_machine(name: str, machine: LockedMachine) -> Lock:
    machines = [machine if m.resolution.machine == name else m for m in LOCK.machines]
    return dataclasses.replace(LOCK, machines=tuple(machines))


def machine(name: str) -> LockedMachine:
    return next(m for m in LOCK.machines if m.resolution.machine == name)


def test_two_machines_of_sourced_differ_in_one_kernel_argument_and_what_carries_it_out(
    sourced: Comparison,
) -> None:
    found = sourced.software
    assert found.basis == "lock"
    assert found.lock == DIGEST
    by_layer = {layer.layer: (layer.same, layer.differ) for layer in found.layers}
    assert by_layer["versions"] == (9, 0)
    assert by_layer["packages"] == (51, 0)
    assert by_layer["Python packages"] == (55, 0)
    assert by_layer["kernel arguments"] == (0, 1)
    assert {item.layer for item in found.differences} == {
        "kernel arguments",
        "checks",
        "first boot",
    }
    assert all(item.why for item in found.differences)
    assert not found.equal


def test_what_a_provider_takes_is_a_reason() -> None:
    form = differences()["form of user-data"]
    assert (form.a, form.b) == ("as it is", "fetches the rest")
    assert form.why == "aws takes 16384 bytes of user-data"


def test_what_is_fetched_is_compared_as_if_it_stood_in_user_data() -> None:
    found = {}
    for name in NAMES:
        plan = build_plan(load_spec(str(SOURCED)).rig, LOCK, name, DIGEST)
        files = compile_plan(plan, BACKEND)
        promises = first_boot_promises(files)
        carried = (p for p in promises if p.name.startswith("/opt/rig/install/files/"))
        found[name] = {promise.name: promise.content for promise in carried}
    assert len(found["p2"]) > 8
    assert found["p2"] == found["science-3"]


def test_with_the_same_argument_only_the_form_of_user_data_differs() -> None:
    alike = changed(
        SOURCED,
        (
            'os = "ubuntu 16.04"\n\n[cuda]',
            'os = "ubuntu 16.04"\nkernel_args = ["intel_iommu=off"]\n\n[cuda]',
        ),
    )
    found = differences(spec=alike)
    assert {item.layer for item in found.values()} == {"first boot"}
    assert "/opt/rig/install/install.sh" not in found


def test_another_version_of_a_package_is_named_with_both_sides() -> None:
    p2 = machine("p2")
    packages = [
        dataclasses.replace(p, version="9.9-1") if p.name == "curl" else p for p in p2.packages
    ]
    packages.append(LockedPackage("htop", "system", "2.0"))
    moved = with_machine("p2", dataclasses.replace(p2, packages=tuple(packages)))
    found = differences(moved)
    assert (found["curl"].a, found["curl"].b) == ("7.47.0-1ubuntu2.19", "9.9-1")
    assert (found["htop"].a, found["htop"].b) == (None, "2.0")


def test_the_same_version_of_other_bytes_is_another() -> None:
    p2 = machine("p2")
    packages = [
        dataclasses.replace(p, sha256="f" * 64) if p.name == "curl" else p for p in p2.packages
    ]
    found = differences(with_machine("p2", dataclasses.replace(p2, packages=tuple(packages))))
    assert found["curl"].a == "sha256 a23757333ac1"
    assert found["curl"].b == "sha256 ffffffffffff"


def test_another_python_package_is_found_in_the_requirements() -> None:
    p2 = machine("p2")
    env = p2.envs[0]
    text = env.requirements.replace("numpy==", "numpy==9.", 1)
    other = dataclasses.replace(p2, envs=(dataclasses.replace(env, requirements=text),))
    found = differences(with_machine("p2", other))
    assert found["science: numpy"].b == f"9.{found['science: numpy'].a}"


def test_a_file_that_no_provider_takes_is_not_compared_and_that_is_said() -> None:
    without_seed = changed(SOURCED, ('seed = "https://files.example.org/rigs"', ""))
    rig = without_seed.rig
    found = locked_software(rig, NAMES, UsableLock(LOCK, DIGEST, BACKEND), lambda *_: "")
    (told,) = found.without
    assert "that of p2 has" in told
    assert "aws takes 16384" in told
    assert "first boot" not in {layer.layer for layer in found.layers}


def test_without_a_lock_the_versions_are_compared_and_the_rest_is_named(lab: Comparison) -> None:
    found = lab.software
    assert found.basis == "resolution"
    assert not found.equal
    told = {item.name: item for item in found.differences}
    assert (told["driver"].a, told["driver"].b) == ("465.19.01", "530.30.02")
    assert (
        "CUDA 11.3 with driver 465.19.01 is the newest in NVIDIA's repository for Ubuntu 16.04"
        in told["driver"].why
    )
    assert "Run `rigspec lock`" in found.without[0]


def test_a_machine_that_cannot_exist_is_named() -> None:
    rig = load_spec(str(SOURCED)).rig
    decided = Decided(LOCK.machines[0].resolution, None)
    found = resolved_software(rig, NAMES, decided, "", lambda *_: "")
    assert found.basis == "none"
    assert found.without[0].startswith("p2 cannot exist")
