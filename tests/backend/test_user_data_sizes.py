"""User-data of every machine of specs/ and specs/today/: AWS takes it, and a person reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rigspec.backend.render import compile_plan
from rigspec.lock.lockfile import read_lock
from rigspec.plan.build import build_plan
from rigspec.plan.model import DeploymentTarget, Plan
from rigspec.spec.loader import load_spec
from tests.backend.test_cloud_init import BACKEND, check_rules, configuration
from tests.committed_rigs import list_machines
from tests.conftest import ROOT
from tests.new_locks import Once, Rigspec, lock_rig

CheckFile = Callable[[Sequence[str], Path], None]
# It shows the mistakes of its source, and has no lock.
REFUSED = "dl-server-as-written"
RIGS = sorted(
    str(path.relative_to(ROOT / "specs").with_suffix(""))
    for path in (ROOT / "specs").rglob("*.toml")
)
MACHINES = [(rig, machine) for rig in RIGS if rig != REFUSED for machine in list_machines(rig)]


@pytest.fixture(params=MACHINES, ids="-".join)
def plan(request: pytest.FixtureRequest, rigspec: Rigspec, once: Once) -> Plan:
    """The plan of a machine, from the committed lock or, for a rig of today, from a new one."""
    rig, machine = request.param
    spec, lock = ROOT / "specs" / f"{rig}.toml", ROOT / "lockfiles" / rig
    locked, digest = read_lock(lock if lock.exists() else lock_rig(spec, rigspec, once))
    return build_plan(load_spec(str(spec)).rig, locked, machine, digest)


def test_every_other_rig_is_tested(rigspec: Rigspec) -> None:
    assert {rig for rig, _ in MACHINES} == {*RIGS} - {REFUSED}
    assert rigspec("check", f"specs/{REFUSED}.toml").returncode == 1


def test_user_data_of_aws_is_complete_without_download(
    plan: Plan, check_file: CheckFile, tmp_path: Path
) -> None:
    deployment = DeploymentTarget(cloud=True, provider="aws")
    content = compile_user_data(plan, deployment, check_file, tmp_path)
    assert len(content) <= 16384


def test_user_data_of_nocloud_is_text_with_short_lines(
    plan: Plan, check_file: CheckFile, tmp_path: Path
) -> None:
    content = compile_user_data(plan, DeploymentTarget(), check_file, tmp_path)
    assert max(map(len, content.decode().splitlines())) <= 200


def compile_user_data(
    plan: Plan, deployment: DeploymentTarget, check_file: CheckFile, folder: Path
) -> bytes:
    """Return the user-data, which has no seed and is valid by our rules and cloud-init's schema."""
    files = compile_plan(replace(plan, deployment=deployment), BACKEND)
    content = {file.path: file.content for file in files}
    assert not any(path.startswith("seed/") for path in content)
    user_data = content["user-data"]
    check_rules(configuration(user_data), plan)
    (folder / "user-data").write_bytes(user_data)
    (schema,) = (check for check in BACKEND.checks if check.path == "user-data")
    check_file(schema.command, folder / "user-data")
    return user_data
