"""Arm machines: what is locked for them, and what is refused."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.diagnostics.model import Severity
from rigspec.lock.artifacts import list_downloads, list_interpreter_files
from rigspec.lock.nvidia_repository import list_repositories
from rigspec.matrix.loader import load_matrix
from rigspec.spec.loader import parse_spec
from tests.resolve.rigs import check_text

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

URL = "https://example.org/my-cudnn.tar.xz"
SPEC = """
rig = 1
name = "arm"
[machine.box]
os = "{os}"
arch = "aarch64"
{machine}
[env.lab]
python = "3.12"
{env}
"""


def write_text(os: str = "ubuntu 24.04", machine: str = "", env: str = "", more: str = "") -> str:
    return SPEC.format(os=os, machine=machine, env=env) + more


@pytest.mark.parametrize("gpu", ["GH200", "GB10"])
def test_check_of_arm_machine_with_gpu_takes_builds_for_it(gpu: str) -> None:
    text = write_text(machine=f'gpus = ["{gpu}"]', env='packages = { torch = "*" }')
    resolution = check_text(text).resolution
    assert resolution is not None
    assert resolution.arch == "aarch64"
    assert resolution.envs[0].interpreter == "system"
    assert resolution.envs[0].cuda is not None


@pytest.mark.parametrize("gpu", ["Jetson AGX Orin", "Jetson Thor"])
def test_driver_of_jetson_is_part_of_its_system(gpu: str) -> None:
    text = write_text("ubuntu 22.04", f'gpus = ["{gpu}"]', 'packages = { torch = "*" }')
    resolution = check_text(text).resolution
    assert resolution is not None
    assert resolution.driver_source == "none"
    assert list(list_repositories(resolution, load_matrix())) == []


def test_interpreter_from_uv_on_arm_machine_is_the_archive_for_it() -> None:
    text = write_text(env='interpreter = "uv"')
    resolution = check_text(text).resolution
    assert resolution is not None
    rig = parse_spec("rig.toml", text).rig
    (file,) = list_interpreter_files(rig, resolution, load_matrix())
    assert file.name.startswith("cpython-3.12.13+20260807-aarch64-")


@pytest.mark.parametrize(
    ("os", "folder"), [("ubuntu 24.04", "ubuntu2404/sbsa"), ("debian 12", None)]
)
def test_repository_of_nvidia_for_arm_servers_is_used_where_it_is_known(
    os: str, folder: str | None
) -> None:
    resolution = check_text(write_text(os, 'gpus = ["GH200"]')).resolution
    assert resolution is not None
    found = [each.url for each in list_repositories(resolution, load_matrix())]
    assert [url.partition("repos/")[2] for url in found] == ([folder] if folder else [])


TOOLKIT = '[cuda]\ntoolkit = "12.8"\n'


@pytest.mark.parametrize(
    ("env", "more", "what"),
    [
        ("", f'{TOOLKIT}provider = "runfile"\n', "the runfile of CUDA 12.8.1"),
        ("", f'{TOOLKIT}cudnn = "9.26"\n', "architecture aarch64 and cuDNN 9.26 are incompatible"),
        ('interpreter = "conda"', "", "the installer Miniconda3"),
    ],
)
def test_archive_for_another_architecture_is_refused(env: str, more: str, what: str) -> None:
    report = check_text(write_text(machine='gpus = ["GH200"]', env=env, more=more))
    (error,) = [d for d in report.diagnostics if d.severity is Severity.ERROR]
    assert (error.code, error.message.startswith(what)) == ("RS255", True)


def test_archive_next_to_an_image_with_cudnn_is_checked_if_a_step_installs_it() -> None:
    base = '[container]\nbase = "nvidia/cuda:12.8.99-cudnn-devel-ubuntu24.04"\n'
    cuda = f'{TOOLKIT}cudnn = "9.26"\nprovider = "nvidia"\n'
    report = check_text(write_text(machine='gpus = ["GH200"]', more=base + cuda))
    errors = [d for d in report.diagnostics if d.severity is Severity.ERROR]
    assert [d.code for d in errors] == ["RS255"]


@pytest.mark.parametrize(
    ("more", "files"),
    [
        ("", []),
        (f'{TOOLKIT}cudnn = "*"\n', ["cudnn-linux-sbsa-9.28.1.4_cuda12-archive.tar.xz"]),
        (
            '[cuda]\ntoolkit = "13.0"\ncudnn = "9"\n',
            ["cudnn-linux-sbsa-9.27.0.42_cuda13-archive.tar.xz"],
        ),
        (
            f'{TOOLKIT}cudnn = {{ version = "9.26.1.1", url = "{URL}", sha256 = "{64 * "0"}" }}\n',
            ["my-cudnn.tar.xz"],
        ),
    ],
)
def test_newest_archive_for_the_architecture_is_downloaded(more: str, files: list[str]) -> None:
    text = write_text(machine='gpus = ["GH200"]', more=more)
    resolution = check_text(text).resolution
    assert resolution is not None
    found = list_downloads(parse_spec("rig.toml", text).rig, resolution, load_matrix())
    assert [file.name for file in found] == files


@pytest.mark.parametrize(("gpu", "is_refused"), [("Jetson AGX Orin", True), ("Jetson Thor", False)])
def test_toolkit_of_a_jetson_before_thor_is_part_of_its_software(
    gpu: str, is_refused: bool
) -> None:
    report = check_text(write_text(machine=f'gpus = ["{gpu}"]', more='[cuda]\ntoolkit = "13.0"\n'))
    messages = [d.message for d in report.diagnostics if d.severity is Severity.ERROR]
    refused = f"no step installs CUDA 13.0.2 on a {gpu}: its CUDA is part of JetPack"
    assert messages == ([refused] if is_refused else [])


def test_lock_of_arm_machine_has_wheels_for_it_and_compiles(
    tmp_path: Path, rigspec: Rigspec, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("RIGSPEC_NVIDIA", "RIGSPEC_APT_UBUNTU"):
        monkeypatch.setenv(variable, "")
    spec, lock = tmp_path / "rig.toml", tmp_path / "lock"
    spec.write_text(write_text(env='packages = { numpy = "*", psutil = "*" }'), encoding="utf-8")
    done = rigspec("lock", spec, "-o", lock, "--pylock")
    assert done.returncode == 0, done.stderr
    names = next(lock.rglob("pylock*.toml")).read_text(encoding="utf-8")
    assert "_aarch64.whl" in names
    assert "_x86_64.whl" not in names
    for target in ("shell", "docker", "conda"):
        out = tmp_path / target
        done = rigspec("compile", spec, "--lock", lock, "--target", target, "-o", out)
        assert done.returncode == 0, done.stderr
        texts = [file.read_text(encoding="utf-8") for file in out.rglob("*") if file.is_file()]
        assert texts
        assert not any("x86_64" in text or "amd64" in text for text in texts)
