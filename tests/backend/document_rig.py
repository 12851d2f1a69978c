"""A small rig with everything that a document lists, and its lock, made without a network."""

from __future__ import annotations

from rigspec.lock.model import (
    Lock,
    LockedArchive,
    LockedConda,
    LockedEnv,
    LockedFile,
    LockedImage,
    LockedInterpreter,
    LockedMachine,
    LockedPackage,
    LockedPythonPackage,
    LockedRepository,
    Unpinned,
)
from rigspec.plan.build import build_plan
from rigspec.plan.model import Plan
from rigspec.resolution import Build, EnvResolution, Pin, Resolution
from rigspec.spec.loader import parse_spec

__all__ = ["LOCKED", "SPEC", "build_document_plan", "checksum"]

SPEC = """\
rig = 1
name = "lab"
summary = "A \\"small\\" rig"

[machine.tower]
os = "debian 12"
driver = "535"
gpus = ["RTX 3090"]

[container]
base = "debian:12"

[env.work]
python = "3.11"
frameworks = { torch = "2.7.1+cu118" }
packages = { tqdm = ">=4" }

[env.studio]
manager = "conda"
python = "3.11"
packages = { numpy = "2.*" }
"""
_CHANNEL = "https://conda.anaconda.org/conda-forge"


def checksum(number: int) -> str:
    """A sha256 that no file has."""
    return f"{number:064x}"


def _conda_entry(name: str, version: str, number: int, depends: str) -> str:
    return f"""\
- name: {name}
  version: {version}
  manager: conda
  platform: linux-64
  dependencies: {depends}
  url: {_CHANNEL}/linux-64/{name}-{version}-h0_0.conda
  hash:
    md5: '{number:032x}'
    sha256: '{checksum(number)}'
  category: main
  optional: false
"""


_CONDA_LOCK = (
    "version: 1\nmetadata:\n  channels:\n  - url: conda-forge\n    used_env_vars: []\n"
    "  platforms: [linux-64]\npackage:\n"
    + _conda_entry("python", "3.11.9", 21, "{}")
    + _conda_entry("numpy", "2.1.0", 22, "{python: '>=3.11,<3.12.0a0', __glibc: '>=2.17'}")
)
_PYLOCK = f"""\
lock-version = "1.0"
environments = ["sys_platform == 'linux' and platform_machine == 'x86_64'"]
requires-python = "==3.11.*"
created-by = "rigspec"

[[packages]]
name = "pip"
version = "25.0"

[[packages.wheels]]
name = "pip-25.0-py3-none-any.whl"
url = "https://files.pythonhosted.org/packages/aa/pip-25.0-py3-none-any.whl"

[packages.wheels.hashes]
sha256 = "{checksum(11)}"

[[packages]]
name = "torch"
version = "2.7.1+cu118"

[[packages.wheels]]
name = "torch-2.7.1+cu118-cp311-cp311-manylinux_2_28_x86_64.whl"
url = "https://download.pytorch.org/whl/cu118/torch-2.7.1%2Bcu118-cp311-cp311-manylinux_2_28_x86_64.whl"

[packages.wheels.hashes]
sha256 = "{checksum(12)}"

[[packages]]
name = "tqdm"
version = "4.67.1"

[[packages.wheels]]
name = "tqdm-4.67.1-py3-none-any.whl"
url = "https://files.pythonhosted.org/packages/bb/tqdm-4.67.1-py3-none-any.whl"

[packages.wheels.hashes]
sha256 = "{checksum(13)}"
"""
_WORK = LockedEnv(
    name="work",
    engine="uv",
    packages=(
        LockedPythonPackage("torch", "2.7.1+cu118", (checksum(12),)),
        LockedPythonPackage("tqdm", "4.67.1", (checksum(13),)),
    ),
    tools=(LockedPythonPackage("pip", "25.0", (checksum(11),)),),
    interpreter=LockedInterpreter(
        "uv", ("python3", "-m", "venv"), installer="cpython-3.11.15.tar.gz"
    ),
    pylock=_PYLOCK,
)
_STUDIO = LockedEnv(
    name="studio",
    engine="uv",
    packages=(LockedPythonPackage("tqdm", "4.67.1", (checksum(13),)),),
    tools=(),
    interpreter=LockedInterpreter("conda", ("conda", "create"), installer="Miniforge3.sh"),
    conda_lock=_CONDA_LOCK,
    conda=LockedConda("linux-64", ()),
    pylock=_PYLOCK,
)
_RESOLUTION = Resolution(
    machine="tower",
    os="debian 12",
    arch="x86_64",
    accelerator="gpu",
    driver="535.247.01",
    cuda="11.8",
    cudnn="8.9.7.29",
    envs=(
        EnvResolution(
            name="work",
            python="3.11.15",
            pip="25.0",
            frameworks=(Pin("torch", "2.7.1+cu118"),),
            distributions=(Pin("torch", "2.7.1+cu118"),),
            cuda="11.8",
            builds=(Build("torch", "torch==2.7.1+cu118", "", "11.8"),),
            interpreter="uv",
        ),
        EnvResolution(name="studio", python="3.11.9", pip="25.0", interpreter="conda"),
    ),
)
LOCKED = LockedMachine(
    resolution=_RESOLUTION,
    files=(
        LockedFile(
            "cudnn.tar.xz", "https://example.org/cudnn.tar.xz", checksum(1), "matrix", 9, "cudnn"
        ),
        LockedFile(
            "cpython-3.11.15.tar.gz",
            "https://example.org/cpython-3.11.15%2B1.tar.gz",
            checksum(2),
            "matrix",
            part="interpreter",
        ),
        LockedFile(
            "Miniforge3.sh",
            "https://example.org/Miniforge3.sh",
            checksum(3),
            "spec",
            part="installer",
        ),
    ),
    repositories=(
        LockedRepository(
            "nvidia-cuda", "https://example.org/cuda", "/", (), "https://example.org/key", "A" * 40
        ),
    ),
    packages=(
        LockedPackage("nvidia-driver", "driver", "535.247.01-1", archive="nvidia-cuda"),
        LockedPackage(
            "git",
            "system",
            "1:2.39.5-0+deb12u2",
            checksum(4),
            7,
            "pool/main/g/git/git_2.39.5-0+deb12u2_amd64.deb",
            "debian/bookworm",
        ),
        LockedPackage(
            "git-man",
            "dependency",
            "1:2.39.5-0+deb12u2",
            checksum(5),
            8,
            "pool/main/g/git/git-man_2.39.5-0+deb12u2_all.deb",
            "debian/bookworm",
            ("system",),
        ),
    ),
    archives=(
        LockedArchive(
            "debian/bookworm", "debian", "bookworm", ("main",), "2026-10-01T00:00:00Z", "0" * 64, ()
        ),
    ),
    envs=(_WORK, _STUDIO),
    image=LockedImage("debian:12", f"sha256:{checksum(6)}", "registry"),
    unpinned=(Unpinned("packages of the repository nvidia-cuda", "its server did not answer"),),
)


def build_document_plan(spec: str = SPEC, locked: LockedMachine = LOCKED) -> Plan:
    """The plan of the rig, or of another one with this lock."""
    rig = parse_spec("rig.toml", spec).rig
    lock = Lock(rig.name, "0" * 64, "0" * 64, (locked,))
    return build_plan(rig, lock, "tower", "12" * 32)
