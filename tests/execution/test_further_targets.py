"""The definition file and the dev container, read and built by the tools that they are for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.conftest import ROOT
from tests.containers import Buildah, local_registry
from tests.execution.conftest import KEPT
from tests.execution.roots import configure, make_root
from tests.execution.test_shell import PYTHON, SESSION

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

# What Apptainer would take for a variable of the build and for a section.
NASTY = "{{ x }} it's {{{ 100% }}}"
DEV_CONTAINERS = "@devcontainers/cli@0.89.0"


@pytest.fixture
def buildah(tmp_path: Path) -> Iterator[Buildah]:
    tool = Buildah(tmp_path / "store")
    yield tool
    tool("rm", "--all")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    with local_registry(tmp_path / "registry") as host:
        yield host


@pytest.fixture
def compiled(
    registry: str, buildah: Buildah, debian_11_base: Path, rigspec: Rigspec, tmp_path: Path
) -> Path:
    """specs/legacy-cpu.toml on a Debian 11 of a registry, locked by its digest, compiled."""
    buildah.image("localhost/debian:11", debian_11_base)
    buildah.pushed("localhost/debian:11", f"{registry}/debian:11")
    text = (ROOT / "specs" / "legacy-cpu.toml").read_text(encoding="utf-8")
    text += f'\n[mirrors]\nimages = "{registry}"\n\n[system.env]\nRIG_TEXT = "{NASTY}"\n'
    spec, lock, out = tmp_path / "rig.toml", tmp_path / "lock", tmp_path / "out"
    spec.write_text(text, encoding="utf-8")
    shutil.copytree(ROOT / "lockfiles" / "legacy-cpu", lock)
    done = rigspec("lock", spec, "-o", lock, "--require-digests")
    assert done.returncode == 0, done.stderr
    done = rigspec("compile", spec, "--lock", lock, "--target", "all", "--locked", "-o", out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def dev_containers() -> Path:
    """The dev containers' own command line, kept."""
    folder = KEPT / "devcontainers"
    program = folder / "node_modules" / ".bin" / "devcontainer"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        if not program.exists():
            options = ("--no-audit", "--no-fund", "--silent", "--prefix", str(folder))
            subprocess.run(["npm", "install", *options, DEV_CONTAINERS], check=True)
    return program


@pytest.mark.parametrize("rig", ["dl-server", "legacy-cpu"])
def test_devcontainer_cli_reads_configuration(
    rig: str, dev_containers: Path, rigspec: Rigspec, tmp_path: Path
) -> None:
    spec = ROOT / "specs" / f"{rig}.toml"
    done = rigspec("compile", spec, "--target", "devcontainer", "--locked", "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    folder = str(tmp_path / "devcontainer")
    # It asks which containers run already, of a program that needs no server.
    options = ("--docker-path", "podman", "--workspace-folder", folder)
    read = subprocess.run(
        [dev_containers, "read-configuration", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert read.returncode == 0, read.stderr
    found = json.loads(read.stdout)["configuration"]
    assert found["name"] == rig
    assert found["build"] == {"dockerfile": "Dockerfile", "context": "."}
    assert found["remoteUser"] == "rig"
    assert found.get("hostRequirements") == ({"gpu": True} if rig == "dl-server" else None)


@pytest.mark.nightly
@pytest.mark.e2e(minutes=4)
def test_devcontainer_build_passes_verification(buildah: Buildah, compiled: Path) -> None:
    buildah(
        "build",
        *("--format", "docker", "--layers=false", "--network=host", "--tls-verify=false"),
        *("--tag", "localhost/dev", "."),
        cwd=compiled / "devcontainer" / ".devcontainer",
    )
    container = buildah("from", "--pull-never", "localhost/dev")
    assert buildah("run", container, "--", "id", "-un") == "rig"
    buildah("run", container, "--", "sh", "/opt/rig/lock/verify.sh")
    assert buildah("run", container, "--", PYTHON, "-c", SESSION).split() == ["1.8.0", "10.0"]
    for shell in ("-c", "-lc"):
        command = ("bash", shell, 'printf %s "$RIG_TEXT"')
        assert buildah("run", container, "--", *command) == NASTY


class Apptainer:
    """Apptainer of Debian's unstable, in namespaces of its own: it wants every capability, and this
    machine may lack one.
    """

    _START = (
        'read go; exec sh -c "$0" "$@"',
        'mount --bind "$0" "$0" && cd "$0" && mount -t proc proc proc && mount --rbind /dev dev'
        " && pivot_root . . && umount -l . && cd /root/context"
        ' && exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root apptainer "$@"',
    )

    def __init__(self, root: Path) -> None:
        self._root = root

    def __call__(self, *arguments: str) -> str:
        process = subprocess.Popen(
            [
                *("unshare", "--user", "--mount", "--pid", "--fork", "--kill-child"),
                *("sh", "-c", *self._START, str(self._root), *arguments),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        own = os.readlink("/proc/self/ns/user")
        while os.readlink(f"/proc/{process.pid}/ns/user") == own:
            time.sleep(0.01)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{process.pid}/{name}").write_text("0 0 65536", encoding="utf-8")
        output, errors = process.communicate("go\n")
        assert process.returncode == 0, output + errors
        return output.strip()


@pytest.fixture
def apptainer(compiled: Path, tmp_path: Path) -> Apptainer:
    base = make_root("sid", KEPT, "--include=apptainer,ca-certificates")
    root = tmp_path / "sid"
    subprocess.run(["cp", "-a", "--reflink=auto", base, root], check=True)
    configure(root)
    (root / "etc" / "hosts").write_text("127.0.0.1 localhost\n", encoding="utf-8")
    shutil.copytree(compiled / "apptainer", root / "root" / "context")
    return Apptainer(root)


@pytest.mark.nightly
@pytest.mark.e2e(minutes=4)
def test_apptainer_build_passes_test(
    apptainer: Apptainer,
) -> None:
    apptainer("build", "--no-https", "--sandbox", "rig", "rig.def")
    assert apptainer("exec", "rig", PYTHON, "-c", SESSION).split() == ["1.8.0", "10.0"]
    apptainer("test", "rig")
    assert apptainer("run", "rig", "sh", "-c", 'printf %s "$RIG_TEXT"') == NASTY
    assert "io.rigspec.lock" in apptainer("inspect", "--labels", "rig")
    assert "apptainer test rig.sif" in apptainer("run-help", "rig")
