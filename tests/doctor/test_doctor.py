"""`rigspec doctor` inside a real Debian 12 in which the shell installer has put a rig."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doctor.bench import Bench
from tests.execution.inside import RIGSPEC

pytestmark = pytest.mark.long(seconds=30)

SITE = "/opt/rig/envs/lab/lib/python3.11/site-packages"
PROFILE = "/etc/profile.d/rig-bench.sh"
KEYS = "/home/alice/.ssh/authorized_keys"

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIJ8c0vGyXGJ9kq5wF1Xq9Jj9oYV5B0m8n3m3bJ0s8lqX"


def fingerprint(blob: str) -> str:
    """As `ssh-keygen -l` writes it."""
    digest = hashlib.sha256(base64.b64decode(blob)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


# What is done to the machine, and what the doctor must say of it: all at once, and nothing else.
FAULTS = {
    f"sed -i 's/^Version: .*/Version: 1.15.0/' {SITE}/six-1.16.0.dist-info/METADATA": [
        ("differs", "lab/six", "version")
    ],
    f"rm -r {SITE}/tomli-2.0.2.dist-info": [("missing", "lab/tomli", "version")],
    f"mkdir {SITE}/Stray_Thing-1.0.dist-info; printf 'Metadata-Version: 2.1\\nName: Stray_Thing\\n"
    f"Version: 1.0\\n\\n' > {SITE}/Stray_Thing-1.0.dist-info/METADATA": [
        ("extra", "lab/stray-thing", "version")
    ],
    "dpkg --remove --force-depends less": [("missing", "less", "version")],
    "sed -i '/^Package: libexpat1$/,/^$/s/^Version: .*/Version: 9:9/' /var/lib/dpkg/status": [
        ("differs", "libexpat1", "version")
    ],
    "echo >> /etc/skel/.keras/keras.json": [("differs", "/etc/skel/.keras/keras.json", "sha256")],
    "chmod 0666 /etc/skel/.keras/keras.json": [("differs", "/etc/skel/.keras/keras.json", "mode")],
    "chown games /etc/skel/.keras/keras.json": [
        ("differs", "/etc/skel/.keras/keras.json", "owner")
    ],
    "echo more >> /opt/bench/words": [("differs", "/opt/bench/words", "sha256")],
    "chmod 0600 /opt/bench/words": [("differs", "/opt/bench/words", "mode")],
    f"sed -i /RIG_GREETING/d {PROFILE}": [
        ("differs", PROFILE, "sha256"),
        ("missing", "RIG_GREETING", "login shell"),
    ],
    # A start-up file that loses one folder and leaves an empty entry.
    "printf 'RIG_FOLDERS=/opt/rig/bin:\\necho noise\\n' > /etc/profile.d/zz.sh": [
        ("differs", "RIG_FOLDERS", "login shell")
    ],
    "chmod 0755 /home/alice/.ssh": [("differs", "/home/alice/.ssh", "mode")],
    f"chmod 0644 {KEYS}": [("differs", KEYS, "mode")],
    f"echo 'ssh-ed25519 AAAA stranger' >> {KEYS}": [("extra", KEYS, f"key {fingerprint('AAAA')}")],
    f"sed -i /{KEY[:30]}/d {KEYS}": [("missing", KEYS, f"key {fingerprint(KEY)}")],
    "chown root /home/alice": [("differs", "/home/alice", "owner")],
    "userdel bob": [("missing", "bob", "home")],
    "echo 'deb http://127.0.0.1/else bookworm main' > /etc/apt/sources.list.d/rig.list": [
        ("differs", "rig", "source")
    ],
    "cp --remove-destination /usr/lib/os-release /etc/os-release; "
    "sed -i 's/^VERSION_ID=.*/VERSION_ID=\"13\"/' /etc/os-release": [("differs", "os", "release")],
}
# Fixes for what no step of the installer fixes.
BY_HAND = (
    "ln -sf ../usr/lib/os-release /etc/os-release; chown alice /home/alice; "
    f"rm /etc/profile.d/zz.sh; sed -i /stranger/d {KEYS}"
)


def test_doctor_installed_rig_has_no_differences(bench: Bench) -> None:
    done = bench.doctor()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("bench/box (target shell): ")
    assert "differ" not in done.stdout

    found = {(item["name"], item["aspect"]): item["found"] for item in bench.items()}
    assert found["os", "release"] == "debian 12"
    assert found["lab/six", "version"] == "1.16.0"
    assert found["lab", "python"] == "3.11"
    assert found["RIG_GREETING", "login shell"] == "hello 'there'"
    assert found["RIG_FOLDERS", "login shell"] == "/opt/rig/bin:/opt/more folders"
    assert found[KEYS, "mode"] == "0600"
    # The same, in the same order, each time.
    assert bench.doctor("--format", "json").stdout == bench.doctor("--format", "json").stdout


def test_doctor_target_checks_only_its_layers(bench: Bench) -> None:
    layers = {item["layer"] for item in bench.items()}
    assert layers - {item["layer"] for item in bench.items("--target", "docker")} == {"user"}
    assert {item["layer"] for item in bench.items("--target", "bashrc")} == {"session"}
    refused = bench.doctor("--target", "dokcer")
    assert refused.returncode == 2
    assert "unknown target `dokcer`" in refused.stderr


def test_doctor_unprivileged_user_reports_unknown(bench: Bench) -> None:
    bench.root.run("cp", "-r", "/root/rig", "/srv/rig")
    command = (RIGSPEC, "doctor", "/srv/rig/rig.toml", "--lock", "/srv/rig/lock")
    as_user = ("runuser", "-u", "games", "--", "env", "RIGSPEC_NO_CACHE=1", *command)
    done = bench.root.run(*as_user, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"unknown  {KEYS} (owner): " in done.stdout
    assert "Permission denied" in done.stdout
    assert bench.root.run(*as_user, "--strict", check=False).returncode == 1


def test_doctor_all_faults_are_reported_and_fixed_by_printed_steps(bench: Bench) -> None:
    before = bench.items()
    for fault in FAULTS:
        bench.root.run("sh", "-ec", fault)
    expected = {item for items in FAULTS.values() for item in items}
    assert bench.differences() == expected

    result = bench.doctor()
    assert result.returncode == 1
    for status, name, aspect in expected:
        assert f"  {status:<8} {name} ({aspect}): " in result.stdout
    assert f"{len(expected)} differences" in result.stdout

    fix = bench.doctor("--fix")
    assert fix.returncode == 1
    assert bench.differences() == expected  # nothing was changed
    bench.root.run("sh", "-ec", BY_HAND)
    script = f"PATH=/root/rig/out/shell:$PATH; set -e\n{fix.stdout}"
    bench.root.run("sh", "-c", script)
    assert bench.items() == before


def test_doctor_invalid_spec_exits_2_and_missing_lock_exits_1(
    rigspec: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    spec = tmp_path / "rig.toml"
    spec.write_text('rig = 1\nname = "Bad Name"\n', encoding="utf-8")
    wrong = rigspec("doctor", spec)
    assert wrong.returncode == 2
    assert f"{spec}:2:8" in wrong.stderr
    spec.write_text('rig = 1\nname = "lab"\n[machine.box]\nos = "debian 12"\n', encoding="utf-8")
    unlocked = rigspec("doctor", spec, "--format", "json")
    assert unlocked.returncode == 1
    assert "RS501" in unlocked.stderr
    assert json.loads(unlocked.stdout or "null") is None
