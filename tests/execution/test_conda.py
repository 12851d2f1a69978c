"""A conda environment with packages of pip's in it: locked, installed by install.sh, computing."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.execution.conda_packages import add_real_python, add_wheel
from tests.lock.conda_channel import Channel, rig

PYTHON = "/opt/rig/envs/lab/bin/python"
SESSION = """
import numpy, six, sys, tensorflow as tf
print(sys.prefix, numpy.__version__, six.__version__, tf.__version__)
print(tf.Session().run(tf.reduce_sum(tf.constant(numpy.ones((2, 5), "float32")))))
"""
# Conda's own code, as conda-lock carries it along: where it looks, and what it makes of that.
SETTINGS = """
from conda_lock._vendor.conda.base.constants import SEARCH_PATH
from conda_lock._vendor.conda.base.context import context, reset_context
reset_context(SEARCH_PATH)
print(context.remote_read_timeout_secs, context.always_yes, *context.create_default_packages)
"""
CONFIG = """
[env.lab.config.conda]
remote_read_timeout_secs = 61.5
always_yes = true
create_default_packages = ["pip", "a b"]
"""
# This machine, but what is written to /opt and /var is written to memory and gone with the shell.
OVERLAY = """
set -e
mount -t tmpfs none {0}
for name in opt var; do
  mkdir {0}/$name {0}/$name.work
  mount -t overlay overlay -o lowerdir=/$name,upperdir={0}/$name,workdir={0}/$name.work /$name
done
"""


def on_this_machine(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    layer = folder / "layer"
    layer.mkdir(exist_ok=True)
    return subprocess.run(
        ["unshare", "--mount", "bash", "-c", OVERLAY.format(layer) + script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def this_system() -> str:
    text = Path("/etc/os-release").read_text(encoding="utf-8")
    found = dict(re.findall(r'^(ID|VERSION_ID)="?([^"\n]+)"?$', text, re.MULTILINE))
    return f'os = "{found["ID"]} {found["VERSION_ID"]}"'


@pytest.mark.e2e(minutes=1)
def test_conda_lock_installs_verifies_and_computes(
    tmp_path: Path, rigspec: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    channel = Channel(tmp_path / "channel")
    add_real_python(channel)
    add_wheel(channel, "numpy", "1.14.5", tmp_path / "wheels")
    add_wheel(channel, "six", "1.11.0", tmp_path / "wheels")
    text = rig(
        channel.url,
        packages='numpy = "1.14"\nsix = "*"',
        machine=this_system(),
        more='frameworks = { tensorflow = "1.8" }',
    )
    spec, lock, out = tmp_path / "rig.toml", tmp_path / "lock", tmp_path / "out"
    spec.write_text(text + CONFIG, encoding="utf-8")
    for command in (
        ("lock", spec, "-o", lock),
        ("compile", spec, "--lock", lock, "--locked", "--target", "shell", "-o", out),
    ):
        done = rigspec(*command)
        assert done.returncode == 0, done.stderr

    install = out / "shell" / "install.sh"
    conda = re.findall(r"/opt/rig/\S+/bin/conda", install.read_text(encoding="utf-8"))[0]
    stand_in = f'#!/bin/sh\nexec {sys.executable} -m tests.execution.conda_stand_in "$@"\n'
    script = f"""
    mkdir -p {os.path.dirname(conda)}
    printf %s {shlex.quote(stand_in)} > {conda}
    chmod +x {conda}
    {install} --step env-lab
    {install} --step settings-lab-conda
    {install} --step verify
    {install} --step env-lab
    {PYTHON} -c {shlex.quote(SESSION)} 2>/dev/null
    CONDA_PREFIX=/opt/rig/envs/lab {sys.executable} -W ignore -c {shlex.quote(SETTINGS)}
    rm /opt/rig/envs/lab/conda-meta/numpy-1.14.5-0.json
    {install} --step verify
    """
    done = on_this_machine(tmp_path, script)

    # Without the count that stands before each.
    lines = [line.partition("] ")[2] or line for line in done.stdout.splitlines()]
    assert "doing    Python environment lab" in lines, done.stdout + done.stderr
    assert lines.count("doing    Verify the installation against the lock") == 2, done.stdout
    assert "ok       Python environment lab" in lines  # a second run has nothing to do
    assert "/opt/rig/envs/lab 1.14.5 1.11.0 1.8.0" in lines
    assert "61.5 True pip a b" in lines
    assert "10.0" in lines
    # A package of conda's that is gone is noticed, and named.
    assert done.returncode != 0
    assert "numpy-1.14.5-0: locked, missing" in done.stdout + done.stderr


def test_conda_target_activation_sets_and_restores_variables(
    tmp_path: Path, rigspec: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    channel = Channel(tmp_path / "channel")
    channel.add_python()
    channel.add("hello", "1.2")
    more = "\n[system.env]\nRIG_WORD = 'two words'\nRIG_LIST = { prepend = ['/opt/a b'] }\n"
    spec, lock, out = tmp_path / "rig.toml", tmp_path / "lock", tmp_path / "out"
    spec.write_text(rig(channel.url, packages='hello = "*"') + more, encoding="utf-8")
    for command in (
        ("lock", spec, "-o", lock),
        ("compile", spec, "--lock", lock, "--locked", "--target", "conda", "-o", out),
    ):
        done = rigspec(*command)
        assert done.returncode == 0, done.stderr
    folder = out / "conda" / "lab"
    assert sorted(path.name for path in folder.iterdir()) == [
        "activate.sh",
        "conda-lock.yml",
        "deactivate.sh",
        "environment.yml",
        "explicit.txt",
        "requirements.txt",
        "tools.txt",
    ]

    prefix = tmp_path / "prefix"
    create = ("create", "--yes", "--file", folder / "explicit.txt", "--prefix", prefix)
    subprocess.run(
        [sys.executable, "-m", "tests.execution.conda_stand_in", *create], cwd=ROOT, check=True
    )
    # As its environment.yml says, and as `conda activate` and `conda deactivate` then do.
    script = f"""
    install -D -m 0644 {folder}/activate.sh {prefix}/etc/conda/activate.d/rig.sh
    install -D -m 0644 {folder}/deactivate.sh {prefix}/etc/conda/deactivate.d/rig.sh
    . {prefix}/etc/conda/activate.d/rig.sh
    {prefix}/bin/hello
    echo "$RIG_WORD $RIG_LIST"
    . {prefix}/etc/conda/deactivate.d/rig.sh
    echo "${{RIG_WORD-unset}} $RIG_LIST"
    """
    done = subprocess.run(
        ["bash", "-euc", script],
        env={"PATH": "/usr/bin:/bin", "RIG_LIST": "/kept"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["hello-1.2", "two words /opt/a b:/kept", "unset /kept"]
