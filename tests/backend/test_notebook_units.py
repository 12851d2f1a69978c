"""The units of notebook servers, as systemd itself reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rigspec.lock.lockfile import read_lock
from rigspec.plan.build import build_plan
from rigspec.plan.steps import ServiceStep
from rigspec.spec.loader import load_spec
from tests.conftest import ROOT
from tests.systemd_units import check_unit


def notebooks() -> list[Any]:
    rig = load_spec(str(ROOT / "specs" / "dl-server.toml")).rig
    lock, digest = read_lock(ROOT / "lockfiles" / "dl-server")
    plan = build_plan(rig, lock, lock.machines[0].resolution.machine, digest)
    services = [step for step in plan.steps if isinstance(step, ServiceStep) and step.unit]
    return [pytest.param(step, id=step.name) for step in services if "notebook" in step.name]


@pytest.mark.parametrize("service", notebooks())
def test_notebook_unit_passes_systemd_analyze_and_restarts(
    service: ServiceStep, tmp_path: Path
) -> None:
    check_unit(service, tmp_path)
    settings = dict(line.split("=", 1) for line in service.unit.splitlines() if "=" in line)
    assert settings["Restart"] == "on-failure"
    # One kernel that takes all memory must not take the server and the others with it.
    assert settings["OOMPolicy"] == "continue"
    assert {"MemoryMax", "TasksMax", "LimitNOFILE"} <= settings.keys()
