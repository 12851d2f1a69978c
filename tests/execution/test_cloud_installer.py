"""The installer of a new cloud machine: no records, and only the functions that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from rigspec.backend.discovery import find_backends
from rigspec.backend.render import compile_plan
from rigspec.plan.model import DeploymentTarget
from tests.execution.all_step_kinds import Supplies, every_base, every_plan
from tests.execution.conftest import KEPT
from tests.execution.layers import Layer
from tests.lock.signed_archive import Keys

pytestmark = pytest.mark.long(seconds=5)

INSTALLER = "/opt/rig/install/install.sh"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Layer]:
    """A new machine with the files that cloud-init writes."""
    keys = Keys.made(tmp_path)
    (tmp_path / "srv").mkdir()
    plan = every_plan(Supplies(tmp_path / "srv", keys))
    plan = replace(plan, deployment=DeploymentTarget(cloud=True, provider="gcp"))
    backend = next(backend for backend in find_backends() if backend.name == "cloud-init")
    files = {file.path: file.content for file in compile_plan(plan, backend)}
    layer = Layer.over(every_base(KEPT), tmp_path / "system")
    layer.add(tmp_path / "srv", "srv")
    for file in yaml.safe_load(files["user-data"])["write_files"]:
        path = layer.path / "up" / file["path"].lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file["content"], encoding="utf-8")
        path.chmod(int(file["permissions"], 8))
    yield layer
    keys.stop()


def test_cloud_installer_applies_every_kind_of_step_once(machine: Layer) -> None:
    code, output = machine.run(INSTALLER)
    assert code == 0, output
    assert not (machine.path / "up/var/lib/rig/owned").exists()

    code, output = machine.run(INSTALLER)
    assert code == 0, output
    doing = [line for line in output.splitlines() if line.startswith("doing")]
    assert doing == ["doing    Step verify"]


def test_cloud_installer_failed_step_is_named_and_repeated(machine: Layer) -> None:
    repository = machine.path / "up/srv/repository"
    hidden = repository.rename(machine.path / "up/srv/hidden")
    code, output = machine.run(INSTALLER)
    assert code == 1
    assert "install.sh: step repository failed: Step repository" in output

    hidden.rename(repository)
    code, output = machine.run(INSTALLER)
    assert code == 0, output
