"""What single steps of the playbook leave behind: a small rig, over ssh, on a Debian 12."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rigspec.backend.discovery import find_backends
from rigspec.backend.render import compile_plan
from rigspec.fs.atomic_tree import write_tree_atomically
from rigspec.plan import steps
from rigspec.plan.model import Plan
from tests.execution.all_step_kinds import Supplies, every_plan
from tests.execution.test_ansible import Fleet, fleet_of
from tests.lock.signed_archive import Keys

pytestmark = pytest.mark.long(seconds=15)

SETTINGS, UNIT = "/etc/rig-every.conf", "rig-every.service"
# In the place of systemd, which does not run in a root: it writes down what it is asked for.
SYSTEMCTL = "#!/bin/sh\nprintf '%s\\n' \"$*\" >>/root/asked\n"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Fleet]:
    """One, whose root makes files for itself alone."""
    with fleet_of(tmp_path, "one") as fleet:
        root = fleet.hosts[0].root.path
        (root / "root/.bashrc").write_text("umask 077\n", encoding="utf-8")
        (root / "usr/local/bin/systemctl").write_text(SYSTEMCTL, encoding="utf-8")
        (root / "usr/local/bin/systemctl").chmod(0o755)
        (root / "run/systemd/system").mkdir(parents=True)
        yield fleet


@pytest.fixture
def every(tmp_path: Path) -> Iterator[Plan]:
    keys = Keys.made(tmp_path)
    (tmp_path / "srv").mkdir()
    yield every_plan(Supplies(tmp_path / "srv", keys))
    keys.stop()


def playbook(plan: Plan, folder: Path, *chosen: steps.Step) -> Path:
    (platform,) = (step for step in plan.steps if step.kind == "platform")
    (ansible,) = (backend for backend in find_backends() if backend.name == "ansible")
    write_tree_atomically(folder, compile_plan(replace(plan, steps=(platform, *chosen)), ansible))
    return folder / "playbook.yml"


def restarts(machine: Fleet) -> int:
    calls = machine.hosts[0].root.path / "root/asked"
    lines = calls.read_text("utf-8").splitlines() if calls.exists() else []
    return sum(line == f"restart {UNIT}" for line in lines)


@pytest.mark.e2e(minutes=1)
def test_playbook_failed_run_restarts_service_in_next_run(
    machine: Fleet, every: Plan, tmp_path: Path
) -> None:
    titled = {"title": "A step", "layer": "x"}
    settings = steps.FileStep(id="settings", path=SETTINGS, content="a = 1\n", **titled)
    fails = steps.AccessStep(
        id="fails", path="/srv/there", owner="root:root", mode="0755", **titled
    )
    service = steps.ServiceStep(
        id="service", name=UNIT, unit="[Service]\n", restart_on=("settings",), **titled
    )
    root = machine.hosts[0].root.path
    (root / "srv/there").mkdir()
    first = playbook(every, tmp_path / "first", settings, fails, service)
    status, output, _ = machine.play(first)
    assert status == 0, output
    assert restarts(machine) == 1

    # Other settings, and what comes behind them fails.
    (root / "srv/there").rmdir()
    other = replace(settings, content="a = 2\n")
    second = playbook(every, tmp_path / "second", other, fails, service)
    status, output, counts = machine.play(second)
    assert (status != 0, counts["one"]["failed"]) == (True, 1), output
    assert (root / SETTINGS.lstrip("/")).read_text("utf-8") == "a = 2\n"
    assert restarts(machine) == 1

    (root / "srv/there").mkdir()
    status, output, _ = machine.play(second)
    assert status == 0, output
    assert restarts(machine) == 2
    status, output, counts = machine.play(second)
    assert (status, counts["one"]["changed"], restarts(machine)) == (0, 0, 2), output

    # What somebody else has changed is put back, and the service reads it.
    (root / SETTINGS.lstrip("/")).write_text("a = 3\n", encoding="utf-8")
    status, output, counts = machine.play(second, "--check", "--diff")
    assert status == 0, output
    assert "-a = 3\n+a = 2\n" in output
    assert restarts(machine) == 2
    assert machine.play(second)[0] == 0
    assert restarts(machine) == 3


def test_playbook_strict_umask_files_are_readable_by_users(
    machine: Fleet, every: Plan, tmp_path: Path
) -> None:
    """Root of a hardened machine makes everything for itself alone."""
    (environment,) = (step for step in every.steps if isinstance(step, steps.EnvironmentStep))
    quick = replace(environment, create_command=("mkdir",), python="/bin/true")
    status, output, _ = machine.play(playbook(every, tmp_path / "out", quick))
    assert status == 0, output
    for folder in ("opt/rig", "opt/rig/envs", environment.path.lstrip("/"), "opt/rig/lock"):
        mode = (machine.hosts[0].root.path / folder).stat().st_mode
        assert oct(stat.S_IMODE(mode)) == "0o755", folder
