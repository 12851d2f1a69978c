"""Each target, executed by what it is made for. A target without an executor fails a test."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import hcl2
import ruamel.yaml
import tomli
import yaml
from cyclonedx.model import XsUri
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from rigspec.spec.models.rig import Rig
from tests.containers import Buildah
from tests.injection.machine import Machine, environment, sourced, variables
from tests.injection.texts import CANARY

__all__ = ["EXECUTORS", "build_image", "read_yaml"]

Executor = Callable[[Rig, Path, Machine], None]


def read_yaml(file: Path) -> object:
    """The one meaning that a file has for readers of YAML 1.1 and of YAML 1.2."""
    text = file.read_text(encoding="utf-8")
    meaning: object = yaml.safe_load(text)
    for version in ("1.1", "1.2"):
        reader = ruamel.yaml.YAML(typ="safe", pure=True)
        reader.version = version
        assert reader.load(text) == meaning
    return meaning


def run_shell(rig: Rig, files: Path, machine: Machine) -> None:
    machine.install(files)
    machine.holds(rig)


def boot(rig: Rig, files: Path, machine: Machine) -> None:
    """What the first boot writes and runs, by the words of the user-data alone."""
    user_data, meta_data = files / "user-data", files / "meta-data"
    cloud_config = read_yaml(user_data)
    assert isinstance(cloud_config, dict)
    assert read_yaml(meta_data)
    check = ["cloud-init", "schema", "--config-file", str(user_data)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for written in cloud_config["write_files"]:
        path = machine.root.path / written["path"].lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        content = written["content"].encode()
        path.write_bytes(base64.b64decode(content) if "encoding" in written else content)
        path.chmod(int(written["permissions"], 8))
    for command in cloud_config["runcmd"]:
        words = ["sh", "-c", command] if isinstance(command, str) else command
        machine.root.run(*words)
    machine.holds(rig)


def source_fragment(rig: Rig, files: Path, machine: Machine) -> None:
    _sourced_everywhere(rig, files / "rig.sh")


def activate(rig: Rig, files: Path, machine: Machine) -> None:
    for name in rig.env:
        _sourced_everywhere(rig, files / name / "activate.sh")
        environment_file = read_yaml(files / name / "environment.yml")
        assert isinstance(environment_file, dict)
        assert environment_file["name"] == name


def _sourced_everywhere(rig: Rig, file: Path) -> None:
    meant = variables(rig)
    for shell in ("bash", "dash", "zsh"):
        found = sourced(shell, file)
        assert {name: found.get(name) for name in meant} == meant, shell


def play(rig: Rig, files: Path, machine: Machine) -> None:
    """The playbook, by Ansible itself: what it would send through ssh goes into the machine."""
    inventory = files.parent / "inventory"
    inventory.write_text(
        f"[rig]\nbox ansible_user=root ansible_ssh_executable={machine.entrance(files.parent)}\n",
        encoding="utf-8",
    )
    tool = Path(sys.executable).parent / "ansible-playbook"
    done = subprocess.run(
        [tool, "--inventory", inventory, files / "playbook.yml", "-e", "rig_reboot=false"],
        env={
            "PATH": f"{tool.parent}:{os.environ['PATH']}",
            "HOME": str(files.parent),
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_SSH_TRANSFER_METHOD": "piped",
            "LC_ALL": "C.UTF-8",
        },
        # Ansible takes no streams that do not block; another program may have left ours so.
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    machine.holds(rig)


def define(rig: Rig, files: Path, machine: Machine) -> None:
    """The sections of a definition file, each by the shell that Apptainer gives it to."""
    sections = _sections((files / "rig.def").read_text(encoding="utf-8"))
    for line in sections["files"].splitlines():
        if line.strip():
            source, target = line.split()
            placed = machine.root.path / target.lstrip("/")
            placed.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(files / source, placed)
    machine.root.run("bash", "-c", sections["post -c /bin/bash"])
    machine.root.run("sh", "-c", sections["test"])
    meant = variables(rig)
    printed = machine.root.run("sh", "-c", sections["environment"] + "\nexec env -0").stdout
    assert {name: environment(printed).get(name) for name in meant} == meant


def _sections(definition: str) -> dict[str, str]:
    """The text of each section by its first line, less the percent sign."""
    parts = re.split(r"(?m)^%(.*)$", definition)
    return {name.strip(): text for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def open_folder(rig: Rig, files: Path, machine: Machine) -> None:
    """What an editor reads, and the check that it runs; `build_image` builds the rest."""
    folder = files / ".devcontainer"
    lines = (folder / "devcontainer.json").read_text(encoding="utf-8").splitlines()
    settings = json.loads("\n".join(line for line in lines if not line.lstrip().startswith("//")))
    assert settings["name"] == rig.name
    shutil.copytree(folder / "files", machine.root.path / "opt/rig/lock", dirs_exist_ok=True)
    shutil.copy(folder / "rig-image", machine.root.path / "usr/local/bin")
    machine.root.run(*settings["postCreateCommand"])


def read_bill(rig: Rig, files: Path, machine: Machine) -> None:
    """The bill of materials, by the validator of CycloneDX."""
    text = (files / "sbom.cdx.json").read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bom = json.loads(text)
    described = bom["metadata"]["component"]
    assert described["name"] == rig.name
    assert described["description"] == (rig.summary or rig.name)
    found = [each["name"] for each in bom["components"] if each["bom-ref"].startswith("env:")]
    assert found == sorted(rig.env)
    urls = {ref["url"] for each in bom["components"] for ref in each.get("externalReferences", ())}
    assert urls == {XsUri(each.url).uri for each in rig.download.values()}


def read_projects(rig: Rig, files: Path, machine: Machine) -> None:
    """The projects, by a reader of TOML; the machine has no network for uv."""
    for name in rig.env:
        content = tomli.loads((files / name / "pyproject.toml").read_text(encoding="utf-8"))
        summary = rig.summary or rig.name
        assert content["project"]["description"] == f"{summary}: environment {name}"
        assert sorted(content) == ["project", "tool"]
        lock = tomli.loads((files / name / "uv.lock").read_text(encoding="utf-8"))
        (project,) = lock["package"]
        assert project["name"] == content["project"]["name"]


def read_packer(rig: Rig, files: Path, machine: Machine) -> None:
    """The template, by a reader of HCL: its commands are the same for every text."""
    with (files / "rig.pkr.hcl").open(encoding="utf-8") as file:
        content = hcl2.load(file)
    assert {key for key in content if not key.startswith("__")} == {"build", "source", "variable"}
    digest = hashlib.sha256((files / "rig-installer.sh").read_bytes()).hexdigest()
    commands = json.dumps(content["build"])
    assert f"echo '{digest}  /tmp/rig-installer.sh' | sha256sum --check" in commands
    # Check and run, the reboot for the kernel arguments, the second run, and the removal.
    assert commands.count("inline") == 4


def nothing_of_conda(rig: Rig, files: Path, machine: Machine) -> None:
    """No environment of these rigs is one of conda."""
    assert [file.name for file in files.iterdir()] == ["MANIFEST.sha256"]


def no_image_yet(rig: Rig, files: Path, machine: Machine) -> None:
    """`build_image` does it, on a base image and not on a machine."""


def build_image(rig: Rig, files: Path, buildah: Buildah, base: str) -> None:
    """The image, built; its variables and its summary are those of the rig."""
    options = (
        "--format",
        "docker",
        "--layers=false",
        "--pull-never",
        "--build-arg",
        f"BASE={base}",
    )
    buildah("build", *options, "--tag", "localhost/rig", ".", cwd=files)
    container = buildah("from", "--pull-never", "localhost/rig")
    found = environment(buildah("run", container, "--", "env", "-0"))
    meant = variables(rig)
    assert {name: found.get(name) for name in meant} == meant
    labels = json.loads(buildah("inspect", "localhost/rig"))["Docker"]["config"]["Labels"]
    assert labels["org.opencontainers.image.description"] == (rig.summary or rig.name)
    fired = Path(buildah("mount", container), CANARY.lstrip("/"))
    assert list(fired.iterdir()) == []
    buildah("rm", container)
    buildah("rmi", "localhost/rig")


EXECUTORS: dict[str, Executor] = {
    "ansible": play,
    "apptainer": define,
    "bashrc": source_fragment,
    "cloud-init": boot,
    "conda": activate,
    "devcontainer": open_folder,
    "docker": no_image_yet,
    "packer": read_packer,
    "pixi": nothing_of_conda,
    "sbom": read_bill,
    "shell": run_shell,
    "uv": read_projects,
}
