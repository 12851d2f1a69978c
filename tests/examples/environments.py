"""This host as the examples need it: with container engines, machines or a disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.conftest import ROOT
from tests.containers import docker_engine
from tests.execution.conftest import KEPT
from tests.execution.machine_image import make_image
from tests.execution.roots import SystemRoot, archive, archives, make_root
from tests.execution.test_ansible import sshd

__all__ = ["ENVIRONMENTS", "ON_THE_MACHINE", "Environment", "on_this_host"]

# The title of blocks that run as root on the machine of the rig.
ON_THE_MACHINE = "on the machine, as root"
_ADDRESSES = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")


@dataclass(frozen=True)
class Environment:
    """The folder of an example, variables for its commands, and the machine of its rig."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    machine: SystemRoot | None = None

    def run(self, line: str, *, on_machine: bool = False) -> tuple[int, str]:
        """Return the exit status of a command line, and what it printed."""
        if on_machine:
            return self._run_on_machine(line)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **self.variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def _run_on_machine(self, line: str) -> tuple[int, str]:
        """Run it in /root/rig of the machine, which has what the example's folder has."""
        assert self.machine is not None
        target = self.machine.path / "root" / "rig"
        if not target.exists():
            shutil.copytree(self.folder, target, symlinks=True)
        script = f"exec 2>&1; cd /root/rig; {line}"
        done = self.machine.run("bash", "-euc", script, check=False)
        return done.returncode, done.stdout + done.stderr


@contextmanager
def on_this_host(folder: Path) -> Iterator[Environment]:
    """Make `rigspec` and the tools of this environment available as commands."""
    programs = folder.parent / "bin"
    programs.mkdir()
    program = programs / "rigspec"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m rigspec "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    # Debian's own container engine has precedence over one of another origin.
    path = f"{programs}:{Path(sys.executable).parent}:/usr/bin:{os.environ['PATH']}"
    yield Environment(folder, {"PATH": path, "HOME": str(folder.parent)})


@contextmanager
def _with_archive(folder: Path) -> Iterator[Environment]:
    """Pin system packages from the archive of this host's apt."""
    with on_this_host(folder) as host:
        yield replace(host, variables={**host.variables, "RIGSPEC_APT_DEBIAN": archive()})


@contextmanager
def _with_machine(folder: Path, suite: str, network: bool = True) -> Iterator[Environment]:
    """Add a new Debian as the machine of the rig."""
    root = folder.parent / "machine"
    subprocess.run(["cp", "-a", "--reflink=auto", make_root(suite, KEPT), root], check=True)
    if not network:
        (root / "etc/apt/sources.list").unlink(missing_ok=True)
    with _with_archive(folder) as host:
        yield replace(host, machine=SystemRoot(root, network))


@contextmanager
def _with_towers(folder: Path) -> Iterator[Environment]:
    """Add four machines with sshd, which ssh reaches by the names of the inventory."""
    work = folder.parent
    key = work / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    settings = [f"IdentityFile {key}", f"UserKnownHostsFile {work}/known"]
    settings.append("StrictHostKeyChecking accept-new")
    with ExitStack() as stack:
        for number, address in enumerate(_ADDRESSES, start=1):
            host = stack.enter_context(sshd(work / f"tower-{number}", address, key))
            settings += [f"Host tower-{number}", f"HostName {host.address}", f"Port {host.port}"]
        (work / "ssh_config").write_text("\n".join(settings) + "\n", encoding="utf-8")
        environment = stack.enter_context(_with_archive(folder))
        ansible = {
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_SSH_ARGS": f"-F {work}/ssh_config -o ControlMaster=auto -o ControlPersist=2s",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": f"/tmp/rig-ssh-{os.getpid()}",
            "LC_ALL": "C.UTF-8",
        }
        yield replace(environment, variables={**environment.variables, **ansible})


@contextmanager
def _with_engines(folder: Path) -> Iterator[Environment]:
    """Add Docker and buildah with an image `debian:12` of their own stores."""
    base = make_root("bookworm", KEPT)
    store = folder.parent / "store"
    with docker_engine(folder.parent / "engine") as docker, _with_archive(folder) as host:
        docker.image("debian:12", base)
        docker("save", "debian:12", "--output", folder.parent / "base.tar")
        variables = {
            **host.variables,
            "DOCKER_HOST": docker.environment["DOCKER_HOST"],
            "DOCKER_BUILDKIT": "1",
            "BUILDAH_ISOLATION": "chroot",
            "STORAGE_DRIVER": "vfs",
            "CONTAINERS_STORAGE_CONF": str(folder.parent / "storage.conf"),
        }
        (folder.parent / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{store}/root"\nrunroot = "{store}/run"\n',
            encoding="utf-8",
        )
        environment = replace(host, variables=variables)
        status, output = environment.run("buildah pull docker-archive:../base.tar")
        assert status == 0, output
        yield environment


@contextmanager
def _with_disk(folder: Path) -> Iterator[Environment]:
    """Add the disk of a Debian 12 with cloud-init."""
    (folder / "debian-12.img").symlink_to(make_image(KEPT))
    with on_this_host(folder) as host:
        mirror = f'\n[mirrors]\napt = "{archives()}"\n'
        with (folder / "rig.toml").open("a", encoding="utf-8") as spec:
            spec.write(mirror)
        yield host


@contextmanager
def _with_terraform(folder: Path) -> Iterator[Environment]:
    """Use the Terraform of this machine, or its OpenTofu under that name."""
    found = shutil.which("terraform") or shutil.which("tofu")
    assert found is not None, "this test needs `terraform` or `tofu` on the path"
    with on_this_host(folder) as host:
        (folder.parent / "bin" / "terraform").symlink_to(found)
        settings = folder.parent / "terraformrc"
        settings.touch()
        yield replace(host, variables={**host.variables, "TF_CLI_CONFIG_FILE": str(settings)})


ENVIRONMENTS: dict[str, Callable[[Path], AbstractContextManager[Environment]]] = {
    "ansible": _with_towers,
    "dockerfile": _with_engines,
    "kubernetes": on_this_host,
    "offline": lambda folder: _with_machine(folder, "bookworm", network=False),
    "pytorch": on_this_host,
    "slurm": on_this_host,
    "tensorflow-1.8": lambda folder: _with_machine(folder, "bullseye"),
    "terraform": _with_terraform,
    "virtual-machine": _with_disk,
}
