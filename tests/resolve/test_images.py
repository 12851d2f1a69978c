"""Base images: the drivers with which their containers start, their CUDA and their system."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.diagnostics.model import Report
from tests.resolve.rigs import check, errors

TAG = "12.8.1-runtime-ubuntu24.04"


def rig(base: str, driver: str = "", gpu: str = "", os: str = "ubuntu 24.04") -> str:
    lines = [f'os = "{os}"' if os else "", f'driver = "{driver}"' if driver else ""]
    lines.append(f'gpus = ["{gpu}"]' if gpu else "")
    machine = "\n".join(lines)
    return f'[machine.box]\n{machine}\n[container]\nbase = "{base}"\n'


def not_checked(report: Report) -> str:
    return " ".join(d.message for d in report.diagnostics if d.code == "RS252")


@pytest.mark.parametrize(
    ("tag", "driver", "gpu", "expected"),
    [
        (TAG, "550.144.03", "", ["RS231"]),
        (TAG, "550.144.03", "RTX 3090", ["RS231"]),
        (TAG, "550.144.03", "Titan V", ["RS231"]),
        (TAG, "550.144.03", "A100", []),
        (TAG, "550.144.03", "RTX A6000", []),
        (TAG, "570.124.06", "RTX 3090", []),
        (TAG, "555.42.06", "A100", ["RS231"]),
        ("12.4.1-base-ubuntu22.04", "535.104.05", "RTX 3090", []),
        ("12.4.1-base-ubuntu22.04", "545.23.08", "RTX 3090", ["RS231"]),
        ("13.0.0-base-ubuntu24.04", "575.57.08", "RTX 3090", ["RS204", "RS231"]),
        ("10.2-base-ubuntu18.04", "418.87.01", "RTX 2080 Ti", ["RS231"]),
    ],
)
def test_driver_starts_container_of_image(
    tag: str, driver: str, gpu: str, expected: list[str], tmp_path: Path
) -> None:
    found = errors(check(tmp_path, rig(f"nvidia/cuda:{tag}", driver, gpu)))

    assert bool(found) == bool(expected)
    assert set(found) <= set(expected)


def test_refused_driver_names_image_and_other_drivers(tmp_path: Path) -> None:
    report = check(tmp_path, rig(f"nvidia/cuda:{TAG}", "550.144.03"))

    (error,) = (d for d in report.diagnostics if d.severity.value == "error")
    assert set(error.components) == {"driver", "image"}
    assert "driver 570 or newer" in error.message
    assert "data-center and professional cards" in error.message
    assert error.runtime_error == (
        "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8",
    )


def test_driver_without_gpu_is_checked(tmp_path: Path) -> None:
    lines = '[machine.box]\nos = "ubuntu 22.04"\ndriver = "{}"\n[env.lab]\npython = "3.10"\n'
    lines += 'frameworks = {{ torch = "2.9.1+cu130" }}\n'

    assert errors(check(tmp_path, lines.format("550.54.15"))) == ["RS204"]
    assert errors(check(tmp_path, lines.format("580.65.06"))) == []
    assert errors(check(tmp_path, lines.format("none"))) == []
