"""Our own rules for user-data: what cloud-init's schema lets through and a rig must not have."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from rigspec.backend.discovery import find_backends
from rigspec.backend.quoting import hostname, yaml_text
from rigspec.backend.render import compile_plan
from rigspec.backend.size_limits import OutputTooLarge
from rigspec.cli.common.compile_targets import report_output_too_large
from rigspec.lock.lockfile import read_lock
from rigspec.plan.build import build_plan
from rigspec.plan.model import DeploymentTarget, Plan
from rigspec.plan.steps import KernelArgumentsStep, RebootStep
from rigspec.spec.loader import load_spec
from tests.committed_rigs import MACHINES
from tests.conftest import ROOT

BACKEND = next(backend for backend in find_backends() if backend.name == "cloud-init")
# Every key of a cloud-config that rigspec writes: a new one is thought about here.
KEYS = {
    *("package_update", "package_upgrade", "package_reboot_if_required", "ssh_pwauth"),
    *("disable_root", "write_files", "runcmd", "power_state"),
}
SECRET = re.compile(
    r"BEGIN [A-Z ]*PRIVATE KEY|\$(?:1|2[aby]|5|6|y|argon2)\$|AKIA[0-9A-Z]{16}|"
    r"(?i:passw(?:or)?d|token|secret)\s*[:=]\s*[\"']?\w{6,}"
)
# What rigspec writes of an autoinstall, in its own words after the installer's reference manual.
AUTOINSTALL = {
    "type": "object",
    "required": ["version", "interactive-sections", "ssh", "drivers", "updates", "user-data"],
    "additionalProperties": False,
    "properties": {
        "version": {"const": 1},
        "interactive-sections": {
            "type": "array",
            "items": {"enum": ["storage", "identity"]},
            "minItems": 2,
        },
        "ssh": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "install-server": {"type": "boolean"},
                "allow-pw": {"const": False},
            },
        },
        "drivers": {
            "type": "object",
            "required": ["install"],
            "additionalProperties": False,
            "properties": {"install": {"const": False}},
        },
        "updates": {"enum": ["security", "all"]},
        "user-data": {"type": "object"},
    },
}


# Plans take seconds: each is made for the first test that needs it.
@cache
def plan_of(rig: str, machine: str) -> Plan:
    lock, digest = read_lock(ROOT / "lockfiles" / rig)
    plan = build_plan(load_spec(str(ROOT / "specs" / f"{rig}.toml")).rig, lock, machine, digest)
    # As for a seed of one's own, which takes any size: the forms have tests of their own.
    return replace(plan, deployment=DeploymentTarget())


@pytest.fixture(params=MACHINES, ids="-".join)
def plan(request: pytest.FixtureRequest) -> Plan:
    return plan_of(*request.param)


def first(rig: str) -> Plan:
    return next(plan_of(*names) for names in MACHINES if names[0] == rig)


def files(plan: Plan, **changes: object) -> dict[str, bytes]:
    backend = replace(BACKEND, **changes) if changes else BACKEND  # type: ignore[arg-type]
    return {file.path: file.content for file in compile_plan(plan, backend)}


def configuration(content: bytes) -> dict[str, Any]:
    text = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    assert text.startswith(b"#cloud-config\n")
    return dict(yaml.safe_load(text))


def written(config: dict[str, Any], path: str) -> dict[str, Any]:
    return next(file for file in config["write_files"] if file["path"] == path)


def test_user_data_sets_required_keys(plan: Plan) -> None:
    config = configuration(files(plan)["user-data"])
    check_rules(config, plan)


def check_rules(config: dict[str, Any], plan: Plan) -> None:
    assert set(config) <= KEYS
    assert config["package_upgrade"] is False
    assert config["package_update"] is False
    assert config["package_reboot_if_required"] is False
    assert config["ssh_pwauth"] is False
    assert config["disable_root"] is True
    assert SECRET.search(json.dumps(config)) is None
    # A failing step ends the script, and so the stage, with an error.
    assert config["runcmd"][0] == "set -e"
    installer = written(config, "/opt/rig/install/install.sh")
    assert installer["permissions"] == "0755"
    texts = installer["content"]
    for step in plan.steps:
        for name in getattr(step, "held", ()):
            assert re.search(rf"apt-mark hold .*\b{re.escape(name)}\b", texts), name
    reboots = [step for step in plan.steps if isinstance(step, RebootStep)]
    assert ("power_state" in config) is bool(reboots)
    if reboots:
        # It is the last thing in the file as in cloud-init's order, and waits for the installer.
        assert list(config)[-1] == "power_state"
        assert config["power_state"]["mode"] == "reboot"
        assert "/var/lib/rig/reboot-due" in config["power_state"]["condition"]
    # Whoever asks for arguments of the kernel or a driver gets them by a reboot.
    needs = any(isinstance(s, KernelArgumentsStep) or s.kind == "host-packages" for s in plan.steps)
    assert bool(reboots) or not needs


def test_user_data_files_have_expected_content(plan: Plan) -> None:
    config = configuration(files(plan)["user-data"])
    for file in plan.payload:
        assert written(config, f"/opt/rig/install/files/{file.name}")["content"] == file.content
    shell = next(backend for backend in find_backends() if backend.name == "shell")
    script = next(f for f in compile_plan(plan, shell) if f.path == "install.sh").content.decode()
    mine = written(config, "/opt/rig/install/install.sh")["content"]
    # What a target leaves out it says in a comment; the rest is the same installer.
    assert mine.partition("set -euo pipefail")[2] == script.partition("set -euo pipefail")[2]


def test_user_data_units_pass_systemd_analyze(plan: Plan, tmp_path: Path) -> None:
    config = configuration(files(plan)["user-data"])
    units = [f for f in config["write_files"] if f["path"].endswith(".service")]
    for unit in units:
        # The program stands where only the machine has it.
        text = unit["content"].replace("/opt/rig/install/verify-after-boot.sh", "/bin/true")
        file = tmp_path / Path(unit["path"]).name
        file.write_text(text, encoding="utf-8")
        done = subprocess.run(
            ["systemd-analyze", "verify", "--recursive-errors=no", file],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert bool(units) is any(isinstance(step, RebootStep) for step in plan.steps)


def test_meta_data_instance_id_depends_on_lock_and_machine() -> None:
    plan = first("dl-server")
    one = yaml.safe_load(files(plan)["meta-data"])
    assert one["local-hostname"] == "tower"
    other = yaml.safe_load(files(replace(plan, lock_digest="f" * 64))["meta-data"])
    assert one["instance-id"] != other["instance-id"]


@pytest.mark.parametrize(
    ("name", "label"),
    [("first_box", "first-box"), ("box-", "box"), ("a" * 80, "a" * 63), ("_", "rig")],
)
def test_hostname_any_text_returns_rfc_1123_label(name: str, label: str) -> None:
    assert hostname(name) == label


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a\n",
            "a",
            "a\n\n",
            "",
            "\n",
            " \n",
            "  led\n",
            "\nfirst empty\n",
            "x\n\n  y\n",
            "\ttab\n",
        ),
        *(
            "trailing \n",
            "#cloud-config\n",
            "--- \n",
            "é\n",
            "a\u202eb",
            "a\x85b\n",
            "a\rb\n",
            "%Y\n",
        ),
    ],
)
def test_yaml_text_any_text_round_trips(text: str) -> None:
    document = f'list:\n  - path: "x"\n    content: {yaml_text(text, 6)}\n  - last\n'
    assert yaml.safe_load(document) == {"list": [{"path": "x", "content": text}, "last"]}


def test_limit_of_unknown_provider_returns_smallest() -> None:
    plan = replace(first("deep-al"), deployment=DeploymentTarget(cloud=True))
    limits = tuple(replace(each, size=each.size // 8) for each in BACKEND.limits)
    with pytest.raises(OutputTooLarge) as caught:
        files(plan, limits=limits)
    assert caught.value.limit.provider == "aws"
    assert not caught.value.named


@pytest.mark.parametrize(
    ("provider", "size", "rig", "form"),
    [
        ("aws", 8000, "deep-al", "seeded"),
        ("azure", 65535, "deep-al", "compressed"),
        ("aws", 16384, "submarine", "compressed"),
        ("gcp", 262144, "dl-server", "plain"),
    ],
)
def test_fit_to_limit_returns_first_form_that_fits(
    provider: str, size: int, rig: str, form: str
) -> None:
    site = DeploymentTarget(cloud=True, provider=provider, seed="https://files.example.org/rigs/")
    limits = [each for each in BACKEND.limits if each.provider == provider]
    limits = [replace(each, size=size) for each in limits]
    found = files(replace(first(rig), deployment=site), limits=tuple(limits))
    content = found["user-data"]
    assert len(content) <= size
    bulks = [path for path in found if path.startswith("seed/")]
    assert bool(bulks) is (form == "seeded")
    assert content.startswith(b"\x1f\x8b") is (form == "compressed")
    if bulks:
        (path,) = bulks
        digest = hashlib.sha256(found[path]).hexdigest()
        fetch = configuration(content)["runcmd"][2]
        assert fetch[1:3] == [f"https://files.example.org/rigs/{digest}.sh", digest]


def test_fit_to_limit_text_provider_gets_no_compressed_data() -> None:
    limit = next(each for each in BACKEND.limits if each.provider == "gcp")
    plan = replace(first("legacy-cpu"), deployment=DeploymentTarget(cloud=True, provider="gcp"))
    with pytest.raises(OutputTooLarge):
        files(plan, limits=(replace(limit, size=20000),))
    binary = files(plan, limits=(replace(limit, size=20000, binary=True),))
    assert binary["user-data"].startswith(b"\x1f\x8b")


def test_compress_user_data_is_reproducible() -> None:
    from rigspec.backend.size_limits import _compress

    text = "".join(f"line {number * 7919 % 1000}\n" for number in range(5000)).encode()
    content = _compress(text)
    assert gzip.decompress(content) == text
    assert content[4:8] == bytes(4), "there is a date in it"
    assert hashlib.sha256(content).hexdigest() == (
        "941f365018a5ef634dc6498263d86945db1b1eaea434100d33d132c6805c0f73"
    )


def test_compile_user_data_too_large_is_refused_with_span(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = replace(first("sourced"), deployment=DeploymentTarget(cloud=True, provider="aws"))
    narrow = tuple(replace(each, size=4000) for each in BACKEND.limits)
    with pytest.raises(OutputTooLarge) as caught:
        files(plan, limits=narrow)

    report_output_too_large(load_spec(str(ROOT / "specs" / "sourced.toml")), "p2", caught.value)

    output = capsys.readouterr().err
    assert "error[RS605]: user-data has " in output
    assert "aws accepts 4000" in output
    assert re.search(r"sourced\.toml:\d+:\d+", output)
    assert 'instance = "aws p2.xlarge"' in output
    assert "docs.aws.amazon.com" in output
    assert "seed = " in output


def autoinstalled(release: str) -> dict[str, bytes]:
    plan = first("dl-server")
    resolution = replace(plan.resolution, os=f"ubuntu {release}")
    return files(replace(plan, resolution=resolution))


def test_autoinstall_bare_metal_prompts_for_disk() -> None:
    found = autoinstalled("22.04")
    whole = configuration(found["autoinstall/user-data"])
    assert set(whole) == {"autoinstall"}
    jsonschema.validate(whole["autoinstall"], AUTOINSTALL)
    inner = whole["autoinstall"]["user-data"]
    assert inner.pop("hostname") == "tower"
    assert inner == configuration(found["user-data"])
    assert yaml.safe_load(found["autoinstall/meta-data"])["instance-id"]


def test_autoinstall_user_data_passes_cloud_init_schema(tmp_path: Path) -> None:
    whole = configuration(autoinstalled("22.04")["autoinstall/user-data"])
    file = tmp_path / "user-data"
    file.write_text("#cloud-config\n" + json.dumps(whole["autoinstall"]["user-data"]))
    check = ["cloud-init", "schema", "--config-file", str(file)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_autoinstall_unsupported_release_is_not_written() -> None:
    for found in (autoinstalled("18.04"), files(first("legacy-cpu"))):
        assert not [path for path in found if path.startswith("autoinstall")]
    assert (
        b"has no autoinstall, so this\n# does not install the operating system"
        in files(first("legacy-cpu"))["user-data"]
    )


def test_network_config_without_netplan_is_not_written() -> None:
    config = yaml.safe_load(autoinstalled("22.04")["network-config"])
    assert config["version"] == 2
    assert config["ethernets"]["wired"]["match"] == {"name": "e*"}
    assert "network-config" not in files(first("legacy-cpu"))
    cloud = replace(first("dl-server"), deployment=DeploymentTarget(cloud=True, provider="gcp"))
    assert set(files(cloud)) == {"user-data", "meta-data"}
