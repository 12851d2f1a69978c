"""What users share, as the doctor sees it: groups, folders, quotas, an activated environment."""

from __future__ import annotations

import grp
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rigspec.backend.discovery import find_backends
from rigspec.backend.render import compile_plan
from rigspec.backend.shell_library import read_library
from rigspec.doctor.diagnose import diagnose
from rigspec.lock.model import LockedMachine
from rigspec.plan.inspection.findings import Finding, Status
from rigspec.plan.model import BaseImage, Plan
from rigspec.plan.steps import (
    AccessStep,
    Check,
    EnvironmentVariablesStep,
    GroupStep,
    QuotaStep,
    Step,
    Variable,
    VerifyStep,
    build_call,
)
from rigspec.resolution import Resolution

RESOLUTION = Resolution("box", "debian 12", "x86_64", "cpu")


def build_plan(step: Step) -> Plan:
    locked, base = LockedMachine(RESOLUTION), BaseImage("debian:12")
    return Plan("lab", "", None, RESOLUTION, locked, (), (step,), (), (), base, "0" * 64)


def check_step(step: Step, texts: dict[str, str] | None = None) -> tuple[Finding, ...]:
    plan = build_plan(step)
    return diagnose(plan, plan.steps, texts or {}, "shell").items


OWN = grp.getgrgid(os.getgid()).gr_name


def test_check_group_members_are_compared() -> None:
    there = GroupStep(id="g", title="g", layer="user", name=OWN)
    missing = GroupStep(id="g", title="g", layer="user", name="no-such-group")
    other = GroupStep(id="g", title="g", layer="user", name=OWN, members=("no-such-user",))
    assert [item.status for item in check_step(there)] == [Status.OK]
    assert [item.status for item in check_step(missing)] == [Status.MISSING]
    assert [item.status for item in check_step(other)] == [Status.DIFFERS]


def test_check_access_owner_and_mode_are_compared(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    step = AccessStep(
        id="a", title="a", layer="user", path=str(tmp_path), owner="root:x", mode="0750"
    )
    mode, owner = check_step(step)
    assert (owner.status, mode.status) == (Status.DIFFERS, Status.OK)


def test_check_quota_not_enforced_is_unknown() -> None:
    step = QuotaStep(id="q", title="q", layer="user", user="root", limit="1 GB", kib=976562)
    (item,) = check_step(step)
    assert item.status is Status.UNKNOWN
    assert not item.is_difference


def test_run_checks_requiring_root_is_unknown_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    root_check = Check("a check", ("printf", "else"), "as locked", requires_root=True)
    step = VerifyStep(id="verify", title="v", layer="verify", checks=(root_check,))
    for user, status in ((0, Status.DIFFERS), (1000, Status.UNKNOWN)):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        assert [item.status for item in check_step(step)] == [status]


def test_check_environment_variables_activation_sets_and_restores(tmp_path: Path) -> None:
    """The installer's own steps, in an environment of this test."""
    path = tmp_path / "lab"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", path], check=True)
    step = EnvironmentVariablesStep(
        id="variables-lab",
        title="t",
        layer="env",
        name="lab",
        path=str(path),
        by_conda=False,
        variables=(Variable("RIG_LAB", ("here",), False), Variable("RIG_LIST", ("/x",), True)),
    )
    shell = next(backend for backend in find_backends() if backend.name == "shell")
    plan = build_plan(step)
    texts = {
        Path(file.path).name: file.content.decode()
        for file in compile_plan(plan, shell)
        if file.path.startswith("files/")
    }
    missing = {item.aspect: item.status for item in check_step(step, texts)}
    assert Status.OK not in missing.values()

    lock = tmp_path / "lock"
    lock.mkdir()
    for name, text in texts.items():
        (lock / name).write_text(text, encoding="utf-8")
    library = read_library("first-boot.sh").replace("LOCK=/opt/rig/lock", f"LOCK={lock}")
    for _ in range(2):
        command = ["bash", "-c", f'{library}\ncall_step apply "$@"', "bash"]
        subprocess.run([*command, *build_call(step, (step,))], check=True)
    activate = (path / "bin" / "activate").read_text(encoding="utf-8")
    assert activate.count(f". {path}/etc/rig/activate.sh\n") == 1
    assert activate.count(f". {path}/etc/rig/deactivate.sh\n") == 1

    program = (
        "export RIG_LAB=mine; . {0}/bin/activate; echo $RIG_LAB $RIG_LIST; . {0}/bin/activate; "
        "deactivate; echo $RIG_LAB ${{RIG_LIST-unset}}; deactivate 2>/dev/null; echo $RIG_LAB"
    )
    for interpreter in ("bash", "dash"):
        command = [interpreter, "-c", program.format(path)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.stdout.split("\n")[:2] == ["here /x", "mine unset"], result.stderr
