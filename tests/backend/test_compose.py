"""Who gets what in compose.yaml: ports, GPUs, accounts; docker-compose reads each."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
Variant = Callable[..., Path]
WRITTEN = (ROOT / "specs" / "dl-server.toml").read_text(encoding="utf-8")
SPEC, _, _ = WRITTEN.partition("[user.alice]")
ALICE, BOB = "[user.alice]\ngpus = [0]\n", "[user.bob]\ngpus = [1]\njupyter_port = 8889\n"


@pytest.fixture
def variant(rigspec: Rigspec, tmp_path: Path) -> Variant:
    """The rig of two users with other ones, or another address."""

    def compiled(*users: str, address: str = "127.0.0.1") -> Path:
        text = SPEC.replace("port = 8888", f'port = 8888\naddress = "{address}"')
        spec, out = tmp_path / "rig.toml", tmp_path / "out"
        spec.write_text(text + "\n".join(users), encoding="utf-8")
        lock = ROOT / "lockfiles" / "dl-server"
        done = rigspec("compile", spec, "--lock", lock, "--target", "docker", "-o", out)
        assert done.returncode == 0, done.stderr
        return out / "docker"

    return compiled


def services(folder: Path) -> dict[str, Any]:
    """The services, in a file that docker-compose takes."""
    command = ["docker-compose", "--file", folder / "compose.yaml", "config", "--quiet"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    found = yaml.safe_load((folder / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert isinstance(found, dict)
    return found


def instructions(folder: Path, name: str) -> list[str]:
    lines = (folder / "Dockerfile").read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(f"{name} ") for line in lines if line.startswith(f"{name} ")]


def test_compose_server_has_port_user_and_gpus(variant: Variant) -> None:
    folder = variant(ALICE, BOB, "[user.carol]\njupyter_port = 8890\n")
    found = services(folder)
    assert [each["ports"] for each in found.values()] == [
        ["127.0.0.1:8888:8888"],
        ["127.0.0.1:8889:8889"],
        ["127.0.0.1:8890:8890"],
    ]
    given = [each["deploy"]["resources"]["reservations"]["devices"][0] for each in found.values()]
    assert [each.get("device_ids", each.get("count")) for each in given] == [["0"], ["1"], "all"]
    assert all(each["driver"] == "nvidia" for each in given)
    # What a container is given it counts from 0.
    assert found["bob"]["environment"]["CUDA_VISIBLE_DEVICES"] == "0"
    assert "environment" not in found["carol"]
    assert len({each["user"] for each in found.values()}) == 3
    assert all(not each["user"].startswith("0:") for each in found.values())
    assert instructions(folder, "EXPOSE") == ["8888 8889 8890"]
    # Which of the three the image would start nobody can know.
    assert instructions(folder, "CMD") == ['["/bin/bash", "--login"]']


def test_container_users_uids_are_independent_of_other_users(variant: Variant) -> None:
    before = {name: each["user"] for name, each in services(variant(ALICE, BOB)).items()}
    later = services(variant("[user.aaron]\ngpus = []\njupyter_port = 8890\n", ALICE, BOB))
    assert {name: later[name]["user"] for name in before} == before
    # Without a GPU of one's own none is seen, whatever runtime the engine has.
    assert later["aaron"]["environment"]["NVIDIA_VISIBLE_DEVICES"] == "void"
    assert later["aaron"]["environment"]["CUDA_VISIBLE_DEVICES"] == ""
    assert "deploy" not in later["aaron"]


def test_dockerfile_single_server_is_started(variant: Variant) -> None:
    folder = variant()
    assert list(services(folder)) == ["notebook"]
    assert [json.loads(text) for text in instructions(folder, "CMD")[-1:]] == [
        ["/opt/rig/serve", "notebook-notebook"]
    ]
    assert instructions(folder, "USER")[0].endswith(":1000")
    text = (folder / "Dockerfile").read_text(encoding="utf-8")
    assert 'CMD ["/opt/rig/serve", "--health", "notebook-notebook"]' in text


@pytest.mark.parametrize(
    ("address", "published"),
    [
        ("*", "0.0.0.0:8888:8888"),
        ("::1", "[::1]:8888:8888"),
        ("192.0.2.7", "192.0.2.7:8888:8888"),
        ("localhost", "127.0.0.1:8888:8888"),
        ("rig.example.org", "127.0.0.1:8888:8888"),
    ],
)
def test_compose_port_is_published_on_spec_address(
    address: str, published: str, variant: Variant
) -> None:
    folder = variant(ALICE, address=address)
    assert services(folder)["alice"]["ports"] == [published]
    text = (folder / "compose.yaml").read_text(encoding="utf-8")
    assert ("cannot publish a port on rig.example.org" in text) == (address == "rig.example.org")


def test_dockerfile_sshd_is_listed_as_not_included(variant: Variant) -> None:
    folder = variant(ALICE)
    text = (folder / "Dockerfile").read_text(encoding="utf-8")
    assert "# - Packages: services, 2 more: sshd is not needed in a container" in text
    assert "openssh" not in text.replace("openssh: ", "")
