"""What a service's settings say on each release, and what may not be asked of one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from rigspec.lock.services import list_services
from rigspec.matrix.loader import load_matrix
from rigspec.plan.services.dyndns.steps import build_dyndns_steps
from rigspec.plan.services.ssh.steps import build_guard_steps
from rigspec.plan.settings import read_settings
from rigspec.plan.steps import FileStep, SecretStep
from rigspec.resolution import Resolution
from rigspec.spec.loader import parse_spec
from tests.conftest import ROOT
from tests.resolve.rigs import check, errors

RIG = """
rig = 1
name = "box"

[service.ssh]
port = 2222
fail2ban = true

[service.dyndns]
hostname = "rig.example.org"
protocol = "{protocol}"
{more}
credentials = {{ secret = "DYNDNS" }}
"""
RELEASES = (
    *("ubuntu 16.04", "ubuntu 18.04", "ubuntu 20.04", "ubuntu 22.04"),
    *("debian 11", "debian 12", "debian 13"),
)


def settings(release: str, protocol: str = "noip", more: str = "") -> tuple[str, str]:
    """The jail and the dynamic DNS of a rig on a release."""
    spec = parse_spec("rig.toml", RIG.format(protocol=protocol, more=more))
    rig = read_settings(spec.rig)
    resolution = Resolution("box", release, "x86_64", "none")
    services = {s.name: s for s in list_services(rig, resolution, load_matrix(["os"]))}
    jail = next(s for s in build_guard_steps(rig, services["fail2ban"]) if isinstance(s, FileStep))
    name = next(s for s in build_dyndns_steps(rig, services["dyndns"]) if isinstance(s, SecretStep))
    return jail.content, name.text


@pytest.mark.parametrize("release", RELEASES)
def test_fail2ban_jail_uses_journal_and_available_ban_action(release: str) -> None:
    jail, _ = settings(release)
    assert "port = 2222\nbackend = systemd\nbantime = 600\n" in jail
    old = release in ("ubuntu 16.04", "ubuntu 18.04")
    assert f"banaction = {'iptables-multiport' if old else 'nftables'}\n" in jail
    # Debian 13's own jail knows nothing of the process that logs since OpenSSH 9.8.
    assert ("_COMM=sshd-session" in jail) == (release == "debian 13")


@pytest.mark.parametrize("release", RELEASES)
def test_ddclient_lookup_option_depends_on_version(release: str) -> None:
    _, name = settings(release)
    new = release in ("debian 12", "debian 13")
    expected = "usev4=webv4\nwebv4=" if new else "use=web\nweb="
    assert f"\nssl=yes\n{expected}https://" in name
    # Who asks for an account is given what stands before the colon.
    assert "\nlogin={account}\npassword='{password}'\nrig.example.org" in name


def test_ddclient_credentials_are_taken_from_secret() -> None:
    assert "login" not in settings("debian 12", "duckdns")[1]
    assert "password='{secret}'" in settings("debian 12", "duckdns")[1]
    named = settings("debian 12", "dyndns2", 'login = "ada"\nserver = "dns.example.org"')[1]
    assert "server=dns.example.org\nlogin=ada\npassword='{secret}'" in named


@pytest.mark.parametrize(
    ("release", "protocol", "advice"),
    [
        ("debian 12", "dyndns", "did you mean `dyndns2`?"),
        ("ubuntu 16.04", "duckdns", None),
    ],
)
def test_ddclient_unsupported_protocol_is_refused(
    release: str, protocol: str, advice: str | None, tmp_path: Path
) -> None:
    text = f'[machine.box]\nos = "{release}"\n' + RIG.partition("\n\n")[2].format(
        protocol=protocol, more=""
    )
    assert errors(check(tmp_path, text.replace(f'"{protocol}"', '"noip"'))) == []
    report = check(tmp_path, text)
    (error,) = [d for d in report.diagnostics if d.code == "RS242"]
    assert f"ddclient of {release} does not support `{protocol}`" in error.message
    assert error.spans[0].line == 11
    assert error.facts
    if advice is not None:
        assert error.help == (advice,)


@pytest.mark.parametrize("address", ["*", "0.0.0.0", "::"])
@pytest.mark.parametrize("of", ["exporter", "prometheus"])
def test_monitoring_on_all_interfaces_is_refused(address: str, of: str, tmp_path: Path) -> None:
    here = f'address = "{address}"'
    body = here if of == "exporter" else f"prometheus = {{ {here} }}"
    machine = '[machine.box]\nos = "debian 12"\n'
    assert errors(check(tmp_path, f"{machine}[service.monitoring]\n{body}\n")) == ["RS405"]
    closed = body.replace(address, "10.0.0.5")
    assert errors(check(tmp_path, f"{machine}[service.monitoring]\n{closed}\n")) == []


# In the form that `--format=csv,noheader,nounits` has, with what a GPU does not tell.
GPUS = """\
0, GPU-0aa1, NVIDIA "H" 1080 Ti, 41, 97, 12, 10240, 11264, 201.53, 250.00, 35, 1923
1, GPU-0bb2, NVIDIA H200, 33, 0, 0, 4, 143771, 76.10, 700.00, [N/A], 345
"""


def test_gpu_metrics_are_valid_prometheus_text(tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat <<'EOF'\n{GPUS}EOF\n", encoding="utf-8")
    program.chmod(0o755)
    text = run_gpu_metrics(tmp_path, f"{tmp_path}:{os.environ['PATH']}")
    name = 'gpu="0",uuid="GPU-0aa1",name="NVIDIA H 1080 Ti"'
    assert f"rig_gpu_memory_used_bytes{{{name}}} 10737418240\n" in text
    assert f"rig_gpu_utilization_ratio{{{name}}} 0.97\n" in text
    assert f"rig_gpu_power_watts{{{name}}} 201.53\n" in text
    assert f"rig_gpu_sm_clock_hertz{{{name}}} 1923000000\n" in text
    assert 'rig_gpu_memory_total_bytes{gpu="1",uuid="GPU-0bb2",name="NVIDIA H200"} 1507' in text
    assert text.count("rig_gpu_fan_ratio{") == 1
    assert "rig_gpu_up 1\n" in text
    kinds = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(kinds) == len(set(kinds)) == 10


def test_gpu_metrics_failing_driver_reports_down(tmp_path: Path) -> None:
    assert run_gpu_metrics(tmp_path, "/usr/bin:/bin").endswith("rig_gpu_up 0\n")


def run_gpu_metrics(folder: Path, path: str) -> str:
    program = ROOT / "rigspec" / "plan" / "services" / "monitoring" / "payload" / "gpu_metrics.sh"
    command = ["sh", program, folder / "gpu.prom"]
    subprocess.run(command, check=True, env={"PATH": path})
    assert sorted(each.name for each in folder.glob("gpu.prom*")) == ["gpu.prom"]
    return (folder / "gpu.prom").read_text(encoding="utf-8")
