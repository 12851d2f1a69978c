"""A distribution's own CUDA: the installer alone makes it of a bare Debian 12, and it compiles."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from filelock import FileLock

from tests.conftest import ROOT
from tests.execution.conftest import KEPT, copied
from tests.execution.interpreters import have_space
from tests.execution.roots import SystemRoot, make_root
from tests.lock.http_server import send, servers

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

# NVIDIA's own build of the release that the rig asks for, as the Python index has it.
CUDNN = "nvidia-cudnn-cu11==8.5.0.96"
# The library, and the one part of it that it asks for its version; all of it has 900 MB.
PARTS = ("libcudnn.so.8", "libcudnn_ops_infer.so.8")

KERNEL = """
#include <cstdio>
__global__ void twice(float *x) { x[threadIdx.x] *= 2; }
// The version of the headers: without a driver the library does not tell its own.
int main() { std::printf("%d %d\\n", CUDART_VERSION, __GNUC__); return 0; }
"""
VERSIONS = """
#include <cstdio>
#include <cudnn.h>
int main() { std::printf("%d %zu\\n", CUDNN_VERSION, cudnnGetVersion()); return 0; }
"""


@pytest.fixture
def cudnn(tmp_path: Path) -> Path:
    """cuDNN in an archive as NVIDIA packs it."""
    KEPT.mkdir(parents=True, exist_ok=True)
    wheels = KEPT / "wheels"
    with FileLock(KEPT / ".wheels.lock"):
        if not list(wheels.glob("nvidia_cudnn_cu11-8.5.0.96-*.whl")):
            command = ["python3", "-m", "pip", "download", "--quiet", "--no-deps", CUDNN]
            subprocess.run([*command, "--dest", wheels], check=True)
    (wheel,) = wheels.glob("nvidia_cudnn_cu11-8.5.0.96-*.whl")
    packed = tmp_path / "cudnn-linux-x86_64-8.5.0.96_cuda11-archive.tar.xz"
    with zipfile.ZipFile(wheel) as files, tarfile.open(packed, "w:xz", preset=0) as archive:
        for name in files.namelist():
            path = Path(name)
            if path.name in PARTS or path.suffix == ".h":
                member = tarfile.TarInfo(f"{packed.stem}/{path.parent.name}/{path.name}")
                data = files.read(name)
                member.size, member.mode = len(data), 0o644
                archive.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo(f"{packed.stem}/lib/libcudnn.so")
        link.type, link.linkname = tarfile.SYMTYPE, PARTS[0]
        archive.addfile(link)
    return packed


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[SystemRoot]:
    """A Debian 12 that fetches no package twice, on this machine or in this root."""
    have_space(tmp_path, 9)
    kept = KEPT / "debs"
    kept.mkdir(parents=True, exist_ok=True)
    root = copied(make_root("bookworm", KEPT), tmp_path)
    archives = root.path / "var" / "cache" / "apt" / "archives"
    for deb in kept.glob("*.deb"):
        if not (archives / deb.name).exists():
            os.link(deb, archives / deb.name)
    yield root
    for deb in archives.glob("*.deb"):
        if not (kept / deb.name).exists():
            os.link(deb, kept / deb.name)
    shutil.rmtree(root.path)


@pytest.fixture
def installer(cudnn: Path, rigspec: Rigspec, tmp_path: Path) -> Iterator[Path]:
    """specs/debian-cuda.toml with that archive, locked from the archive of today, and compiled."""
    served = cudnn.read_bytes()

    def answer(request: BaseHTTPRequestHandler) -> None:
        send(request, served)

    with servers() as start:
        url = f"http://{start(answer)}/{cudnn.name}"
        checksum = hashlib.sha256(served).hexdigest()
        text = (ROOT / "specs" / "debian-cuda.toml").read_text(encoding="utf-8")
        line = 'cudnn = "8.5"'
        assert line in text
        given = f'cudnn = {{ version = "8.5", url = "{url}", sha256 = "{checksum}" }}'
        (tmp_path / "rig.toml").write_text(text.replace(line, given), encoding="utf-8")
        settings = {name: value for name, value in os.environ.items() if "RIGSPEC_APT" not in name}
        lock, out = tmp_path / "lock", tmp_path / "out"
        for command in (
            ("lock", tmp_path / "rig.toml", "-o", lock),
            ("compile", tmp_path / "rig.toml", "--lock", lock, "--locked", "-o", out),
        ):
            options = ("--target", "shell") if command[0] == "compile" else ()
            done = rigspec(*command, *options, env=settings)
            assert done.returncode == 0, done.stderr
        yield out / "shell"


def compiled(root: SystemRoot, source: str, *flags: str) -> SystemRoot:
    """Compile a program in a log-in session of the rig; what it prints."""
    (root.path / "root" / "program.cu").write_text(source, encoding="utf-8")
    command = ("nvcc", "-arch=sm_61", "-o", "/root/program", "/root/program.cu", *flags)
    root.run("bash", "-lc", " ".join(command))
    return root


@pytest.mark.e2e(minutes=12)
def test_debian_cuda_nvcc_compiles_with_pinned_gcc(machine: SystemRoot, installer: Path) -> None:
    shutil.copytree(installer, machine.path / "root" / "rig")
    # The machine has the archive's first component, as Debian leaves it.
    sources = machine.path / "etc" / "apt" / "sources.list"
    assert "non-free" not in sources.read_text(encoding="utf-8")
    first = machine.run("/root/rig/install.sh").stdout
    assert "doing    CUDA toolkit 11.8.0" in first
    assert "doing    Verify the installation against the lock" in first

    held = machine.run("apt-mark", "showhold").stdout.split()
    assert {"nvidia-cuda-toolkit", "nvidia-driver", "g++-11"} <= set(held)
    assert machine.run("g++", "-dumpversion").stdout.strip() == "12"

    compiled(machine, KERNEL)
    # The runtime of 11.8, and the host's part by GCC 11.
    assert machine.run("/root/program").stdout.split() == ["11080", "11"]
    code = machine.run("cuobjdump", "--list-elf", "/root/program").stdout
    assert "sm_61.cubin" in code
    assert "twice" in machine.run("cuobjdump", "--dump-sass", "/root/program").stdout
    settings = "nvcc --dryrun -c /root/program.cu"
    runs = [
        line
        for line in machine.run("bash", "-lc", settings).stderr.splitlines()
        if "-E" in line.split() or "-c" in line.split()
    ]
    assert runs
    assert all("g++-11" in line for line in runs if "cicc" not in line and "ptxas" not in line)

    folder = "/usr/lib/cuda"
    compiled(machine, VERSIONS, f"-I{folder}/include", f"-L{folder}/lib", "-lcudnn")
    assert machine.run("bash", "-lc", "/root/program").stdout.split() == ["8500", "8500"]

    before = machine.listing("var/log/rig.log", "root")
    second = machine.run("/root/rig/install.sh").stdout
    done = [line.partition("] ")[2] for line in second.splitlines() if "] doing " in line]
    assert done == ["doing    Verify the installation against the lock"]
    assert machine.listing("var/log/rig.log", "root") == before
