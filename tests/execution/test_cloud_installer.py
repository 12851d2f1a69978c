"""The installer of a new cloud machine: no records, and only the functions that it needs."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from rigspec.backend.discovery import Backend
from rigspec.backend.render import compile_plan
from rigspec.plan.model import DeploymentTarget, Plan
from rigspec.plan.steps import EnvironmentStep
from tests.execution.all_step_kinds import Supplies, every_base, every_plan
from tests.execution.cloud_init_rigs import cloud_init, shortest
from tests.execution.conftest import KEPT
from tests.execution.installer_functions import HOLD
from tests.execution.layers import Layer
from tests.lock.signed_archive import Keys

pytestmark = pytest.mark.long(seconds=5)

INSTALLER = "/opt/rig/install/install.sh"


@pytest.fixture
def plan(tmp_path: Path) -> Iterator[Plan]:
    keys = Keys.made(tmp_path)
    (tmp_path / "srv").mkdir()
    plan = every_plan(Supplies(tmp_path / "srv", keys))
    yield replace(plan, deployment=DeploymentTarget(cloud=True, provider="gcp"))
    keys.stop()


@pytest.fixture
def machine(plan: Plan, tmp_path: Path) -> Layer:
    """A new machine with the files that cloud-init writes."""
    return start_machine(plan, cloud_init(), tmp_path)


@pytest.fixture
def short_machine(plan: Plan, tmp_path: Path) -> Layer:
    """The same from the shortest user-data, with an index of Python packages of the test."""
    (environment,) = (step for step in plan.steps if isinstance(step, EnvironmentStep))
    steps = (replace(s, index=None) if s is environment else s for s in plan.steps)
    plan = replace(plan, steps=tuple(steps))
    layer = start_machine(plan, shortest(plan), tmp_path)
    installer = layer.path / "up" / INSTALLER.lstrip("/")
    text = installer.read_text("utf-8")
    assert "complete_requirements lab.requirements.txt" in text
    index = text.replace("https://pypi.org/simple/%s/", "file:///srv/simple/%s/index.html")
    assert index != text
    installer.write_text(index, "utf-8")
    pip = "[global]\nindex-url = file:///srv/simple\n"
    (layer.path / "up/etc/pip.conf").write_text(pip, "utf-8")
    return layer


def start_machine(plan: Plan, backend: Backend, folder: Path) -> Layer:
    files = {file.path: file.content for file in compile_plan(plan, backend)}
    layer = Layer.over(every_base(KEPT), folder / "system")
    layer.add(folder / "srv", "srv")
    data = files["user-data"]
    text = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    for file in yaml.safe_load(text)["write_files"]:
        path = layer.path / "up" / file["path"].lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file["content"], encoding="utf-8")
        path.chmod(int(file["permissions"], 8))
    return layer


def list_doing(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith("doing")]


def test_cloud_installer_applies_every_kind_of_step_once(machine: Layer) -> None:
    code, output = machine.run(INSTALLER)
    assert code == 0, output
    assert not (machine.path / "up/var/lib/rig/owned").exists()

    code, output = machine.run(INSTALLER)
    assert code == 0, output
    assert list_doing(output) == ["doing    Step verify"]


def test_short_cloud_installer_completes_checksums_and_repeats_a_step_on_request(
    short_machine: Layer,
) -> None:
    lock = short_machine.path / "up/opt/rig/lock"
    assert "rig-direct=1.2-1 ?\n" in (lock / "packages.system.txt").read_text("utf-8")
    code, output = short_machine.run(INSTALLER)
    assert code == 0, output
    packages, requirements = (
        (lock / name).read_text("utf-8") for name in ("packages.system.txt", "lab.requirements.txt")
    )
    assert re.match("rig-direct=1.2-1 [0-9a-f]{64}\n", packages)
    assert re.search("--hash=sha256:[0-9a-f]{64}\n", requirements)

    # It has no titles of steps.
    code, output = short_machine.run(INSTALLER)
    assert (code, list_doing(output)) == (0, ["doing    verify"]), output
    short_machine.run("rm", "/etc/skel/.rig/settings.json")
    code, output = short_machine.run(INSTALLER, "--step", "settings")
    assert (code, output) == (0, "doing    settings\n")
    assert short_machine.run("cat", "/etc/skel/.rig/settings.json") == (0, "{}\n")


def test_short_cloud_installer_index_without_locked_file_installs_nothing(
    short_machine: Layer,
) -> None:
    page = short_machine.path / "up/srv/simple/rig-one/index.html"
    page.write_text(re.sub("sha256=[0-9a-f]{64}", f"sha256={'0' * 64}", page.read_text("utf-8")))
    code, output = short_machine.run(INSTALLER)
    assert code == 1
    assert "rig-one: PyPI has no file with the checksum of the lock" in output
    assert "step env-lab failed" in output
    assert not (short_machine.path / "up/opt/rig/envs/lab").exists()


def test_cloud_installer_waits_for_other_apt_process(machine: Layer) -> None:
    """As the updates of a new machine, which start at its first boot."""
    assert machine.run(INSTALLER, "--step", "archive")[0] == 0
    script = f"{HOLD}\nhold /var/lib/dpkg/lock-frontend 3\n{INSTALLER} --step repository"
    code, output = machine.run("bash", "-c", f"{script} && {INSTALLER} --step system-packages")
    assert code == 0, output
    name = "/var/lib/dpkg/lock-frontend"
    assert f"waiting for another apt or dpkg process to release {name}" in output


def test_cloud_installer_usage_error_changes_nothing(machine: Layer) -> None:
    before = machine.outcome()
    code, output = machine.run(INSTALLER, "--frob")
    assert (code, output) == (2, f"usage: {INSTALLER} [--step ID]\n")
    assert machine.outcome() == before
    code, output = machine.run(INSTALLER, "--step", "settings")
    assert (code, output) == (0, "doing    Step settings\n")


def test_cloud_installer_group_with_name_of_account_is_an_error(machine: Layer) -> None:
    machine.run("groupadd", "ada")
    for step in ("group-crew", "user-ada"):
        code, output = machine.run(INSTALLER, "--step", step)
    assert code == 1
    advice = "remove it, or create the account with: useradd --create-home --gid ada ada"
    assert f"group ada already exists: {advice}" in output
    assert "step user-ada failed: Step user-ada; after the cause is removed, run" in output
    assert machine.run("id", "ada")[0] == 1


def test_cloud_installer_failed_step_is_named_and_repeated(machine: Layer) -> None:
    repository = machine.path / "up/srv/repository"
    hidden = repository.rename(machine.path / "up/srv/hidden")
    code, output = machine.run(INSTALLER)
    assert code == 1
    assert "install.sh: step repository failed: Step repository" in output

    hidden.rename(repository)
    code, output = machine.run(INSTALLER)
    assert code == 0, output
