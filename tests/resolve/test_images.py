"""Base images: the drivers with which their containers start, their CUDA and their system."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from rigspec.diagnostics.model import Report
from rigspec.matrix.images import find_base_image, get_image_driver, get_image_system
from rigspec.matrix.loader import get_tables_folder, load_matrix
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


@pytest.mark.parametrize(
    ("driver", "gpu", "expected"),
    [
        ("450.80.02", "RTX 3090", ["RS204", "RS231"]),
        ("450.80.02", "V100", []),
        ("455.45.01", "RTX 3090", []),
        ("470.57.02", "GTX 980", ["RS205"]),
    ],
)
def test_image_of_another_registry_requires_driver_and_card(
    driver: str, gpu: str, expected: list[str], tmp_path: Path
) -> None:
    base = "nvcr.io/nvidia/pytorch:20.12-py3"
    found = errors(check(tmp_path, rig(base, driver, gpu, "ubuntu 20.04")))

    assert bool(found) == bool(expected)
    assert set(found) <= set(expected)


def test_tag_of_pytorch_names_its_cuda(tmp_path: Path) -> None:
    base = "pytorch/pytorch:2.4.1-cuda12.1-cudnn9-runtime"

    assert errors(check(tmp_path, rig(base, "470.57.02", "RTX 3090"))) == ["RS204"]
    report = check(tmp_path, rig(base, "535.104.05", "RTX 3090"))
    assert report.resolution is not None
    assert report.resolution.cuda is not None
    assert report.resolution.cuda.startswith("12.1.")


@pytest.mark.parametrize(
    ("base", "os"),
    [
        ("ubuntu:22.04", "ubuntu 22.04"),
        ("docker.io/library/debian:12-slim", "debian 12"),
        ("rockylinux:9", "rocky 9"),
        (f"nvidia/cuda:{TAG}", "ubuntu 24.04"),
        ("nvidia/cuda:12.8.1-base-rockylinux9", "rocky 9"),
        ("nvidia/cuda:12.8.0-base-amzn2023", "amazon 2023"),
        ("nvcr.io/nvidia/pytorch:20.12-py3", "ubuntu 20.04"),
    ],
)
def test_free_system_is_that_of_the_base_image(base: str, os: str, tmp_path: Path) -> None:
    report = check(tmp_path, f'[container]\nbase = "{base}"\n')

    assert report.resolution is not None
    assert report.resolution.os == os
    assert not_checked(report) == ""


@pytest.mark.parametrize(
    "base", ["nvcr.io/nvidia/pytorch:23.06-py3", "vllm/vllm-openai:v0.8.5", "me/mine:1"]
)
def test_unknown_image_is_not_checked(base: str, tmp_path: Path) -> None:
    report = check(tmp_path, rig(base, "450.80.02", "RTX 3090"))

    assert errors(report) == []
    assert base in not_checked(report)


def test_every_image_of_the_tables_has_cuda_and_system_of_the_matrix() -> None:
    table = tomli.loads((get_tables_folder() / "image" / "named.toml").read_text("utf-8"))
    matrix = load_matrix(["cuda", "os"])
    toolkits = [release.version for release in matrix.product("cuda").releases]
    systems = {release.label for release in matrix.product("os").releases}

    for row in table["release"]:
        reference = f"{row['family']}:{row['version']}"
        image = find_base_image(reference)
        assert image is not None
        series = image.implies[0].alternatives[0]
        assert any(version == series or version.startswith(f"{series}.") for version in toolkits)
        assert get_image_system(image) in {*systems, None}
        driver = get_image_driver(reference)
        assert driver is None or driver.minimum.partition(".")[0].isdigit()
