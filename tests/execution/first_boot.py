"""A first boot without a machine: cloud-init's stages, one by one, in a system's folder."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from tests.execution.roots import SystemRoot, make_root, trust_host_certificates

_PACKAGES = ("cloud-init", "openssh-server", "python3-venv", "curl", "gnupg", "systemd", "sudo")
_SEED = "var/lib/cloud/seed/nocloud"
# Of the modules of a real boot those that need no hardware, in their order.
_SETTINGS = """\
datasource_list: [ NoCloud ]
network: {config: disabled}
locale: C.UTF-8
cloud_init_modules: [write-files, set_hostname, update_hostname, users-groups, ssh]
cloud_config_modules: [locale, set-passwords, apt-configure, timezone, runcmd]
cloud_final_modules: [package-update-upgrade-install, write-files-deferred, scripts-user,
  final-message, power-state-change]
"""
_STAGES = ("init --local", "init", "modules --mode=config", "modules --mode=final")
# A machine's own /run and devices; a hostname of its own; shutdown is only written down.
_PREPARE = """\
set -e
mount -t tmpfs none "$1/run"
mount -t tmpfs -o mode=0755 none "$1/dev"
for device in null zero full random urandom tty; do
  touch "$1/dev/$device"
  mount --bind "/dev/$device" "$1/dev/$device"
done
ln -s /proc/self/fd "$1/dev/fd"
mkdir "$1/dev/pts" "$1/run/lock"
: > "$1/dev/console"
root=$1
shift
exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"
"""
_SCRIPT = """\
status=0
for stage in "$@"; do
  cloud-init $stage >>/var/log/first-boot.log 2>&1 || status=$?
done
mkdir -p /var/lib/first-boot
cp /run/cloud-init/result.json /run/cloud-init/status.json /var/lib/first-boot/
cloud-init status --long >/var/lib/first-boot/status 2>&1
# What the last stage waits with until cloud-init has ended.
sleep 3
exit "$status"
"""
_REBOOT = """\
#!/bin/sh
echo "$0 $*" >>/var/lib/first-boot/shutdown
"""


@dataclass(frozen=True)
class FirstBoot:
    """The result: ``errors`` as in result.json, ``status`` and ``detail`` as in `cloud-init status
    --long`, ``shutdown`` the commands by which a machine would have been restarted.
    """

    errors: tuple[str, ...]
    status: str
    detail: str
    shutdown: str
    log: str


def prepared_root(cache: Path, suite: str = "bookworm") -> Path:
    """Return a Debian with cloud-init and the other packages of a cloud image, made once."""
    root = cache / f"{suite}-cloud-init"
    with FileLock(cache / f".{root.name}.lock"):
        if not root.exists():
            staged = cache / f".{root.name}.partial"
            shutil.rmtree(staged, ignore_errors=True)
            subprocess.run(["cp", "-a", make_root(suite, cache), staged], check=True)
            system = SystemRoot(staged)
            policy = staged / "usr/sbin/policy-rc.d"
            policy.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
            policy.chmod(0o755)
            install = ("apt-get", "install", "-qq", "--yes", "--no-install-recommends")
            system.run("apt-get", "-qq", "update")
            system.run("env", "DEBIAN_FRONTEND=noninteractive", *install, *_PACKAGES)
            trust_host_certificates(system)
            staged.rename(root)
    return root


def first_boot(root: SystemRoot, seed: Path) -> FirstBoot:
    """Run cloud-init as a first boot would, from a folder with user-data and meta-data."""
    folder = root.path / _SEED
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("user-data", "meta-data", "vendor-data"):
        if (seed / name).exists():
            shutil.copyfile(seed / name, folder / name)
    kept = root.path / "var/lib/first-boot"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir()
    settings = root.path / "etc/cloud/cloud.cfg.d/99-first-boot.cfg"
    settings.write_text(_SETTINGS, encoding="utf-8")
    shutdown = root.path / "usr/local/sbin/shutdown"
    shutdown.write_text(_REBOOT, encoding="utf-8")
    shutdown.chmod(0o755)
    _run(root.path)
    status, _, detail = (kept / "status").read_text(encoding="utf-8").strip().partition("\n")
    return FirstBoot(
        errors=tuple(
            json.loads((kept / "result.json").read_text(encoding="utf-8"))["v1"]["errors"]
        ),
        status=status,
        detail=detail,
        shutdown=_text(kept / "shutdown"),
        log=_text(root.path / "var/log/first-boot.log")
        + _text(root.path / "var/log/cloud-init-output.log"),
    )


def _run(root: Path) -> None:
    path = "PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
    command = [
        *("unshare", "--mount", "--pid", "--uts", "--ipc", "--fork"),
        *(f"--mount-proc={root}/proc", "sh", "-c", _PREPARE, "sh", str(root)),
        *(path, "sh", "-c", _SCRIPT, "sh", *_STAGES),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=3000)
    output = done.stdout + done.stderr
    assert (root / "var/lib/first-boot/result.json").exists(), output + _text(
        root / "var/log/first-boot.log"
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
