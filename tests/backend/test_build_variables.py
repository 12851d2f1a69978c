"""Variables of builds: pip gets them wherever it builds the source archives of an environment."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import tomli

from rigspec.backend.discovery import Backend, find_backends
from rigspec.backend.render import compile_plan
from rigspec.fs.atomic_tree import write_tree_atomically
from rigspec.lock.lockfile import CorruptLock, lock_files, read_lock
from rigspec.lock.model import LockedPythonPackage
from rigspec.lock.python.builds.build_variables import list_build_variables
from rigspec.plan.build import build_plan
from rigspec.plan.model import Plan
from rigspec.spec.loader import load_spec
from tests.backend.document_rig import LOCKED, build_document_plan
from tests.conftest import ROOT

pytestmark = pytest.mark.long(seconds=13)

# Unpacks pip in a tenth of the time that venv takes to install it.
CREATOR = (sys.executable, "-m", "virtualenv")
VARIABLE = "TOOL_FORCE_BUILD=TRUE"
STEP = ROOT / "rigspec" / "plan" / "steps" / "environment" / "step.sh"
RIG_IMAGE = ROOT / "backends" / "image" / "rig-image"
PROJECT = """\
[build-system]
requires = []
build-backend = "build"
backend-path = ["."]
"""
# A build that would download a wheel, as that of flash-attn does, fails here; so does one that does
# not find the programs of its environment, such as meson.
BUILD = """\
import os, shutil, sys, zipfile

def build_wheel(folder, settings=None, metadata=None):
    if os.path.dirname(shutil.which("pip")) != os.path.join(sys.prefix, "bin"):
        raise SystemExit("programs of the environment are not found")
    if os.environ.get("TOOL_FORCE_BUILD") != "TRUE":
        raise SystemExit("a wheel without a checksum would be downloaded")
    name = "tool-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("tool.py", "BUILT = True")
        info = "tool-1.0.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: tool\\nVersion: 1.0\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return name
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """The files of an environment whose only package is a source archive of a local index."""
    index, folder = tmp_path / "simple" / "tool", tmp_path / "lock"
    index.mkdir(parents=True)
    folder.mkdir()
    archive = index / "tool-1.0.tar.gz"
    about = "Metadata-Version: 2.1\nName: tool\nVersion: 1.0\n"
    with tarfile.open(archive, "w:gz") as tar:
        for name, text in (("pyproject.toml", PROJECT), ("build.py", BUILD), ("PKG-INFO", about)):
            member = tarfile.TarInfo(f"tool-1.0/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    (index / "index.html").write_text(f'<a href="{archive.name}">tool</a>', encoding="utf-8")
    (folder / "lab.tools.txt").write_text("", encoding="utf-8")
    (folder / "lab.requirements.txt").write_text("", encoding="utf-8")
    text = f"tool==1.0 --hash=sha256:{digest}\n"
    (folder / "lab.sources.txt").write_text(text, encoding="utf-8")
    return folder


def run(*command: object, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **variables}
    words = list(map(str, command))
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


def create_by_step(lock: Path, *variables: str) -> subprocess.CompletedProcess[str]:
    index = f"file://{lock.parent}/simple"
    script = f"""
    . {STEP}
    LOCK={lock}
    declare -A arg=([path]={lock.parent}/env [tools]=lab.tools.txt \
      [requirements]=lab.requirements.txt [sources]=lab.sources.txt [index]={index} \
      [build_variables]="{" ".join(variables)}")
    create_environment {" ".join(CREATOR)}
    """
    return run("bash", "-ec", script)


def create_in_image(lock: Path, *variables: str) -> subprocess.CompletedProcess[str]:
    files = [
        f"{file.name}@{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"
        for file in sorted(lock.iterdir())
    ]
    options = [f"--index=file://{lock.parent}/simple"]
    options += [f"--build-variable={each}" for each in variables]
    words = (
        "create-env",
        lock.parent / "env",
        *options,
        *files,
        "--",
        *CREATOR,
    )
    return run("sh", RIG_IMAGE, *words, RIG_LOCK=str(lock))


@pytest.mark.parametrize("create", [create_by_step, create_in_image])
def test_environment_builds_source_archive_with_its_variables(
    create: Callable[..., subprocess.CompletedProcess[str]], lock: Path
) -> None:
    done = create(lock)
    assert done.returncode != 0
    assert "a wheel without a checksum would be downloaded" in done.stdout + done.stderr

    done = create(lock, VARIABLE, "OTHER=1")
    assert done.returncode == 0, done.stderr
    python = lock.parent / "env" / "bin" / "python"
    assert run(python, "-c", "import tool; print(tool.BUILT)").stdout == "True\n"


def plan_with(*variables: str) -> Plan:
    """legacy-cpu, whose environment has source archives, with variables of their builds."""
    lock, digest = read_lock(ROOT / "lockfiles" / "legacy-cpu")
    (machine,) = lock.machines
    (env,) = machine.envs
    machine = replace(machine, envs=(replace(env, build_variables=variables),))
    rig = load_spec(str(ROOT / "specs" / "legacy-cpu.toml")).rig
    return build_plan(rig, replace(lock, machines=(machine,)), "box", digest)


# Lines of YAML are folded anywhere.
FOLD = re.compile(rb"\\\n *\\?")


def compile_text(plan: Plan, backend: Backend) -> bytes:
    return b"".join(FOLD.sub(b"", file.content) for file in compile_plan(plan, backend))


def test_every_target_of_an_environment_sets_variables_of_builds() -> None:
    checked = []
    for backend in find_backends():
        text = compile_text(plan_with(), backend)
        assert VARIABLE.encode() not in text, backend.name
        if backend.name != "sbom" and b"tensorboard" in text:
            assert VARIABLE.encode() in compile_text(plan_with(VARIABLE), backend), backend.name
            checked.append(backend.name)
    assert {"ansible", "apptainer", "cloud-init", "conda", "docker", "shell"} <= set(checked)


def test_project_of_uv_sets_variables_of_builds() -> None:
    plan = build_document_plan()
    envs = tuple(
        replace(
            env,
            packages=tuple(replace(each, from_source=True) for each in env.packages[:1]),
            build_variables=(VARIABLE,),
        )
        for env in LOCKED.envs
    )
    plan = replace(plan, locked=replace(plan.locked, envs=envs))
    (uv,) = (backend for backend in find_backends() if backend.name == "uv")
    (file,) = (each for each in compile_plan(plan, uv) if each.path.endswith("pyproject.toml"))
    built = [package.name for package in envs[0].packages]
    settings = tomli.loads(file.content.decode())["tool"]["uv"]
    assert settings["extra-build-variables"] == {built[0]: {"TOOL_FORCE_BUILD": "TRUE"}}


@pytest.mark.parametrize(
    ("version", "from_source", "variables"),
    [
        ("2.8.3", True, ("FLASH_ATTENTION_FORCE_BUILD=TRUE",)),
        ("2.8.3", False, ()),
        ("1.0.9", True, ()),
    ],
)
def test_lock_has_variables_of_packages_that_would_download_a_wheel(
    version: str, from_source: bool, variables: tuple[str, ...]
) -> None:
    package = LockedPythonPackage("flash-attn", version, ("0" * 64,), from_source)
    assert list_build_variables([package]) == variables


def test_lock_of_format_2_gets_variables_of_builds(tmp_path: Path) -> None:
    """Until then the installer itself had them."""
    lock, _ = read_lock(ROOT / "lockfiles" / "legacy-cpu")
    (machine,) = lock.machines
    (env,) = machine.envs
    package = LockedPythonPackage("mamba-ssm", "2.3.0", ("0" * 64,), True)
    env = replace(env, packages=(*env.packages, package))
    old = replace(lock, machines=(replace(machine, envs=(env,)),))
    write_tree_atomically(tmp_path / "lock", lock_files(old))
    as_format(tmp_path / "lock", 2)

    lock, _ = read_lock(tmp_path / "lock")

    assert lock.machines[0].envs[0].build_variables == ("MAMBA_FORCE_BUILD=TRUE",)
    write_tree_atomically(tmp_path / "new", lock_files(lock))
    assert read_lock(tmp_path / "new")[0] == lock


def as_format(folder: Path, version: int) -> None:
    """Write the lock of a folder as one of another format."""
    file = folder / "rig.lock"
    head, _, body = file.read_text(encoding="utf-8").partition("\nversion = ")
    body = f"version = {version}" + body[body.index("\n") :]
    header = head.partition("\n")[0]
    digest = hashlib.sha256(body.encode()).hexdigest()
    file.write_text(f'{header}\ncontent_sha256 = "{digest}"\n{body}', encoding="utf-8")
    (folder / "MANIFEST.sha256").unlink(missing_ok=True)


@pytest.mark.parametrize("variable", ["LD_PRELOAD", "A=$(reboot)", "A=b c", "-S=1", "*=1"])
def test_lock_with_other_words_as_variables_is_refused(variable: str, tmp_path: Path) -> None:
    lock, _ = read_lock(ROOT / "lockfiles" / "legacy-cpu")
    (machine,) = lock.machines
    env = replace(machine.envs[0], build_variables=(variable,))
    lock = replace(lock, machines=(replace(machine, envs=(env,)),))
    write_tree_atomically(tmp_path / "lock", lock_files(lock))
    with pytest.raises(CorruptLock, match="sets a variable by"):
        read_lock(tmp_path / "lock")
