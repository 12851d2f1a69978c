"""The last torch that runs on old GPUs, with old drivers and on old systems, with its build.

From the rows of the torch table: code for Kepler (3.7) is in the builds for CUDA 11.8 only, which
end with 2.7.1 and run with driver 450.80.02. The builds for CUDA 12.6 have code for 5.0 to 9.0, run
with driver 525.60.13, and end with 2.14.1. Wheels up to 2.6.0 need glibc 2.17, newer ones 2.28;
Ubuntu 16.04 has 2.23, 18.04 has 2.27 and 20.04 has 2.31. Their Pythons (3.5, 3.6 and 3.8) end with
1.5.1, 1.10.2 and 2.4.1.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.resolve.rigs import check, errors


@pytest.mark.parametrize(
    ("machine", "env", "expected"),
    [
        ('gpus = ["Tesla K80"]', "", "2.7.1+cu118"),
        ('gpus = ["GTX 780 Ti"]', "", "1.3.0"),  # 3.5, which later wheels have no code for
        ('gpus = ["Kepler"]', "", "2.7.1+cu118"),
        ('gpus = ["GTX 980"]', "", "2.14.1+cu126"),
        ('gpus = ["Maxwell"]', "", "2.14.1+cu126"),
        ('gpus = ["Tesla P100-PCIE-16GB"]', "", "2.14.1+cu126"),
        ('gpus = ["Pascal"]', "", "2.14.1+cu126"),
        ('gpus = ["V100"]', "", "2.14.1+cu126"),
        ('gpus = ["Volta"]', "", "2.14.1+cu126"),
        ('driver = "470"', "", "2.7.1+cu118"),
        ('driver = "525"', "", "2.14.1+cu126"),
        ('driver = "550"', "", "2.14.1+cu126"),
        ('os = "ubuntu 16.04"', 'interpreter = "uv"', "2.6.0"),
        ('os = "ubuntu 18.04"', 'interpreter = "uv"', "2.6.0"),
        ('os = "ubuntu 20.04"', 'interpreter = "uv"', "2.15.0"),
        ('os = "ubuntu 16.04"\ngpus = ["RTX 2080 Ti"]', 'interpreter = "uv"', "2.6.0"),
        ('os = "ubuntu 20.04"\ngpus = ["RTX 2080 Ti"]', 'interpreter = "uv"', "2.15.0"),
        ('os = "ubuntu 16.04"', "", "1.5.1"),
        ('os = "ubuntu 18.04"', "", "1.10.2"),
        ('os = "ubuntu 20.04"', "", "2.4.1"),
    ],
)
def test_last_torch_names_its_build(machine: str, env: str, expected: str, tmp_path: Path) -> None:
    report = check(
        tmp_path, f'[machine.box]\n{machine}\n[env.lab]\n{env}\nframeworks.torch = "*"\n'
    )
    assert errors(report) == []
    assert report.resolution is not None
    (pin,) = report.resolution.envs[0].frameworks
    assert pin.version == expected
