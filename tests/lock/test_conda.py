"""Conda environments, locked for the target from channels of our own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lock.conda_channel import Channel, rig

Done = subprocess.CompletedProcess[str]
GPU = 'os = "ubuntu 16.04"\ndriver = "{}"\ngpus = [{{ model = "GTX 1080 Ti" }}]'


@dataclass
class Lab:
    """A channel, a spec, and the lock made of both."""

    folder: Path
    channel: Channel
    rigspec: Callable[..., Done]

    def write(self, packages: str = "", **parts: str) -> None:
        text = rig(self.channel.url, packages=packages, **parts)
        (self.folder / "rig.toml").write_text(text, encoding="utf-8")

    def lock(self, *arguments: str) -> Done:
        where = (self.folder / "rig.toml", "-o", self.folder / "lock")
        return self.rigspec("lock", *where, *arguments)

    def locked(self, *arguments: str) -> dict[str, str]:
        done = self.lock(*arguments)
        assert done.returncode == 0, done.stderr
        return self.versions()

    def file(self, part: str) -> Path:
        return self.folder / "lock" / "tower" / f"lab.{part}"

    def versions(self) -> dict[str, str]:
        text = self.file("explicit.txt").read_text(encoding="utf-8")
        return dict(re.findall(r"/([a-z_-]+)-([\d.]+)-\d\.tar\.bz2#", text))


@pytest.fixture
def lab(tmp_path: Path, rigspec: Callable[..., Done]) -> Lab:
    channel = Channel(tmp_path / "channel")
    channel.add_python()
    channel.add("numpy", "1.14.3", ["python >=3.6,<3.7"])
    channel.add("numpy", "1.15.0", ["python >=3.6,<3.7", "__glibc >=2.28"])
    channel.add("kernels", "1.0", ["numpy", "__cuda >=9.0"])
    channel.add("kernels", "2.0", ["numpy", "__cuda >=10.0"])
    return Lab(tmp_path, channel, rigspec)


@pytest.mark.parametrize(
    ("machine", "driver", "expected"),
    [
        ("ubuntu 16.04", "384.81", {"kernels": "1.0", "numpy": "1.14.3"}),
        ("ubuntu 16.04", "410.48", {"kernels": "2.0", "numpy": "1.14.3"}),
        ("ubuntu 20.04", "384.81", {"kernels": "1.0", "numpy": "1.15.0"}),
    ],
)
def test_conda_solve_uses_target_driver_and_os(
    lab: Lab, machine: str, driver: str, expected: dict[str, str]
) -> None:
    target = GPU.format(driver).replace("ubuntu 16.04", machine)
    lab.write('kernels = "*"', machine=target)
    found = lab.locked()
    assert {name: found[name] for name in expected} == expected


def test_conda_solve_ignores_virtual_packages_of_host(lab: Lab) -> None:
    lab.write('kernels = "*"', machine=GPU.format("384.81"))
    before = lab.locked()
    output = {"CONDA_OVERRIDE_CUDA": "12.9", "CONDA_OVERRIDE_GLIBC": "2.40"}
    where = (str(lab.folder / "rig.toml"), "-o", str(lab.folder / "lock"), "--upgrade")
    command = [sys.executable, "-m", "rigspec", "lock", *where]
    done = subprocess.run(
        ["env", *(f"{k}={v}" for k, v in output.items()), *command],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert lab.versions() == before


def test_conda_explicit_list_equals_rendering_of_conda_lock(lab: Lab) -> None:
    lab.write('kernels = "*"', machine=GPU.format("384.81"))
    lab.locked()
    tool = [sys.executable, "-m", "conda_lock", "render", "-k", "explicit", "-p", "linux-64"]
    done = subprocess.run(
        [*tool, lab.file("conda-lock.yml")],
        cwd=lab.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rendered = (lab.folder / "conda-linux-64.lock").read_text(encoding="utf-8")
    ours = lab.file("explicit.txt").read_text(encoding="utf-8")
    assert ours.count("#") > 5
    assert rendered.partition("@EXPLICIT")[2].split() == ours.partition("@EXPLICIT")[2].split()


def test_conda_relock_keeps_versions_until_update(lab: Lab) -> None:
    lab.channel.add("tool", "1.0", ["lib"])
    lab.channel.add("lib", "1.0")
    lab.write('tool = "*"\nnumpy = "*"')
    assert lab.locked()["tool"] == "1.0"
    lab.channel.add("tool", "2.0", ["lib >=2"])
    lab.channel.add("lib", "2.0")
    lab.channel.add("numpy", "1.14.5", ["python >=3.6,<3.7"])

    again = lab.lock()
    assert again.returncode == 0, again.stderr
    assert "is up to date" in again.stderr

    moved = lab.lock("--update", "tool")
    assert moved.returncode == 0, moved.stderr
    assert "~ lab: conda's tool 1.0 → 2.0\n" in moved.stderr
    assert "~ lab: conda's lib 1.0 → 2.0\n" in moved.stderr  # it must
    assert lab.versions()["numpy"] == "1.14.3"

    assert lab.locked("--upgrade")["numpy"] == "1.14.5"


def test_conda_relock_changes_only_disallowed_package(lab: Lab) -> None:
    lab.channel.add("tool", "1.0")
    lab.write('tool = "*"\nnumpy = "*"')
    lab.locked()
    lab.channel.add("tool", "2.0")
    lab.channel.add("numpy", "1.14.5", ["python >=3.6,<3.7"])
    lab.write('tool = ">=2"\nnumpy = "*"')
    assert lab.lock("--check").returncode == 1
    found = lab.locked()
    assert (found["tool"], found["numpy"]) == ("2.0", "1.14.3")
    assert lab.lock("--check").returncode == 0


def test_conda_solve_with_as_of_has_nothing_newer(lab: Lab) -> None:
    day = 86_400_000
    july_1 = 17_713 * day  # 2018-07-01
    lab.channel.add("tool", "1.0", timestamp=july_1)
    lab.channel.add("tool", "1.1", timestamp=july_1 + day - 1)
    lab.channel.add("tool", "1.2", timestamp=july_1 + day)
    for records in lab.channel.records.values():
        for record in records.values():
            record.setdefault("timestamp", july_1)
    lab.channel.write()
    lab.write('tool = "*"', more="as_of = 2018-07-01")
    assert lab.locked()["tool"] == "1.1"


def test_conda_lock_of_named_channel_has_no_host(lab: Lab) -> None:
    text = rig("channel", packages='numpy = "*"')
    mirror = lab.folder.as_uri()
    (lab.folder / "rig.toml").write_text(
        text + f'\n[mirrors]\nconda = "{mirror}"\n', encoding="utf-8"
    )
    lab.locked()
    for part in ("explicit.txt", "conda-lock.yml"):
        pinned = lab.file(part).read_text(encoding="utf-8")
        assert "${CONDA_CHANNEL_ALIAS}/channel/linux-64/numpy-1.14.3" in pinned
        assert mirror not in pinned
    artifacts = lab.rigspec(
        *("compile", lab.folder / "rig.toml", "--lock", lab.folder / "lock", "--target", "shell"),
        *("-o", lab.folder / "out"),
    )
    assert artifacts.returncode == 0, artifacts.stderr
    listed = lab.folder / "out" / "shell" / "files" / "lab.explicit.txt"
    assert f"{mirror}/channel/linux-64/numpy-1.14.3-0.tar.bz2#" in listed.read_text("utf-8")


def test_conda_lock_edited_by_hand_is_refused(lab: Lab) -> None:
    lab.write('numpy = "*"')
    lab.locked()
    for part in ("explicit.txt", "conda-lock.yml"):
        whole = lab.file(part).read_bytes()
        lab.file(part).write_bytes(whole.replace(b"1.14.3", b"1.14.4"))
        refused = lab.lock("--check")
        assert refused.returncode == 1
        assert f"lab.{part} was changed after it was written" in refused.stderr
        lab.file(part).write_bytes(whole)


def test_conda_artifacts_install_explicit_list(lab: Lab) -> None:
    lab.write('numpy = "*"')
    lab.locked()
    out = lab.folder / "out"
    where = ("--lock", lab.folder / "lock", "--locked", "--target", "all", "-o", out)
    done = lab.rigspec("compile", lab.folder / "rig.toml", *where)
    assert done.returncode == 0, done.stderr
    listed = lab.file("explicit.txt").read_bytes()
    for target in ("shell", "docker"):
        assert (out / target / "files" / "lab.explicit.txt").read_bytes() == listed
    assert (out / "conda" / "lab" / "explicit.txt").read_bytes() == listed
    dockerfile = (out / "docker" / "Dockerfile").read_text(encoding="utf-8")
    assert "source=files/lab.explicit.txt,target=/opt/rig/lock/lab.explicit.txt" in dockerfile
    for tool, file in (
        (("shellcheck",), out / "shell" / "install.sh"),
        (("hadolint",), out / "docker" / "Dockerfile"),
    ):
        program = Path(sys.executable).parent / tool[0]
        checked = subprocess.run([program, *tool[1:], file], capture_output=True, check=False)
        assert checked.returncode == 0, checked.stdout
    # conda's own list, and conda-lock's file for a manual installation.
    environment = (out / "conda" / "lab" / "environment.yml").read_text(encoding="utf-8")
    assert "conda create --name lab --file explicit.txt" in environment
    assert (out / "conda" / "lab" / "conda-lock.yml").is_file()


def test_conda_environment_with_other_list_is_rebuilt(lab: Lab) -> None:
    """The installer rebuilds an environment when only conda's packages have changed."""
    digests = []
    for version in ("1.14.3", "1.14.5"):
        lab.channel.add("numpy", version, ["python >=3.6,<3.7"])
        lab.write(f'numpy = "=={version}"')
        lab.locked()
        where = ("--lock", lab.folder / "lock", "--target", "shell", "-o", lab.folder / version)
        assert lab.rigspec("compile", lab.folder / "rig.toml", *where).returncode == 0
        text = (lab.folder / version / "shell" / "install.sh").read_text(encoding="utf-8")
        digests.append(print_stamp(text, lab.folder / version / "shell" / "files"))
    assert len(digests[0]) == len(digests[1]) == 64
    assert digests[0] != digests[1]


def print_stamp(installer: str, files: Path) -> str:
    """Return the value that the environment's step compares with its stamp."""
    functions = installer.rpartition("\n{ trap")[0].replace("trap ", "# trap ")
    program = "environment_print_stamp() { environment_digest; }"
    script = f"{functions}\n{program}\nLOCK={files}\nload_plan\nrun_on_step env-lab print_stamp"
    command = ["bash", "-c", script]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_conda_blas_of_spec_is_used_by_numpy(lab: Lab) -> None:
    for name in ("mkl", "openblas"):
        lab.channel.add("blas", "1.0", build=name)
        lab.channel.add("numpy", "1.16.0", ["python >=3.6,<3.7", f"blas * {name}"], build=name)
    for name in ("mkl", "openblas"):
        lab.write('numpy = "1.16"', more=f'blas = "{name}"')
        done = lab.lock("--upgrade")
        assert done.returncode == 0, done.stderr
        listed = lab.file("explicit.txt").read_text(encoding="utf-8")
        assert f"/numpy-1.16.0-{name}.tar.bz2#" in listed
        assert f"/blas-1.0-{name}.tar.bz2#" in listed


@pytest.mark.parametrize(
    ("request_text", "cudatoolkit"),
    [
        ('"1.10.2"', "11.3.1"),
        ('{ version = "1.10.2", build = "cuda10.2" }', "10.2.89"),
    ],
)
def test_conda_takes_the_build_that_check_chose(
    request_text: str, cudatoolkit: str, tmp_path: Path, rigspec: Callable[..., Done]
) -> None:
    channel = Channel(tmp_path / "mirror" / "pytorch")
    channel.add_python()
    for toolkit, series in (("10.2.89", "10.2"), ("11.3.1", "11.3"), ("11.1.74", "11.1")):
        channel.add("cudatoolkit", toolkit)
        depends = ["python >=3.6,<3.7", f"cudatoolkit {series}.*"]
        channel.add("pytorch", "1.10.2", depends, build=f"py3.6_cuda{series}_0")
    lab = Lab(tmp_path, channel, rigspec)
    machine = 'os = "ubuntu 18.04"\ndriver = { version = "470", from = "none" }\ngpus = ["T4"]'
    text = rig("pytorch", packages=f"pytorch = {request_text}", machine=machine)
    text += f'\n[mirrors]\nconda = "{(tmp_path / "mirror").as_uri()}"\n'
    (tmp_path / "rig.toml").write_text(text, encoding="utf-8")

    done = lab.lock()
    assert done.returncode == 0, done.stderr
    explicit = lab.file("explicit.txt").read_text(encoding="utf-8")
    assert f"/cudatoolkit-{cudatoolkit}-" in explicit
    assert f"/pytorch-1.10.2-py3.6_cuda{cudatoolkit[:4]}_0" in explicit
