"""Each target, executed by what it is made for. A target without an executor fails a test."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import ruamel.yaml
import yaml

from rigspec.spec.model import Rig
from tests.containers import Buildah
from tests.hostile.machine import Machine, environment, sourced, variables
from tests.hostile.texts import CANARY

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
        assert written["encoding"] == "b64"
        path.write_bytes(base64.b64decode(written["content"]))
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
    "bashrc": source_fragment,
    "cloud-init": boot,
    "conda": activate,
    "docker": no_image_yet,
    "shell": run_shell,
}
