"""Source archives that the packages of their environment do not build: locked, compiled, built."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli
from packaging.requirements import Requirement
from packaging.version import Version
from uv import find_uv_bin

from rigspec.lock.errors import LockError
from rigspec.lock.lockfile import CorruptLock, lock_files, read_lock
from rigspec.lock.python.builds.separate_builds import lock_separate_builds, split_builds
from rigspec.lock.python.builds.source_builds import SourceBuild
from rigspec.lock.python.engines.resolvelib import compile_requirements
from rigspec.lock.python.index.metadata import FileMetadata
from rigspec.lock.python.index.package_index import PackageIndex
from rigspec.lock.python.request import ResolveRequest
from rigspec.lock.python.requirements_file import HashedPin, read_pins
from rigspec.lock.python.target_interpreter import TargetInterpreter
from tests.conftest import ROOT
from tests.lock.http_server import Serve, servers
from tests.lock.python_index import Wheel, serve_index
from tests.lock.test_direct_packages import run, write_spec

SERIES = "{}.{}".format(*sys.version_info[:2])
STEPS = ROOT / "rigspec" / "plan" / "steps"
# It is built with iniconfig 1 and runs with iniconfig 2.
PROJECT = """\
[build-system]
requires = ["iniconfig<2"]
build-backend = "build"
backend-path = ["."]
[project]
name = "tool-x"
version = "1.2"
dependencies = ["iniconfig>=2"]
"""
BUILD = """\
import os, zipfile
from importlib.metadata import version

def build_wheel(folder, settings=None, metadata=None):
    name = "tool_x-1.2-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("tool_x.py", "built_with = %r\\n" % version("iniconfig"))
        info = "tool_x-1.2.dist-info/"
        head = "Metadata-Version: 2.1\\nName: tool-x\\nVersion: 1.2\\n"
        wheel.writestr(info + "METADATA", head + "Requires-Dist: iniconfig>=2\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return name
"""
TOOL = {"lib/pyproject.toml": PROJECT, "lib/build.py": BUILD}

PYTHON = TargetInterpreter("3.12", (2, 39), "x86_64", "24.0")
RELEASES = {
    "pip": {"24.0": Wheel()},
    "setuptools": {"58.0": Wheel(), "70.0": Wheel(), "80.0": Wheel()},
    "wheel": {"0.40": Wheel()},
    "numpy": {"1.26": Wheel(), "2.2": Wheel(), "2.4": Wheel()},
    "only-source": {"1.0": Wheel(source=True)},
}
INSTALLED = "numpy==2.2 \\\n    --hash=sha256:00\nsetuptools==80.0 \\\n    --hash=sha256:00\n"


@pytest.fixture
def serve() -> Iterator[Serve]:
    with servers() as started:
        yield started


@pytest.fixture(autouse=True)
def _no_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIGSPEC_APT_DEBIAN", "")


def archive(name: str, *needed: str) -> SourceBuild:
    pin = HashedPin(name, Version("1.0"), frozenset({"00"}))
    return SourceBuild(pin, FileMetadata((), tuple(map(Requirement, needed))))


def lock_apart(serve: Serve, *builds: SourceBuild) -> dict[tuple[str, ...], dict[str, str]]:
    """Return the versions that build each group of archives outside of the environment."""
    request = ResolveRequest("lab", (), PYTHON, (), serve_index(serve, RELEASES))
    index = PackageIndex(PYTHON, request.index)
    _, apart = split_builds(builds, INSTALLED, index)
    found = lock_separate_builds(request, apart, INSTALLED, index, compile_requirements)
    return {
        each.names: {pin.name: str(pin.version) for pin in read_pins(each.tools)} for each in found
    }


def test_archives_are_built_apart_by_their_distinct_requirements(serve: Serve) -> None:
    found = lock_apart(
        serve,
        archive("fits", "setuptools", "numpy>=2"),
        archive("old", "setuptools<60", "numpy"),
        archive("older", "numpy", "setuptools<60"),
        archive("new", "numpy>=2.3"),
    )
    assert found == {
        # The NumPy of the environment, as it fits.
        ("old", "older"): {"pip": "24.0", "setuptools": "58.0", "numpy": "2.2"},
        ("new",): {"pip": "24.0", "numpy": "2.4"},
    }


def test_archive_built_with_another_archive_is_built_with_its_wheel(serve: Serve) -> None:
    builds = (archive("numpy", "setuptools"), archive("tool", "numpy"))
    assert set(lock_apart(serve, *builds)) == {("tool",)}


@pytest.mark.parametrize(
    ("needed", "named"),
    [
        (("numpy>=3",), "tool 1.0 cannot be built: "),
        (("numpy<2", "only-source"), "only-source 1.0 has no wheel for Python 3.12"),
    ],
)
def test_archive_that_nothing_builds_is_named(
    needed: tuple[str, ...], named: str, serve: Serve
) -> None:
    with pytest.raises(LockError) as raised:
        lock_apart(serve, archive("tool", *needed))
    assert named in " ".join(raised.value.diagnostic.help)


@pytest.fixture
def locked(tmp_path: Path, rigspec: Callable[..., Any], serve: Serve) -> Path:
    """The folder of a spec and its lock, whose only archive is built apart."""
    spec = write_spec(tmp_path, serve, TOOL)
    run(rigspec, "lock", spec, "-o", tmp_path / "lock", "--pylock")
    return tmp_path


def test_lock_has_the_packages_of_the_build_in_a_file(locked: Path) -> None:
    file = locked / "lock" / "box" / "lab.build-1.tools.txt"
    assert "iniconfig==1." in file.read_text(encoding="utf-8")
    assert "iniconfig==2." in file.with_name("lab.requirements.txt").read_text(encoding="utf-8")
    assert "iniconfig" not in file.with_name("lab.tools.txt").read_text(encoding="utf-8")
    lock, _ = read_lock(locked / "lock")
    (env,) = lock.machines[0].envs
    assert [build.sources for build in env.builds] == [("tool-x",)]
    assert env.sources == ()
    files = {each.path: each.content for each in lock_files(lock)}
    assert all((locked / "lock" / path).read_bytes() == data for path, data in files.items())
    # A release without separate builds would build it in the environment.
    assert tomli.loads((locked / "lock" / "rig.lock").read_text(encoding="utf-8"))["version"] == 4
    file.write_text(file.read_text(encoding="utf-8").replace("sha256:", "sha256:0"))
    with pytest.raises(CorruptLock):
        read_lock(locked / "lock")


def test_installer_builds_the_archive_apart_and_installs_its_wheel(
    locked: Path, rigspec: Callable[..., Any]
) -> None:
    spec, out = locked / "rig.toml", locked / "out"
    run(rigspec, "compile", spec, "--lock", locked / "lock", "-o", out, "--target", "all")
    installer = (out / "shell" / "install.sh").read_text(encoding="utf-8")
    assert "'Build: tool-x' package-build" in installer
    assert "package-build" in (out / "docker" / "Dockerfile").read_text(encoding="utf-8")
    assert (out / "conda" / "lab.build-1" / "tools.txt").is_file()

    env, python = locked / "env", locked / "env" / "bin" / "python"
    script = f"""
    . {ROOT}/backends/steps/library/common.sh
    . {ROOT}/backends/steps/library/no-records.sh
    . {STEPS}/environment/step.sh
    . {STEPS}/package_build/step.sh
    LOCK={out}/shell/files STATE={locked}/state CACHE={locked}/cache
    environment() {{
      call_step $1 env-lab title environment path={env} tools=lab.tools.txt \
        requirements=lab.requirements.txt -- {sys.executable} -m venv
    }}
    build() {{
      call_step $1 env-lab-build-1 title package-build python={python} \
        tools=lab.build-1.tools.txt sources=lab.build-1.sources.txt -- {sys.executable} -m venv
    }}
    environment apply
    ! build is_done
    build apply
    build is_done
    [ -z "$(ls -A {locked}/cache)" ]
    {python} -c 'import tool_x; print(tool_x.built_with)'
    {python} {out}/shell/files/verify_packages.py {out}/shell/files/lab.*s.txt || true
    # The environment is created again, without what was built.
    environment apply
    ! build is_done
    """
    variables = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    done = subprocess.run(
        ["bash", "-ec", script], env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    built_with, *differences = done.stdout.splitlines()
    assert built_with.startswith("1.")
    # Only the list of the build itself differs from the environment.
    assert all(line.startswith("iniconfig: locked 1.") for line in differences)


def test_uv_builds_the_archive_with_the_locked_versions(
    locked: Path, rigspec: Callable[..., Any]
) -> None:
    out = locked / "out"
    words = ("--lock", locked / "lock", "-o", out, "--target", "uv")
    run(rigspec, "compile", locked / "rig.toml", *words)
    (project,) = (each.parent for each in out.rglob("pyproject.toml"))
    text = (project / "pyproject.toml").read_text(encoding="utf-8")
    extra = tomli.loads(text)["tool"]["uv"]["extra-build-dependencies"]["tool-x"]
    assert any(line.startswith("iniconfig==1.") for line in extra)
    sync: list[str] = [find_uv_bin(), "sync", "--locked", "--quiet", "--python", sys.executable]
    done = subprocess.run(sync, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    command = [
        project / ".venv" / "bin" / "python",
        "-c",
        "import tool_x; print(tool_x.built_with)",
    ]
    assert subprocess.run(command, capture_output=True, check=True).stdout.startswith(b"1.")


def test_bundle_has_the_packages_of_the_build(locked: Path, rigspec: Callable[..., Any]) -> None:
    spec = locked / "rig.toml"
    system = spec.read_text(encoding="utf-8").replace('"uv"', '"system"')
    spec.write_text(system.replace(f'"{SERIES}"', '"3.11"'), encoding="utf-8")
    run(rigspec, "lock", spec, "-o", locked / "lock")
    words = ("--lock", locked / "lock", "-o", locked / "bundle", "--allow-missing")
    run(rigspec, "fetch", spec, *words)
    wheels = sorted(each.name for each in (locked / "bundle").rglob("iniconfig-*.whl"))
    assert [name.split("-")[1].partition(".")[0] for name in wheels] == ["1", "2"]
