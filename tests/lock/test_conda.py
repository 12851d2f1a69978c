"""Conda solving, proven on a channel of our own."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.lock.conda_env import solve_conda
from rigspec.lock.failures import LockFailure
from rigspec.resolution import Resolution

TOWER = Resolution("tower", "ubuntu 16.04", "x86_64", "gpu", glibc="2.23", cuda="9.0.176")


def add_package(
    channel: Path, name: str, version: str, depends: list[str], program: str
) -> dict[str, object]:
    """A real conda package with one program in it, and its record in the channel."""
    index = {"name": name, "version": version, "build": "0", "build_number": 0}
    index |= {"depends": depends, "subdir": "linux-64", "arch": "x86_64", "platform": "linux"}
    path = f"bin/{name}"
    script = f"#!/bin/sh\necho {program}\n".encode()
    listed = {"_path": path, "path_type": "hardlink", "size_in_bytes": len(script)}
    listed["sha256"] = hashlib.sha256(script).hexdigest()
    members = {
        "info/index.json": json.dumps(index).encode(),
        "info/files": f"{path}\n".encode(),
        "info/paths.json": json.dumps({"paths": [listed], "paths_version": 1}).encode(),
        path: script,
    }
    file = channel / "linux-64" / f"{name}-{version}-0.tar.bz2"
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w:bz2") as archive:
        for member, content in members.items():
            entry = tarfile.TarInfo(member)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    data = file.read_bytes()
    checksums = {"sha256": hashlib.sha256(data).hexdigest(), "md5": hashlib.md5(data).hexdigest()}
    return {**index, **checksums, "size": len(data)}


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    folder = tmp_path / "channel"
    packages = [
        ("python", "3.6.5", []),
        ("python", "3.7.0", []),
        ("numpy", "1.14.3", ["python >=3.6,<3.7"]),
        ("numpy", "1.15.0", ["python >=3.7", "__glibc >=2.28"]),
        ("kernels", "1.0", ["numpy", "__cuda >=9.0"]),
        ("kernels", "2.0", ["numpy", "__cuda >=10.0"]),
    ]
    records = {
        f"{name}-{version}-0.tar.bz2": add_package(
            folder, name, version, depends, f"{name}-{version}"
        )
        for name, version, depends in packages
    }
    repodata = {"info": {"subdir": "linux-64"}, "packages": records, "packages.conda": {}}
    (folder / "linux-64" / "repodata.json").write_text(json.dumps(repodata))
    (folder / "noarch").mkdir()
    empty = {"info": {"subdir": "noarch"}, "packages": {}, "packages.conda": {}}
    (folder / "noarch" / "repodata.json").write_text(json.dumps(empty))
    return folder


def test_it_solves_for_the_target_and_not_for_this_host(channel: Path) -> None:
    lock = solve_conda("lab", ["python 3.6.*", "kernels"], [channel.as_uri()], TOWER)

    names = [line.rpartition("/")[2].partition("#")[0] for line in lock.explicit.splitlines()[1:]]
    assert names == [
        "kernels-1.0-0.tar.bz2",
        "numpy-1.14.3-0.tar.bz2",
        "python-3.6.5-0.tar.bz2",
    ]


def test_conda_lock_renders_what_is_written(channel: Path, tmp_path: Path) -> None:
    lock = solve_conda("lab", ["python 3.6.*", "kernels"], [channel.as_uri()], TOWER)
    (tmp_path / "conda-lock.yml").write_text(lock.conda_lock)

    tool = [sys.executable, "-m", "conda_lock", "render", "-k", "explicit", "-p", "linux-64"]
    done = subprocess.run(
        [*tool, "conda-lock.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    rendered = (tmp_path / "conda-linux-64.lock").read_text()
    assert "kernels-1.0-0.tar.bz2" in rendered
    assert "@EXPLICIT" in rendered


def test_what_is_locked_installs_and_runs(channel: Path, tmp_path: Path) -> None:
    lock = solve_conda("lab", ["python 3.6.*", "kernels"], [channel.as_uri()], TOWER)
    for line in lock.explicit.splitlines()[1:]:
        url, _, checksum = line.partition("#sha256:")
        data = Path(url.removeprefix("file://")).read_bytes()
        assert hashlib.sha256(data).hexdigest() == checksum

    program = (
        "import asyncio, os, sys, rattler\n"
        "async def main():\n"
        "    records = await rattler.solve(sources=[rattler.Channel(sys.argv[1])],\n"
        "        specs=['kernels 1.0.*'], platforms=[rattler.Platform('linux-64')],\n"
        "        virtual_packages=[rattler.GenericVirtualPackage(rattler.PackageName('__cuda'),\n"
        "            rattler.Version('9.0'), rattler.BuildString('0'))])\n"
        "    await rattler.install(records, sys.argv[2], cache_dir=sys.argv[3],\n"
        "        show_progress=False)\n"
        "asyncio.run(main()); sys.stdout.flush(); os._exit(0)\n"
    )
    prefix = tmp_path / "prefix"
    arguments = [channel.as_uri(), str(prefix), str(tmp_path / "cache")]
    subprocess.run([sys.executable, "-c", program, *arguments], check=True)

    said = subprocess.run([prefix / "bin" / "kernels"], capture_output=True, text=True, check=True)
    assert said.stdout == "kernels-1.0\n"


def test_no_solution_is_told_with_the_environment(channel: Path) -> None:
    with pytest.raises(LockFailure) as failure:
        solve_conda("lab", ["kernels 2.*"], [channel.as_uri()], TOWER)

    assert failure.value.status == 1
    assert failure.value.diagnostic.code == "RS506"
    assert "`lab`" in failure.value.diagnostic.message


def test_a_spec_that_conda_manages_is_locked_whole(
    channel: Path, tmp_path: Path, rigspec: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    spec = tmp_path / "rig.toml"
    spec.write_text(
        f"""
rig = 1
name = "lab"
[machine.tower]
os = "ubuntu 16.04"
[env.lab]
python = "3.6"
interpreter = "conda"
manager = "conda"
packages = {{ numpy = "*" }}
channels = ["{channel.as_uri()}"]
"""
    )
    done = rigspec("lock", str(spec), "-o", str(tmp_path / "lock"))
    assert done.returncode == 0, done.stderr
    assert "numpy-1.14.3" in (tmp_path / "lock/tower/lab.explicit.txt").read_text()

    out = tmp_path / "out"
    compiled = rigspec(
        *("compile", str(spec), "--target", "conda", "--locked"),
        *("--lock", str(tmp_path / "lock"), "-o", str(out)),
    )
    assert compiled.returncode == 0, compiled.stderr
    assert (out / "conda/files/lab.conda-lock.yml").is_file()
