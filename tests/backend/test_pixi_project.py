"""Workspaces for pixi: rattler, the library below pixi, installs the locked builds from them."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import rattler
import tomli
import yaml
from rattler.lock import LockFile

from rigspec.backend.discovery import Backend, find_backends
from rigspec.backend.render import compile_plan
from tests.backend.document_rig import LOCKED, build_document_plan, checksum
from tests.conftest import ROOT
from tests.lock.conda_channel import Channel, rig

Rigspec = Callable[..., subprocess.CompletedProcess[str]]


def _backend() -> Backend:
    return next(each for each in find_backends() if each.name == "pixi")


def _render() -> dict[str, str]:
    files = compile_plan(build_document_plan(), _backend())
    return {file.path: file.content.decode() for file in files}


def test_pixi_lock_installs_the_locked_builds(rigspec: Rigspec, tmp_path: Path) -> None:
    channel = Channel(tmp_path / "channel")
    channel.add_python()
    channel.add("numpy", "1.14.3", ["python >=3.6,<3.7"])
    channel.add("numpy", "1.15.0", ["python >=3.6,<3.7", "__glibc >=2.28"])
    channel.add("kernels", "2.0", ["numpy", "__cuda >=9.0"])
    machine = 'os = "ubuntu 16.04"\ndriver = "384.81"\ngpus = ["GTX 1080 Ti"]'
    text = rig(channel.url, packages='kernels = "*"\nnumpy = "1.*"', machine=machine)
    (tmp_path / "rig.toml").write_text(text, encoding="utf-8")
    for command in (
        ("lock", tmp_path / "rig.toml", "-o", tmp_path / "lock", "--pylock"),
        (
            *("compile", tmp_path / "rig.toml", "--lock", tmp_path / "lock", "--locked"),
            *("--target", "pixi", "-o", tmp_path / "out"),
        ),
    ):
        done = rigspec(*command)
        assert done.returncode == 0, done.stderr
    folder = tmp_path / "out" / "pixi" / "lab"
    manifest = tomli.loads((folder / "pixi.toml").read_text(encoding="utf-8"))
    expected = {"kernels": "*", "numpy": "1.*", "pip": "*", "python": "3.6.*"}
    assert manifest["dependencies"] == expected
    assert manifest["system-requirements"] == {"libc": {"family": "glibc", "version": "2.23"}}

    environment = LockFile.from_path(str(folder / "pixi.lock")).default_environment()
    assert environment is not None
    ((platform, records),) = environment.conda_repodata_records().items()
    prefix = tmp_path / "prefix"
    asyncio.run(rattler.install(records, str(prefix), cache_dir=str(tmp_path / "cache")))

    explicit = (tmp_path / "lock" / "tower" / "lab.explicit.txt").read_text(encoding="utf-8")
    locked = set(re.findall(r"/([^/]+)\.tar\.bz2#", explicit))
    installed = {path.stem for path in (prefix / "conda-meta").glob("*.json")}
    assert str(platform) == "linux-64"
    assert installed == locked
    assert "numpy-1.14.3-0" in installed


def test_pixi_lock_is_read_by_rattler_with_every_checksum(tmp_path: Path) -> None:
    file = tmp_path / "pixi.lock"
    file.write_text(_render()["studio/pixi.lock"], encoding="utf-8")
    environment = LockFile.from_path(str(file)).default_environment()
    assert environment is not None
    ((_, packages),) = environment.packages_by_platform().items()
    found = {}
    for package in packages:
        assert package.hashes is not None
        assert package.hashes.sha256 is not None
        found[package.name] = package.hashes.sha256.hex()
    assert found == {
        "numpy": checksum(22),
        "python": checksum(21),
        "tqdm": checksum(13),
    }


@pytest.mark.parametrize("name", ["pixi.lock", "pixi.toml"])
def test_pixi_workspace_of_small_rig_matches_golden_file(
    name: str, golden: Callable[[Path, str], None]
) -> None:
    files = _render()
    assert sorted(files) == ["studio/pixi.lock", "studio/pixi.toml"]
    golden(ROOT / "tests" / "golden" / "documents" / "pixi" / name, files[f"studio/{name}"])


def test_pixi_workspace_without_addresses_pins_packages_of_pip() -> None:
    work, studio = LOCKED.envs
    plan = build_document_plan(locked=replace(LOCKED, envs=(work, replace(studio, pylock=""))))
    (file,) = compile_plan(plan, _backend())
    manifest = tomli.loads(file.content.decode())
    assert manifest["pypi-dependencies"] == {"tqdm": "==4.67.1"}
    omitted = {each.item: each.reason for each in _backend().omissions(plan)}
    assert "--pylock" in omitted["pixi.lock of studio"]
    assert omitted["Python environment work"].startswith("conda does not manage it")


def test_pixi_lock_names_packages_that_need_others() -> None:
    content = yaml.safe_load(_render()["studio/pixi.lock"])
    numpy = next(each for each in content["packages"] if "numpy" in each.get("conda", ""))
    assert numpy["depends"] == ["python >=3.11,<3.12.0a0", "__glibc >=2.17"]
