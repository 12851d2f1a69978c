"""Projects for uv: what uv itself installs of them is what the lock pins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import tomli
from uv import find_uv_bin

from rigspec.backend.discovery import Backend, find_backends
from rigspec.backend.render import compile_plan
from rigspec.lock.lockfile import read_lock
from rigspec.plan.model import Omission, Plan
from tests.backend.document_rig import LOCKED, build_document_plan
from tests.conftest import ROOT
from tests.lock.test_build_indexes import K80, VERSION, index, write_rig

__all__ = ["index"]

Rigspec = Callable[..., subprocess.CompletedProcess[str]]
SERIES = "{}.{}".format(*sys.version_info[:2])
HERE = f'[env.lab]\npython = "{SERIES}"\ninterpreter = "pyenv"\n'
SMALL = f"""\
rig = 1
name = "small"
{HERE}packages = {{ jinja2 = ">=3", tqdm = "[notebook]4.67", docopt = "0.6.2" }}
"""


def uv(project: Path, *arguments: str) -> str:
    """The standard output of uv, without its settings for this machine."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    done = subprocess.run(
        [find_uv_bin(), *arguments, "--project", str(project), "--python", sys.executable],
        capture_output=True,
        text=True,
        check=False,
        env={**variables, "UV_PYTHON_DOWNLOADS": "never"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def locked_project(rigspec: Rigspec, spec: Path, *options: str) -> Path:
    """The project of the environment ``lab``, compiled from a new lock."""
    folder = spec.parent
    done = rigspec("lock", spec, "-o", folder / "lock", *options)
    assert done.returncode == 0, done.stderr
    done = rigspec(
        *("compile", spec, "--lock", folder / "lock", "--locked"),
        *("--target", "uv", "-o", folder / "out"),
    )
    assert done.returncode == 0, done.stderr
    return folder / "out" / "uv" / "lab"


def locked_versions(folder: Path) -> dict[str, str]:
    (env,) = read_lock(folder)[0].machines[0].envs
    return {package.name: package.version for package in (*env.packages, *env.tools)}


def installed_versions(project: Path) -> dict[str, str]:
    python = project / ".venv" / "bin" / "python"
    command = [find_uv_bin(), "pip", "list", "--format", "json", "--python", str(python)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {each["name"]: each["version"] for each in json.loads(output)}


def test_uv_sync_locked_installs_exactly_what_the_lock_pins(
    rigspec: Rigspec, tmp_path: Path
) -> None:
    (tmp_path / "rig.toml").write_text(SMALL, encoding="utf-8")
    project = locked_project(rigspec, tmp_path / "rig.toml", "--pylock")

    uv(project, "lock", "--check")
    uv(project, "sync", "--locked")

    assert installed_versions(project) == locked_versions(tmp_path / "lock")
    # docopt has a source archive only.
    content = tomli.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    assert content["tool"]["uv"]["no-build-isolation-package"] == ["docopt"]


def test_uv_sync_locked_installs_build_from_its_own_index(
    index: str, rigspec: Rigspec, tmp_path: Path
) -> None:
    spec = write_rig(tmp_path, index, K80)
    spec.write_text(spec.read_text(encoding="utf-8").replace("[env.lab]\n", HERE), encoding="utf-8")
    project = locked_project(rigspec, spec, "--pylock")

    uv(project, "lock", "--check")
    uv(project, "sync", "--locked")

    versions = installed_versions(project)
    assert versions == locked_versions(tmp_path / "lock")
    assert versions["torch"] == f"{VERSION}+cu118"
    content = tomli.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    sources = content["tool"]["uv"]["sources"]
    explicit = {each["name"]: each for each in content["tool"]["uv"]["index"]}
    assert explicit[sources["torch"]["index"]]["explicit"] is True
    assert explicit[sources["torch"]["index"]]["url"] == f"{index}/cu118"
    assert explicit["default"]["url"] == f"{index}/simple"

    # Without its lock, uv finds the same build by the sources of the project.
    (project / "uv.lock").unlink()
    uv(project, "lock")
    packages = tomli.loads((project / "uv.lock").read_text(encoding="utf-8"))["package"]
    again = {package["name"]: package["version"] for package in packages}
    assert again["torch"] == f"{VERSION}+cu118"
    assert again["torchvision"] == "0.22.1+cu118"


def test_uv_lock_of_project_without_addresses_finds_the_pinned_versions(
    rigspec: Rigspec, tmp_path: Path
) -> None:
    text = SMALL.replace('tqdm = "[notebook]4.67", ', "")
    (tmp_path / "rig.toml").write_text(text, encoding="utf-8")
    project = locked_project(rigspec, tmp_path / "rig.toml")
    assert sorted(path.name for path in project.iterdir()) == [".python-version", "pyproject.toml"]

    uv(project, "lock")

    packages = tomli.loads((project / "uv.lock").read_text(encoding="utf-8"))["package"]
    found = {each["name"]: each["version"] for each in packages if "virtual" not in each["source"]}
    assert found.items() <= locked_versions(tmp_path / "lock").items()
    assert {"docopt", "jinja2", "markupsafe"} <= found.keys()


def _backend() -> Backend:
    return next(each for each in find_backends() if each.name == "uv")


def _omissions(plan: Plan) -> dict[str, str]:
    return {each.item: each.reason for each in _backend().omissions(plan)}


@pytest.mark.parametrize("name", [".python-version", "pyproject.toml", "uv.lock"])
def test_uv_project_of_small_rig_matches_golden_file(
    name: str, golden: Callable[[Path, str], None]
) -> None:
    files = {file.path: file for file in compile_plan(build_document_plan(), _backend())}
    assert sorted(files) == ["work/.python-version", "work/pyproject.toml", "work/uv.lock"]
    text = files[f"work/{name}"].content.decode()
    golden(ROOT / "tests" / "golden" / "documents" / "uv" / name, text)


def test_uv_project_names_what_it_does_not_include() -> None:
    omitted = _omissions(build_document_plan())
    assert omitted["Python environment studio"].startswith("conda manages it")
    assert "the NVIDIA driver must be installed on the host" in omitted.values()
    assert "uv.lock of work" not in omitted


@pytest.mark.parametrize("python", ["2.7.18", "3.5.10"])
def test_uv_project_of_old_python_is_omitted_with_reason(python: str) -> None:
    work, studio = LOCKED.resolution.envs
    resolution = replace(LOCKED.resolution, envs=(replace(work, python=python), studio))
    plan = build_document_plan(locked=replace(LOCKED, resolution=resolution))
    series = python.rpartition(".")[0]
    assert Omission("Python environment work", f"uv does not support Python {series}") in (
        _backend().omissions(plan)
    )
    assert compile_plan(plan, _backend()) == ()
