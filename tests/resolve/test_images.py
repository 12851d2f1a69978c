"""Base images: the drivers with which their containers start, their CUDA and their system."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from rigspec.check import check_machine
from rigspec.diagnostics.model import Report
from rigspec.lock.create import create_lock
from rigspec.lock.errors import LockError
from rigspec.matrix.images import find_base_image, get_image_driver, get_image_system
from rigspec.matrix.loader import get_tables_folder, load_matrix
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import load_spec
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
        ("nvidia/cuda:12.8.9-runtime-ubuntu22.04", "ubuntu 22.04"),  # no such tag is listed
        ("pytorch/pytorch:1.9.0-cuda11.1-cudnn8-runtime", "ubuntu 18.04"),
        ("pytorch/pytorch:2.1.0-cuda12.1-cudnn8-devel", "ubuntu 20.04"),
        ("pytorch/pytorch:2.4.1-cuda12.1-cudnn9-runtime", "ubuntu 22.04"),
        ("tensorflow/tensorflow:1.13.1-gpu-py3-jupyter", "ubuntu 16.04"),
        ("tensorflow/tensorflow:2.2.0-gpu", "ubuntu 18.04"),
        ("tensorflow/tensorflow:2.10.0", "ubuntu 20.04"),
        ("vllm/vllm-openai:v0.8.5", "ubuntu 22.04"),
        ("vllm/vllm-openai:v0.33.0", "ubuntu 24.04"),
    ],
)
def test_free_system_is_that_of_the_base_image(base: str, os: str, tmp_path: Path) -> None:
    report = check(tmp_path, f'[container]\nbase = "{base}"\n')

    assert report.resolution is not None
    assert report.resolution.os == os
    assert not_checked(report) == ""


def test_conflict_with_system_of_base_image_is_not_repaired_by_another_image(
    tmp_path: Path,
) -> None:
    """The name of a system is not that of an image."""
    env = '[env.lab]\ninterpreter = "system"\npackages = { torch = "2.9" }\n'
    report = check(tmp_path, f'[container]\nbase = "debian:9"\n{env}')

    (conflict,) = (d for d in report.diagnostics if d.repairs)
    assert "debian 9 and PyTorch 2.9 are incompatible" in conflict.message
    edits = {edit.key for repair in conflict.repairs for edit in repair.edits}
    assert edits == {"env.lab.packages.torch"}


@pytest.mark.parametrize(
    "base", ["nvcr.io/nvidia/pytorch:23.06-py3", "vllm/vllm-openai:nightly", "me/mine:1"]
)
def test_unknown_image_is_not_checked(base: str, tmp_path: Path) -> None:
    report = check(tmp_path, rig(base, "450.80.02", "RTX 3090"))

    assert errors(report) == []
    assert base in not_checked(report)


@pytest.mark.parametrize(
    "base", ["me/mine:1", "nvidia/cuda", "pytorch/pytorch:2.11.0-cuda12.8-cudnn9-runtime"]
)
def test_system_of_unknown_image_is_unknown(base: str, tmp_path: Path) -> None:
    # vllm 0.20.0 requires glibc 2.35; the C library of the image is not known.
    env = '[env.lab]\npython = "3.12"\npackages = { vllm = "0.20.0" }\n'
    report = check(tmp_path, rig(base, "580.65.06", "A100", os="") + env)

    assert report.resolution is not None, errors(report)
    assert (report.resolution.os, report.resolution.glibc) == ("unknown", None)
    assert report.resolution.envs[0].interpreter == "uv"
    text = f"{base} (its system, C library and packages are unknown)"
    (note,) = (d for d in report.diagnostics if text in d.message)
    assert note.code == "RS252"
    assert note.help == (
        "set `os` in `[machine.box]` to the system of the image, so that rules apply",
    )


def test_system_of_unknown_image_is_required_to_lock(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text(f'rig = 1\nname = "box"\n{rig("me/mine:1", os="")}')
    spec = load_spec(str(path))
    report = check_machine(spec, "box", load_required_matrix(spec.rig, "box"))
    assert report.resolution is not None

    with pytest.raises(LockError) as caught:
        create_lock(spec.rig, [report.resolution])

    error = caught.value.locate(spec.document)
    assert error.message == (
        "cannot lock packages: the operating system of the image me/mine:1 is unknown"
    )
    assert error.spans[0].line == path.read_text().splitlines().index('base = "me/mine:1"') + 1
    assert error.help[0].startswith("set `os` in `[machine.box]`")


@pytest.mark.parametrize(
    ("driver", "gpu", "expected"),
    [("535.104.05", "RTX 3090", ["RS231"]), ("535.104.05", "A100", []), ("570.26", "RTX 3090", [])],
)
def test_image_requires_driver_of_the_image_below(
    driver: str, gpu: str, expected: list[str], tmp_path: Path
) -> None:
    base = "vllm/vllm-openai:v0.9.1"  # starts from nvidia/cuda:12.8.1-devel-ubuntu22.04
    assert errors(check(tmp_path, rig(base, driver, gpu, os=""))) == expected


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


@pytest.mark.parametrize(
    ("base", "cuda", "source"),
    [
        ("pytorch/pytorch:2.8.0-cuda12.8-cudnn9-devel", "", None),
        ("nvidia/cuda:12.4.1-devel-ubuntu22.04", "", None),
        ("ubuntu:22.04", '[cuda]\ntoolkit = "12.4"\n', "nvidia"),
        ("ubuntu:22.04", '[cuda]\ntoolkit = "12.4"\nprovider = "runfile"\n', "runfile"),
    ],
)
def test_toolkit_is_installed_unless_the_base_image_has_it(
    base: str, cuda: str, source: str | None, tmp_path: Path
) -> None:
    machine = '[machine.box]\nos = "ubuntu 22.04"\ngpus = ["RTX 4090"]\n'
    report = check(tmp_path, f'{machine}[container]\nbase = "{base}"\n{cuda}')
    assert report.resolution is not None, report.diagnostics
    assert report.resolution.cuda is not None
    assert report.resolution.cuda_provider == source


def test_toolkit_of_a_pytorch_image_next_to_a_table_of_cuda_is_installed(tmp_path: Path) -> None:
    machine = '[machine.box]\nos = "ubuntu 22.04"\ngpus = ["RTX 4090"]\n'
    base = '[container]\nbase = "pytorch/pytorch:2.8.0-cuda12.8-cudnn9-devel"\n'
    report = check(tmp_path, f'{machine}{base}[cuda]\ntoolkit = "12.8"\n')
    assert report.resolution is not None
    assert report.resolution.cuda_provider == "nvidia"
