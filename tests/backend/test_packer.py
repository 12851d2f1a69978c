"""The Packer template: a source for each place, and the installer that it verifies and runs."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import hcl2
import pytest

from rigspec.backend.discovery import find_backends
from rigspec.backend.quoting import hcl
from rigspec.backend.render import compile_plan
from rigspec.fs.atomic_tree import write_tree_atomically
from tests.backend.document_rig import SPEC, build_document_plan

PLACES = {
    "amazon-ebs": 'kind = "cloud"\ninstance = "aws g5.xlarge"\n',
    "azure-arm": 'kind = "cloud"\ninstance = "azure NC4as T4 v3"\n',
    "googlecompute": 'kind = "cloud"\ninstance = "gcp a2-highgpu-1g"\n',
    "null": 'kind = "cloud"\n',
    "qemu": "",
}
# Values of variables of other types than text.
VALUES = {
    "base": '{publisher="Debian",offer="debian-12",sku="12-gen2"}',
    "iso_checksum": "sha256:" + "0" * 64,
    "volume_gib": "64",
}


def written(folder: Path, place: str) -> Path:
    """The files of the small rig on a machine of this place."""
    spec = SPEC.replace("[machine.tower]\n", f"[machine.tower]\n{PLACES[place]}")
    backend = next(each for each in find_backends() if each.name == "packer")
    write_tree_atomically(folder / "packer", compile_plan(build_document_plan(spec), backend))
    return folder / "packer"


def read(file: Path) -> dict[str, Any]:
    with file.open(encoding="utf-8") as text:
        content: dict[str, Any] = hcl2.load(text)
    return content


@pytest.mark.parametrize("place", PLACES)
def test_packer_template_runs_verified_installer_on_source_of_place(
    place: str, tmp_path: Path
) -> None:
    folder = written(tmp_path, place)
    content = read(folder / "rig.pkr.hcl")
    (source,) = content["source"]
    assert place in json.dumps(list(source))
    commands = json.dumps(content["build"])
    digest = hashlib.sha256((folder / "rig-installer.sh").read_bytes()).hexdigest()
    check = f"echo '{digest}  /tmp/rig-installer.sh' | sha256sum --check --quiet"
    run = "sudo bash /tmp/rig-installer.sh"
    assert 0 < commands.index(check) < commands.index(run)
    # The driver needs a reboot, and the second run verifies it.
    assert commands.index("sudo reboot") < commands.rindex(run)
    plugins = folder / "plugins.pkr.hcl"
    assert plugins.exists() is (place != "null")


def test_instance_without_kind_is_a_cloud_machine() -> None:
    for place, lines in PLACES.items():
        named = SPEC.replace("[machine.tower]\n", f"[machine.tower]\n{lines}")
        plan = build_document_plan(named.replace('kind = "cloud"\n', ""))
        assert plan.deployment.cloud is ("instance" in lines), place
        if plan.deployment.cloud:
            assert plan.deployment == build_document_plan(named).deployment


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("a ${b} %{c} $d", r'"a $${b} %%{c} $d"'),
        ('back\\slash "quoted"', r'"back\\slash \"quoted\""'),
        ("one\ntwo\x7f", r'"one\u000atwo\u007f"'),
        ("\\b", r'"\\b"'),
    ],
)
def test_hcl_string_has_no_templates(text: str, quoted: str) -> None:
    assert hcl(text) == quoted


@pytest.mark.nightly
@pytest.mark.e2e
@pytest.mark.parametrize("place", PLACES)
def test_packer_validates_template(place: str, tmp_path: Path) -> None:
    packer = shutil.which("packer")
    assert packer is not None, "this test needs `packer` 1.6 with its plugins on the path"
    file = written(tmp_path, place) / "rig.pkr.hcl"
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    names = re.findall(r'^variable "(\w+)"', file.read_text(encoding="utf-8"), re.MULTILINE)
    values = {name: VALUES.get(name, "abc-1") for name in names}
    values |= {name: str(key) for name in names if name == "ssh_private_key_file"}
    options = [word for name, value in values.items() for word in ("-var", f"{name}={value}")]
    subprocess.run([packer, "validate", *options, file], check=True)
