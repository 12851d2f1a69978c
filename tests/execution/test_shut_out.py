"""Settings that let in keys only: not before somebody has one, and never a server that is down."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.plan import steps
from tests.execution.all_step_kinds import every_base, write_installer
from tests.execution.conftest import KEPT
from tests.execution.layers import Layer
from tests.execution.test_accounts import KEY, plan, sh

INSTALLER = "/root/rig/install.sh"
SETTINGS = "/etc/ssh/sshd_config.d/00-rig.conf"
SYSTEMD = "/srv/systemd"
RESTARTS = f"{SYSTEMD}/told"
# systemd, as far as the installer asks it, where none can run.
STAND_IN = f"""
mkdir -p {SYSTEMD} /run/systemd/system
cat > {SYSTEMD}/systemctl <<'END'
#!/bin/sh
case $1 in *restart) echo "$@" >> {RESTARTS} ;; esac
END
chmod +x {SYSTEMD}/systemctl; : > {RESTARTS}
"""


@pytest.fixture
def system(tmp_path: Path) -> Layer:
    """A system with the installer of such settings, and of their service."""
    settings = steps.FileStep(
        id="settings", title="Settings", layer="service", path=SETTINGS, content="x\n",
        requires_ssh_key=True,
    )  # fmt: skip
    service = steps.ServiceStep(
        id="service", title="Server", layer="service", name="ssh.service",
        restart_on=("settings",), config_test=("sh", "-c", "! grep bad /etc/ssh/sshd_config.d/*"),
    )  # fmt: skip
    layer = Layer.over(every_base(KEPT), tmp_path / "system")
    rig = plan(more=(settings, service), account=False)
    layer.add(write_installer(rig, tmp_path / "rig"), "root/rig")
    sh(layer, STAND_IN)
    return layer


def run(system: Layer, *options: str) -> tuple[int, str]:
    return system.run("env", f"PATH={SYSTEMD}:/usr/sbin:/usr/bin", *options)


@pytest.mark.parametrize(
    "there",
    [
        "true",
        f"mkdir -p ~root/.ssh; echo '{KEY}' > ~root/.ssh/authorized_keys",
        "useradd -m bob",
        "useradd -m bob; mkdir ~bob/.ssh; printf '# none\\n\\n' > ~bob/.ssh/authorized_keys",
        "useradd -m -s /usr/sbin/nologin bob; mkdir ~bob/.ssh; "
        f"echo '{KEY}' > ~bob/.ssh/authorized_keys",
        f"useradd -m bob; mkdir -m 700 ~bob/.ssh; echo '{KEY}' > ~bob/.ssh/authorized_keys",
    ],
)
def test_installer_without_usable_key_refuses_sshd_settings(system: Layer, there: str) -> None:
    sh(system, f"{there.replace('~bob', '/home/bob')}")
    code, output = run(system, INSTALLER)
    assert code == 1
    assert "no user could log in over SSH" in output
    assert not (system.path / "up" / SETTINGS.lstrip("/")).exists()
    code, output = run(system, "RIG_SHUT_OUT=yes", INSTALLER)
    assert code == 0, output
    assert sh(system, f"cat {SETTINGS}") == "x\n"


def test_installer_foreign_account_with_key_is_enough(system: Layer) -> None:
    sh(system, "mkdir /srv/people; useradd -m -d /srv/people/bob -s /bin/sh bob")
    sh(system, f"cd /srv/people/bob; mkdir .ssh; echo '{KEY}' > .ssh/authorized_keys")
    code, output = run(system, INSTALLER)
    assert code == 0, output


def test_installer_invalid_settings_keep_service_running(system: Layer) -> None:
    sh(system, "mkdir -p /etc/ssh/sshd_config.d; echo bad > /etc/ssh/sshd_config.d/1")
    code, output = run(system, "RIG_SHUT_OUT=yes", INSTALLER)
    assert code == 1
    assert "not restarting ssh.service: its configuration is invalid" in output
    assert "restart" not in sh(system, f"cat {RESTARTS}")
    sh(system, "rm /etc/ssh/sshd_config.d/1")
    code, output = run(system, INSTALLER)
    assert code == 0, output
    assert sh(system, f"cat {RESTARTS}") == "restart ssh.service\n"


def test_uninstall_existing_service_restarts_without_rig_settings(system: Layer) -> None:
    assert run(system, "RIG_SHUT_OUT=yes", INSTALLER)[0] == 0
    sh(system, f": > {RESTARTS}")
    code, output = run(system, INSTALLER, "--uninstall")
    assert code == 0, output
    assert sh(system, f"cat {RESTARTS}") == "try-restart ssh.service\n"
    assert not (system.path / "up" / SETTINGS.lstrip("/")).exists()
