"""The container engine of a machine: its version, its packages, and access to the GPUs."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.lock.container_engine import list_engine_packages, require_requested_engine
from rigspec.lock.errors import LockError
from rigspec.lock.model import LockedPackage
from rigspec.lock.nvidia_repository import list_repositories, list_third_party_packages
from rigspec.matrix.loader import load_matrix
from rigspec.plan.steps import ServiceStep
from rigspec.resolution import Resolution
from rigspec.spec.loader import parse_spec
from tests.drawn.build import build
from tests.resolve.rigs import check, check_text

RIG = 'rig = 1\nname = "box"\n[machine.box]\n'
GPU = 'gpus = ["RTX 4090"]\n'
TOOLKIT = "nvidia-container-toolkit"


def resolve(lines: str) -> Resolution:
    resolution = check_text(f"{RIG}{lines}\n").resolution
    assert resolution is not None
    return resolution


def find_problem(lines: str) -> Diagnostic:
    (found,) = (
        d for d in check_text(f"{RIG}{lines}\n").diagnostics if d.code in ("RS216", "RS255")
    )
    return found


@pytest.mark.parametrize(
    ("os", "request_", "version", "packages"),
    [
        ("ubuntu 24.04", ">=27", "29.1.3", ["docker.io", "apparmor", "ca-certificates"]),
        ("debian 12", "*", "20.10.24", ["docker.io", "apparmor", "ca-certificates"]),
        ("debian 13", "26", "26.1.5", ["docker.io", "docker-cli", "apparmor", "ca-certificates"]),
        ("ubuntu 20.04", "*", "26.1.3", ["docker.io", "apparmor", "ca-certificates"]),
    ],
)
def test_engine_has_the_version_and_the_packages_of_its_system(
    os: str, request_: str, version: str, packages: list[str]
) -> None:
    resolution = resolve(f'os = "{os}"\ndocker = "{request_}"')
    assert resolution.docker == version
    assert [each.name for each in list_engine_packages(resolution, load_matrix())] == packages


@pytest.mark.parametrize(
    ("os", "request_", "statement", "repair"),
    [
        ("debian 12", ">=27", "Debian 12 ships Docker 20.10.24", "20.10.24"),
        ("debian 13", "99.1", "Debian 13 ships Docker 26.1.5", "26.1"),
        ("ubuntu 24.04", "24.0.7", "the updates of Ubuntu 24.04 have Docker 29.1.3", "29.1.3"),
    ],
)
def test_version_that_the_system_does_not_have_is_refused_with_a_repair(
    os: str, request_: str, statement: str, repair: str
) -> None:
    problem = find_problem(f'os = "{os}"\ndocker = "{request_}"')
    assert problem.code == "RS216"
    assert problem.facts[0].statement.startswith(statement)
    edits = [edit for each in problem.repairs for edit in each.edits]
    assert ("machine.box.docker", repair) in [(edit.key, edit.after) for edit in edits]


def test_engine_of_an_open_system_is_not_left_to_one_without_packages() -> None:
    assert resolve('docker = "20.10"').os == "ubuntu 18.04"
    assert resolve('os = "debian >=11"\ndocker = "20.10"').os == "debian 12"


@pytest.mark.parametrize(
    ("lines", "place", "stated"),
    [
        ('os = "rocky 9"\ndocker = ">=27"', "on rocky 9", '{ version = ">=27", from = "none" }'),
        ('os = "ubuntu 25.10"\ndocker = "*"', "on ubuntu 25.10", '{ from = "none" }'),
        ('os = "ubuntu 24.04"\nkind = "wsl"\ndocker = "*"', "under WSL", '{ from = "none" }'),
    ],
)
def test_engine_that_no_step_installs_is_refused_with_what_to_write(
    lines: str, place: str, stated: str
) -> None:
    problem = find_problem(lines)
    assert (problem.code, problem.severity) == ("RS255", Severity.ERROR)
    assert problem.message == f"a container engine cannot be installed {place}"
    assert f"set `docker = {stated}`" in problem.help[0]
    fixed = lines.rpartition("docker")[0] + f"docker = {stated}"
    assert check_text(f"{RIG}{fixed}\n").status == "ok"


def test_engine_that_the_machine_has_is_not_installed() -> None:
    resolution = resolve(f'os = "ubuntu 24.04"\ndocker = {{ from = "none" }}\n{GPU}')
    assert resolution.docker is None
    packages = list_third_party_packages(parse_spec("rig.toml", RIG).rig, resolution, load_matrix())
    assert TOOLKIT not in [each.name for each in packages]


@pytest.mark.parametrize(
    ("os", "driver", "repositories"),
    [
        ("ubuntu 24.04", "*", ["nvidia-cuda"]),
        ("ubuntu 24.04", "none", ["nvidia-cuda"]),
        ("debian 12", "none", ["nvidia-cuda"]),
        ("debian 13", "none", [TOOLKIT]),
        ("debian 13", "*", ["nvidia-cuda", TOOLKIT]),
    ],
)
def test_engine_on_a_machine_with_gpus_gets_the_toolkit_of_a_known_repository(
    os: str, driver: str, repositories: list[str]
) -> None:
    text = f'{RIG}os = "{os}"\ndriver = "{driver}"\ndocker = "*"\n{GPU}'
    resolution = check_text(text).resolution
    assert resolution is not None
    matrix = load_matrix()
    assert [each.name for each in list_repositories(resolution, matrix)] == repositories
    packages = list_third_party_packages(parse_spec("rig.toml", text).rig, resolution, matrix)
    (toolkit,) = (each for each in packages if each.part == "container-toolkit")
    assert (toolkit.name, toolkit.archive) == (TOOLKIT, repositories[-1])


@pytest.mark.parametrize("lines", ['os = "debian 11"', 'os = "ubuntu 24.04"\narch = "aarch64"'])
def test_gpus_without_a_documented_toolkit_are_named_in_a_warning(lines: str) -> None:
    problem = find_problem(f'{lines}\ndriver = "none"\ndocker = "*"\n{GPU}')
    assert (problem.code, problem.severity) == ("RS255", Severity.WARNING)
    assert problem.message.startswith("containers cannot use the GPUs, because no source")


def test_archive_with_another_engine_than_requested_is_refused() -> None:
    rig = parse_spec("rig.toml", f'{RIG}os = "ubuntu 24.04"\ndocker = ">=27,<30"\n').rig
    resolution = resolve('os = "ubuntu 24.04"\ndocker = ">=27,<30"')
    for version in ("29.4.0-0ubuntu1", "2:27.0+dfsg1-1"):
        require_requested_engine(rig, resolution, [LockedPackage("docker.io", "engine", version)])
    packages = [LockedPackage("docker.io", "engine", "30.1.0-0ubuntu1")]
    with pytest.raises(LockError, match=r"docker\.io is at 30\.1\.0, but the spec") as found:
        require_requested_engine(rig, resolution, packages)
    assert 'set `docker = "30.1.0"`' in found.value.diagnostic.help[0]


def test_engine_is_installed_before_the_accounts_of_its_group(tmp_path: Path) -> None:
    text = f'{RIG}os = "debian 13"\ndocker = "*"\ndriver = "none"\n{GPU}'
    built = build(f'{text}[user.alice]\ngroups = ["docker"]\n')
    assert built.failure == ""
    assert built.plan is not None
    steps = [step.id for step in built.plan.steps]
    order = [
        *(f"repository-{TOOLKIT}", "engine", "container-toolkit"),
        *("container-toolkit-settings", "engine-service", "user-alice"),
    ]
    assert [step for step in steps if step in order] == order
    (unit,) = (step for step in built.plan.steps if isinstance(step, ServiceStep))
    assert (unit.name, unit.restart_on) == ("docker.service", ("container-toolkit-settings",))


def test_rig_without_an_engine_has_no_note_about_one(tmp_path: Path) -> None:
    report = check(tmp_path, '[machine.box]\nos = "rocky 9"\n')
    assert report.resolution is not None
    assert (report.resolution.docker, report.diagnostics) == (None, ())
