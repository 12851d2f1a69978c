"""Reports of vLLM's collect_env.py, and of machines under WSL."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.importing.model import Subject
from tests.importing.readings import packages, read, reasons, values

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

VLLM = """\
==============================
        System Info
==============================
OS                           : Ubuntu 22.04.5 LTS (x86_64)
GCC version                  : (Ubuntu 12.3.0-1ubuntu1~22.04.2) 12.3.0

==============================
       PyTorch Info
==============================
PyTorch version              : 2.8.0+cu128
CUDA used to build PyTorch   : 12.8
ROCM used to build PyTorch   : N/A

==============================
      Python Environment
==============================
Python version               : 3.12.12 | packaged by Anaconda, Inc. | (main, Oct 21 2025)
Python platform              : Linux-6.8.0-87-generic-x86_64-with-glibc2.35

==============================
       CUDA / GPU Info
==============================
Is CUDA available            : True
CUDA_MODULE_LOADING set to   :
GPU models and configuration :
GPU 0: NVIDIA GeForce RTX 3090
GPU 1: NVIDIA GeForce RTX 3090

Nvidia driver version        : 570.133.20
cuDNN version                : Could not collect

==============================
Versions of relevant libraries
==============================
[pip3] numpy==2.2.6
[pip3] torch==2.8.0
[pip3] transformers==4.57.1
[conda] torch                     2.8.0                    pypi_0    pypi

==============================
         vLLM Info
==============================
ROCM Version                 : Could not collect
vLLM Version                 : 0.11.0
vLLM Build Flags:
  CUDA Archs: Not Set; ROCm: Disabled
"""


def test_report_of_vllm_gives_machine_and_packages() -> None:
    reading = read("issue.txt", VLLM)
    assert values(reading, Subject.OS) == ["ubuntu 22.04"]
    assert values(reading, Subject.DRIVER) == ["570.133.20"]
    assert values(reading, Subject.GPU) == ["NVIDIA GeForce RTX 3090"] * 2
    assert values(reading, Subject.PYTHON) == ["==3.12.*"]
    assert packages(reading) == {
        "torch": "==2.8.0+cu128",
        "vllm": "==0.11.0",
        "numpy": "==2.2.6",
        "transformers": "==4.57.1",
    }
    assert reasons(reading) == {}


@pytest.mark.parametrize(
    "line",
    ["GPU models and configuration : GPU 0: NVIDIA L40S", "GPU models and configuration: GPU 0: X"],
)
def test_report_with_one_card_gives_it(line: str) -> None:
    found = values(read("issue.txt", f"PyTorch version : 2.8.0\n{line}\n"), Subject.GPU)
    assert found == [line.rpartition(": ")[2]]


def test_report_of_vllm_without_a_release_is_named() -> None:
    text = VLLM.replace("0.11.0", "0.19.1rc1.dev232+gabc1234 (git sha: abc1234)")
    reading = read("issue.txt", text)
    assert "vllm" not in packages(reading)
    assert list(reasons(reading).values()) == ["a version without a release"]


def test_report_of_wsl_gives_a_machine_with_the_driver_of_windows(
    rigspec: Rigspec, tmp_path: Path
) -> None:
    text = VLLM.replace("6.8.0-87-generic", "6.6.87.2-microsoft-standard-WSL2")
    (tmp_path / "issue.txt").write_text(text.replace("570.133.20", "576.40"), encoding="utf-8")
    spec = rigspec("import", tmp_path / "issue.txt").stdout
    assert 'kind = "wsl"' in spec
    assert 'driver = "576.40"' in spec
    (tmp_path / "rig.toml").write_text(spec, encoding="utf-8")
    assert rigspec("check", tmp_path / "rig.toml").returncode == 0
