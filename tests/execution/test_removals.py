"""A lock that packages of somebody else cannot stand beside: they stay until they are given up."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from rigspec.backend.discovery import find_backends
from rigspec.backend.render import compile_plan
from rigspec.plan import steps
from rigspec.plan.model import Plan
from tests.execution.all_step_kinds import (
    Supplies,
    built_package,
    every_base,
    every_plan,
    write_installer,
)
from tests.execution.conftest import KEPT
from tests.execution.layers import Layer
from tests.execution.test_ansible import fleet_of
from tests.execution.test_ansible_steps import playbook
from tests.lock.signed_archive import Keys

INSTALLER = "/root/rig/install.sh"
ASK = ("dpkg-query", "-W", "-f=${Package} ${Version} ${db:Status-Status}\n")
THEIRS = ("rig-needed 2.0 installed", "theirs 5 installed")


@dataclass(frozen=True)
class Case:
    """The rig of every step, and what a machine has before it: a newer version of what the rig
    locks, and what needs that one.
    """

    plan: Plan
    folder: Path

    @property
    def debs(self) -> list[str]:
        return [f"/srv/theirs/{path.name}" for path in (self.folder / "srv/theirs").iterdir()]


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    keys = Keys.made(tmp_path)
    srv = tmp_path / "srv"
    (srv / "theirs").mkdir(parents=True)
    plan = every_plan(Supplies(srv, keys))
    for name, version, depends in (
        ("rig-needed", "2.0", "libc6"),
        ("theirs", "5", "rig-needed (>= 2.0)"),
    ):
        built_package(tmp_path / "tree", srv / "theirs", name, version, depends)
    yield Case(plan, tmp_path)
    keys.stop()


@pytest.fixture
def machine(case: Case) -> Layer:
    layer = Layer.over(every_base(KEPT), case.folder / "system")
    layer.add(write_installer(case.plan, case.folder / "rig"), "root/rig")
    layer.add(case.folder / "srv", "srv")
    code, output = layer.run("dpkg", "--install", *case.debs)
    assert code == 0, output
    assert layer.run(INSTALLER, "--step", "archive")[0] == 0
    return layer


def found(listing: str) -> tuple[str, ...]:
    names = ("rig-needed", "rig-direct", "theirs")
    return tuple(line for line in listing.splitlines() if line.startswith(names))


def test_installer_foreign_packages_are_removed_only_if_allowed(machine: Layer) -> None:
    code, output = machine.run(INSTALLER, "--step", "system-packages")
    assert code == 1
    assert "apt would remove packages that do not belong to the rig: theirs\n" in output
    assert "run install.sh --allow-removals" in output
    assert found(machine.run(*ASK)[1]) == THEIRS

    code, output = machine.run(INSTALLER, "--step", "system-packages", "--allow-removals")
    assert code == 0, output
    now = found(machine.run(*ASK)[1])
    assert {"rig-direct 1.2-1 installed", "rig-needed 1.0 installed"} <= set(now)
    assert "theirs 5 installed" not in now
    code, output = machine.run(INSTALLER, "--uninstall")
    assert "package theirs was removed by the installation and is not restored" in output


def test_installer_replaces_its_own_conflicting_package(machine: Layer, case: Case) -> None:
    """As a driver of one branch does for that of the next."""
    machine.run("dpkg", "--purge", "theirs", "rig-needed")
    assert machine.run(INSTALLER, "--step", "system-packages")[0] == 0
    own = machine.path / "up/var/lib/rig/owned/packages"
    machine.run("dpkg", "--force-depends", "--purge", "rig-needed")
    assert machine.run("dpkg", "--install", *case.debs)[0] == 0
    with own.open("a", encoding="utf-8") as file:
        file.write("system-packages theirs\n")
    code, output = machine.run(INSTALLER, "--step", "system-packages")
    assert code == 0, output


@pytest.mark.parametrize(
    ("target", "context"), [("docker", ""), ("devcontainer", ".devcontainer/")]
)
def test_rig_image_does_not_remove_base_packages(
    target: str, context: str, case: Case, machine: Layer
) -> None:
    (backend,) = (backend for backend in find_backends() if backend.name == target)
    (packages,) = (step for step in case.plan.steps if step.id == "system-packages")
    files = compile_plan(replace(case.plan, steps=(packages,)), backend)
    contents = {file.path.removeprefix(context): file.content for file in files}
    (line,) = (
        line.strip()
        for line in contents["Dockerfile"].decode().splitlines()
        if "rig-image apt-install" in line
    )
    assert " packages.system.txt@" in line
    for name in ("rig-image", "files/packages.system.txt"):
        (machine.path / "up/root" / Path(name).name).write_bytes(contents[name])
    (machine.path / "up/root/rig-image").chmod(0o755)
    code, output = machine.run("env", "RIG_LOCK=/root", "sh", "-c", f"/root/{line}")
    assert code == 100
    assert "E: Packages need to be removed but remove is disabled." in output
    assert found(machine.run(*ASK)[1]) == THEIRS


def test_apptainer_definition_does_not_remove_base_packages(case: Case, machine: Layer) -> None:
    """Its line runs unchanged, on a machine in the place of the base."""
    (backend,) = (backend for backend in find_backends() if backend.name == "apptainer")
    (packages,) = (step for step in case.plan.steps if step.id == "system-packages")
    files = compile_plan(replace(case.plan, steps=(packages,)), backend)
    (recipe,) = (file.content.decode() for file in files if file.path.endswith("rig.def"))
    (line,) = re.findall(r"bash /opt/rig/lock/steps\.sh apply (?:[^\n&]|\\\n)*", recipe)
    lock = machine.path / "up/opt/rig/lock"
    lock.mkdir(parents=True, exist_ok=True)
    for file in files:
        if "files/" in file.path:
            (lock / Path(file.path).name).write_bytes(file.content)
    code, output = machine.run("bash", "-c", line.rstrip(" \\\n"))
    assert code == 100
    assert "E: Packages need to be removed but remove is disabled." in output
    assert found(machine.run(*ASK)[1]) == THEIRS


@pytest.mark.e2e(minutes=1)
def test_playbook_does_not_remove_foreign_packages(case: Case) -> None:
    wanted = ("archive", "system-packages")
    chosen = [step for step in case.plan.steps if step.id in wanted]
    assert isinstance(chosen[0], steps.AptSourceStep)
    book = playbook(case.plan, case.folder / "book", *chosen)
    with fleet_of(case.folder, "one") as fleet:
        root = fleet.hosts[0].root
        shutil.copytree(case.folder / "srv", root.path / "srv", symlinks=True, dirs_exist_ok=True)
        (root.path / "etc/apt/sources.list").write_text("", encoding="utf-8")
        root.run("dpkg", "--install", *case.debs)
        status, output, _ = fleet.play(book)
        assert status != 0
        assert "The following packages will be REMOVED" in output
        assert found(root.run(*ASK).stdout) == THEIRS
        status, output, _ = fleet.play(book, "-e", "rig_removals=true")
        assert status == 0, output
        assert "rig-needed 1.0 installed" in found(root.run(*ASK).stdout)
