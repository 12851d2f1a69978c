"""The shell installer, run as root in a real Debian 11."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.execution.roots import SystemRoot

SESSION = """
import tensorflow as tf
print(tf.__version__)
print(tf.Session().run(tf.reduce_sum(tf.constant([[1., 2.], [3., 4.]]))))
"""
KERAS = "import keras; print(keras.__version__); print(keras.backend.image_data_format())"
PYTHON = "/opt/rig/envs/tf18/bin/python"


def install(root: SystemRoot, artifact: Path) -> str:
    target = root.path / "root" / "rig"
    shutil.copytree(artifact, target, dirs_exist_ok=True)
    return root.run("/root/rig/install.sh").stdout


def test_installer_tensorflow_1_8_computes_and_second_run_is_idempotent(
    debian_11: SystemRoot, legacy_cpu: Path
) -> None:
    first = install(debian_11, legacy_cpu / "shell")
    assert "doing    Python environment tf18" in first
    before = debian_11.listing("var/log/rig.log")

    second = debian_11.run("/root/rig/install.sh").stdout
    assert debian_11.listing("var/log/rig.log") == before
    doing = [line for line in second.splitlines() if " doing " in line]
    assert doing == ["[5/5] doing    Verify the installation against the lock"]

    assert debian_11.run(PYTHON, "-c", SESSION).stdout.split() == ["1.8.0", "10.0"]
    assert debian_11.run(PYTHON, "-c", KERAS).stdout.split()[0] == "2.2.5"
    settings = (debian_11.path / "etc/skel/.keras/keras.json").read_text(encoding="utf-8")
    assert '"backend": "tensorflow"' in settings

    # A package that moved is noticed, and named.
    debian_11.run(PYTHON, "-m", "pip", "uninstall", "--yes", "termcolor")
    moved = debian_11.run("/root/rig/install.sh", check=False)
    differences = [line.strip() for line in moved.stderr.splitlines() if "locked" in line]
    assert differences[0] == "packages of tf18: termcolor: locked 1.1.0, missing"
    assert moved.returncode == 1


def test_installer_other_platform_is_refused(debian_11: SystemRoot, legacy_cpu: Path) -> None:
    release = debian_11.path / "etc" / "os-release"
    text = (debian_11.path / "usr/lib/os-release").read_text(encoding="utf-8")
    release.unlink()
    release.write_text(text.replace('VERSION_ID="11"', 'VERSION_ID="12"'), encoding="utf-8")
    shutil.copytree(legacy_cpu / "shell", debian_11.path / "root" / "rig")
    before = debian_11.listing()

    refused = debian_11.run("/root/rig/install.sh", check=False)

    assert refused.returncode == 1
    assert "this rig is for debian 11, but this machine runs debian 12" in refused.stderr
    assert "nothing was changed" in refused.stderr
    assert debian_11.listing() == before


@pytest.mark.parametrize("name", ["install.sh", "rig-installer.sh"])
def test_installer_truncated_file_runs_nothing(
    name: str, debian_11: SystemRoot, legacy_cpu: Path
) -> None:
    script = (legacy_cpu / "shell" / name).read_text(encoding="utf-8")
    target = debian_11.path / "root" / "install.sh"
    before = debian_11.listing("root")
    sizes = range(0, len(script) - 1, max(1, len(script) // 40))
    # The end is where a cut would run it without its options.
    for size in (*sizes, *range(len(script) - 40, len(script) - 1)):
        target.write_text(script[:size], encoding="utf-8")
        cut = debian_11.run("bash", "/root/install.sh", "--dry-run", check=False)
        assert cut.stdout == ""
        if size > script.index("trap"):
            assert cut.returncode != 0
    assert debian_11.listing("root") == before


def test_installer_dry_run_changes_nothing(debian_11: SystemRoot, legacy_cpu: Path) -> None:
    shutil.copytree(legacy_cpu / "shell", debian_11.path / "root" / "rig")
    before = debian_11.listing("var/log/rig.log")

    output = debian_11.run("/root/rig/install.sh", "--dry-run").stdout

    assert "would do Python environment tf18" in output
    assert debian_11.listing("var/log/rig.log") == before
