"""Compare the software of two machines."""

from __future__ import annotations

import dataclasses

from rigspec.backend.discovery import find_backends
from rigspec.backend.render import compile_plan
from rigspec.compare.cloud_init import iterate_first_boot_items
from rigspec.compare.model import Comparison, DifferentItem
from rigspec.compare.software import (
    Resolutions,
    UsableLock,
    compare_locked_software,
    compare_resolved_software,
)
from rigspec.lock.lockfile import read_lock
from rigspec.lock.model import Lock, LockedMachine, LockedPackage
from rigspec.plan.build import build_plan
from rigspec.spec.loader import LoadedSpec, load_spec
from tests.compare.comparisons import SOURCED, load_changed
from tests.conftest import ROOT

LOCK, DIGEST = read_lock(ROOT / "lockfiles" / "sourced")
BACKEND = next(found for found in find_backends() if found.name == "cloud-init")
# The user-data of p2 does not fit.
NARROW = dataclasses.replace(
    BACKEND, limits=tuple(dataclasses.replace(each, size=8000) for each in BACKEND.limits)
)
NAMES = ("science-3", "p2")


def find_differences(lock: Lock = LOCK, spec: LoadedSpec | None = None) -> dict[str, DifferentItem]:
    rig = (spec or load_spec(str(SOURCED))).rig
    found = compare_locked_software(rig, NAMES, UsableLock(lock, DIGEST, BACKEND), lambda *_: "")
    return {item.name: item for item in found.differences}


def replace_machine(name: str, machine: LockedMachine) -> Lock:
    machines = [machine if m.resolution.machine == name else m for m in LOCK.machines]
    return dataclasses.replace(LOCK, machines=tuple(machines))


def get_machine(name: str) -> LockedMachine:
    return next(m for m in LOCK.machines if m.resolution.machine == name)


def test_locked_software_of_sourced_differs_in_kernel_argument(
    sourced: Comparison,
) -> None:
    found = sourced.software
    assert found.basis == "lock"
    assert found.lock == DIGEST
    by_layer = {layer.layer: (layer.same, layer.differ) for layer in found.layers}
    assert by_layer["versions"] == (9, 0)
    assert by_layer["packages"] == (51, 0)
    assert by_layer["Python packages"] == (56, 0)
    assert by_layer["kernel arguments"] == (0, 1)
    assert {item.layer for item in found.differences} == {
        "kernel arguments",
        "checks",
        "first boot",
    }
    assert all(item.reason for item in found.differences)
    assert not found.is_equal


def test_user_data_limit_is_reason_for_difference() -> None:
    form = find_differences()["form of user-data"]
    assert (form.a, form.b) == ("plain", "compressed")
    assert form.reason == "aws accepts 16384 bytes of user-data"


def test_downloaded_seed_files_are_compared_like_user_data() -> None:
    found = {}
    for name in NAMES:
        plan = build_plan(load_spec(str(SOURCED)).rig, LOCK, name, DIGEST)
        files = compile_plan(plan, NARROW)
        items = iterate_first_boot_items(files)
        carried = (item for item in items if item.name.startswith("/opt/rig/lock/"))
        found[name] = {item.name: item.content for item in carried}
    assert len(found["p2"]) > 8
    assert found["p2"] == found["science-3"]


def test_files_with_short_checksums_are_compared_as_completed() -> None:
    limits = tuple(dataclasses.replace(each, size=13_000) for each in NARROW.limits)
    found = {}
    for name in NAMES:
        plan = build_plan(load_spec(str(SOURCED)).rig, LOCK, name, DIGEST)
        lock_files = {file.name: file.content for file in plan.payload}
        backend = dataclasses.replace(NARROW, limits=limits)
        items = iterate_first_boot_items(compile_plan(plan, backend), lock_files)
        found[name] = {item.name: item for item in items}
    assert found["p2"]["form of user-data"].value == "compressed, short checksums"
    assert found["science-3"]["form of user-data"].value == "plain"
    carried = {name for name in found["science-3"] if name.startswith("/opt/rig/lock/")}
    # A new machine needs no search for other sources of a repository.
    assert carried - set(found["p2"]) == {"/opt/rig/lock/apt-source-line.sh"}
    shared = carried & set(found["p2"])
    assert {found["p2"][name] for name in shared} == {found["science-3"][name] for name in shared}


def test_locked_software_with_same_kernel_argument_differs_in_user_data() -> None:
    alike = load_changed(
        SOURCED,
        (
            'os = "ubuntu 16.04"\n\n[cuda]',
            'os = "ubuntu 16.04"\nkernel_args = ["intel_iommu=off"]\n\n[cuda]',
        ),
    )
    found = find_differences(spec=alike)
    assert {item.layer for item in found.values()} == {"first boot"}
    assert "/opt/rig/install/install.sh" not in found


def test_package_with_other_version_shows_both_versions() -> None:
    p2 = get_machine("p2")
    packages = [
        dataclasses.replace(p, version="9.9-1") if p.name == "curl" else p for p in p2.packages
    ]
    packages.append(LockedPackage("htop", "system", "2.0"))
    moved = replace_machine("p2", dataclasses.replace(p2, packages=tuple(packages)))
    found = find_differences(moved)
    assert (found["curl"].a, found["curl"].b) == ("7.47.0-1ubuntu2.19", "9.9-1")
    assert (found["htop"].a, found["htop"].b) == (None, "2.0")


def test_package_with_other_checksum_is_different() -> None:
    p2 = get_machine("p2")
    packages = [
        dataclasses.replace(p, sha256="f" * 64) if p.name == "curl" else p for p in p2.packages
    ]
    found = find_differences(
        replace_machine("p2", dataclasses.replace(p2, packages=tuple(packages)))
    )
    assert found["curl"].a == "sha256 a23757333ac1"
    assert found["curl"].b == "sha256 ffffffffffff"


def test_python_package_with_other_version_is_different() -> None:
    p2 = get_machine("p2")
    env = p2.envs[0]
    packages = tuple(
        dataclasses.replace(package, version=f"9.{package.version}")
        if package.name == "numpy"
        else package
        for package in env.packages
    )
    other = dataclasses.replace(p2, envs=(dataclasses.replace(env, packages=packages),))
    found = find_differences(replace_machine("p2", other))
    assert found["science: numpy"].b == f"9.{found['science: numpy'].a}"


def test_too_large_user_data_is_not_compared() -> None:
    without_seed = load_changed(SOURCED, ('seed = "https://files.example.org/rigs"', ""))
    rig = without_seed.rig
    found = compare_locked_software(rig, NAMES, UsableLock(LOCK, DIGEST, NARROW), lambda *_: "")
    (reason,) = found.not_compared
    assert "that of p2 has" in reason
    assert "aws accepts 8000" in reason
    assert "first boot" not in {layer.layer for layer in found.layers}


def test_software_without_lock_compares_versions(lab: Comparison) -> None:
    found = lab.software
    assert found.basis == "resolution"
    assert not found.is_equal
    items = {item.name: item for item in found.differences}
    assert (items["driver"].a, items["driver"].b) == ("465.19.01", "530.30.02")
    assert (
        "CUDA 11.3 with driver 465.19.01 is the newest in NVIDIA's repository for Ubuntu 16.04"
        in items["driver"].reason
    )
    assert "run `rigspec lock`" in found.not_compared[0]


def test_resolved_software_names_machine_with_conflicts() -> None:
    rig = load_spec(str(SOURCED)).rig
    decided = Resolutions(LOCK.machines[0].resolution, None)
    found = compare_resolved_software(rig, NAMES, decided, "", lambda *_: "")
    assert found.basis == "none"
    assert found.not_compared[0].startswith("software, because p2 has conflicts")
