"""The files of the examples for clusters, by the checkers of their formats."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.conftest import ROOT

SLURM = ROOT / "examples" / "slurm"
KUBERNETES = ROOT / "examples" / "kubernetes"


@pytest.mark.parametrize("script", sorted(SLURM.glob("*.sbatch")), ids=lambda path: path.name)
def test_slurm_script_passes_shellcheck_and_requests_gpu(script: Path) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([shellcheck, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    lines = script.read_text(encoding="utf-8").splitlines()
    # sbatch reads options up to the first command only.
    first_command = next(n for n, line in enumerate(lines) if line and not line.startswith("#"))
    options = [n for n, line in enumerate(lines) if line.startswith("#SBATCH ")]
    assert options
    assert max(options) < first_command
    assert "#SBATCH --gpus-per-node=1" in lines


def _read(name: str) -> Any:
    return yaml.safe_load((KUBERNETES / name).read_text(encoding="utf-8"))


def test_pod_is_valid_and_requests_gpu() -> None:
    pod = _read("pod.yaml")
    kubernetes_validate.validate(pod, "1.37", strict=True)
    (container,) = pod["spec"]["containers"]
    assert container["resources"]["limits"] == {"nvidia.com/gpu": 1}


def test_pod_with_unknown_key_is_invalid() -> None:
    pod = _read("pod.yaml")
    pod["spec"]["containers"][0]["gpus"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod, "1.37", strict=True)


def test_kustomization_pins_image_of_pod_by_digest() -> None:
    (image,) = _read("kustomization.yaml")["images"]
    assert image["name"] == _read("pod.yaml")["spec"]["containers"][0]["image"]
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", image["digest"])


def test_cluster_examples_run_interpreter_of_their_rig() -> None:
    files = [*SLURM.glob("*.sbatch"), KUBERNETES / "pod.yaml"]
    assert len(files) == 3
    for file in files:
        assert "/opt/rig/envs/train/bin/python" in file.read_text(encoding="utf-8")
    assert (SLURM / "rig.toml").read_bytes() == (KUBERNETES / "rig.toml").read_bytes()
