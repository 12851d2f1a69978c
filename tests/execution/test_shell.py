"""The shell installer, run as root in a real Debian 11."""

from __future__ import annotations

import shutil
from pathlib import Path

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


def test_tensorflow_1_8_computes_and_a_second_run_changes_nothing(
    debian_11: SystemRoot, legacy_cpu: Path
) -> None:
    first = install(debian_11, legacy_cpu / "shell")
    assert "doing    Python environment tf18" in first
    before = debian_11.listing("var/log/rig.log")

    second = debian_11.run("/root/rig/install.sh").stdout
    assert debian_11.listing("var/log/rig.log") == before
    done = [line for line in second.splitlines() if line.startswith("doing")]
    assert done == ["doing    What is installed is what was locked"]

    assert debian_11.run(PYTHON, "-c", SESSION).stdout.split() == ["1.8.0", "10.0"]
    assert debian_11.run(PYTHON, "-c", KERAS).stdout.split()[0] == "2.2.5"
    settings = (debian_11.path / "etc/skel/.keras/keras.json").read_text(encoding="utf-8")
    assert '"backend": "tensorflow"' in settings

    # A package that moved is noticed, and named.
    debian_11.run(PYTHON, "-m", "pip", "uninstall", "--yes", "termcolor")
    moved = debian_11.run("/root/rig/install.sh", check=False)
    assert moved.returncode != 0
    assert "termcolor: locked 1.1.0, missing" in moved.stdout + moved.stderr


def test_another_system_is_refused_and_left_alone(debian_11: SystemRoot, legacy_cpu: Path) -> None:
    release = debian_11.path / "etc" / "os-release"
    text = (debian_11.path / "usr/lib/os-release").read_text(encoding="utf-8")
    release.unlink()
    release.write_text(text.replace('VERSION_ID="11"', 'VERSION_ID="12"'), encoding="utf-8")
    shutil.copytree(legacy_cpu / "shell", debian_11.path / "root" / "rig")
    before = debian_11.listing()

    refused = debian_11.run("/root/rig/install.sh", check=False)

    assert refused.returncode == 1
    assert "this is another machine, and nothing was changed" in refused.stderr
    assert debian_11.listing() == before


def test_a_download_that_was_cut_off_runs_nothing(debian_11: SystemRoot, legacy_cpu: Path) -> None:
    script = (legacy_cpu / "shell" / "install.sh").read_text(encoding="utf-8")
    target = debian_11.path / "root" / "install.sh"
    before = debian_11.listing("root")
    for size in range(0, len(script), max(1, len(script) // 40)):
        target.write_text(script[:size], encoding="utf-8")
        cut = debian_11.run("bash", "/root/install.sh", check=False)
        assert "doing" not in cut.stdout
        if size > script.index("trap"):
            assert cut.returncode != 0
    assert debian_11.listing("root") == before


def test_a_dry_run_changes_nothing(debian_11: SystemRoot, legacy_cpu: Path) -> None:
    shutil.copytree(legacy_cpu / "shell", debian_11.path / "root" / "rig")
    before = debian_11.listing("var/log/rig.log")

    said = debian_11.run("/root/rig/install.sh", "--dry-run").stdout

    assert "would do Python environment tf18" in said
    assert debian_11.listing("var/log/rig.log") == before
