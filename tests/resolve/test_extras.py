"""Extras of a line: they choose the CUDA of the wheels, and bring frameworks."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from rigspec.diagnostics.model import Report
from rigspec.matrix.loader import load_matrix
from rigspec.refresh.listings import write_listing
from tests.resolve.rigs import check, errors

RIG = """
[machine.box]
os = "ubuntu 24.04"
gpus = [{{ model = "{gpu}" }}]
driver = {{ version = "{driver}", from = "none" }}

[env.lab]
python = "3.12"
packages = {{ {packages} }}
"""
WITHOUT_GPU = '[machine.box]\nos = "ubuntu 24.04"\n[env.lab]\npackages = {{ {packages} }}\n'


def check_line(
    folder: Path, packages: str, *, gpu: str = "RTX 3090", driver: str = "620"
) -> Report:
    return check(folder, RIG.format(gpu=gpu, driver=driver, packages=packages))


@pytest.mark.parametrize(
    ("line", "driver", "distribution", "cuda"),
    [
        ('jax = "[cuda12]"', "620", "jax[cuda12]", "12"),
        ('jax = "[cuda12]"', "550", "jax[cuda12]", "12"),
        ('jax = "[cuda13]"', "620", "jax[cuda13]", "13"),
        ('jax = "*"', "620", "jax[cuda13]", "13"),
        ('jax = "*"', "550", "jax[cuda12]", "12"),
        ('jax = "[cuda12, K8S]"', "620", "jax[cuda12,k8s]", "12"),
        ('jax = "[k8s]>=0.8"', "550", "jax[cuda12,k8s]", "12"),
        ('torch = "[opt-einsum]"', "620", "torch[opt-einsum]", None),
    ],
)
def test_extra_of_a_framework_is_installed_and_decides_the_cuda(
    line: str, driver: str, distribution: str, cuda: str | None, tmp_path: Path
) -> None:
    report = check_line(tmp_path, line, driver=driver)
    assert errors(report) == []
    assert report.resolution is not None
    (env,) = report.resolution.envs
    assert env.distributions[0].name == distribution
    if cuda is not None:
        assert (env.cuda or "").partition(".")[0] == cuda


def test_extra_for_a_cuda_that_the_driver_does_not_run_is_a_conflict(tmp_path: Path) -> None:
    report = check_line(tmp_path, 'jax = "[cuda13]"', driver="550")
    (conflict,) = (each for each in report.diagnostics if each.code == "RS204")
    assert "requests the extra `cuda13`" in [span.label for span in conflict.spans]
    assert conflict.repairs


@pytest.mark.parametrize("extras", ["cuda12,cuda13", "cuda13"])
def test_extra_that_a_release_lacks_or_another_one_excludes_is_a_conflict(
    extras: str, tmp_path: Path
) -> None:
    version = "" if "," in extras else "==0.6.0"
    assert errors(check_line(tmp_path, f'jax = "[{extras}]{version}"')) != []


def test_extra_for_cuda_on_a_machine_without_gpu_is_installed(tmp_path: Path) -> None:
    report = check(tmp_path, WITHOUT_GPU.format(packages='jax = "[cuda12]"'))
    assert errors(report) == []
    assert report.resolution is not None
    assert report.resolution.envs[0].distributions[0].name == "jax[cuda12]"


@pytest.mark.parametrize(
    ("line", "framework"),
    [
        ('transformers = "[torch]"', "torch"),
        ('diffusers = "[torch]>=0.30"', "torch"),
        ('transformer-engine = "[pytorch]"', "torch"),
        ('transformer-engine = "[jax]"', "jax"),
    ],
)
def test_framework_of_an_extra_is_checked_against_the_machine(
    line: str, framework: str, tmp_path: Path
) -> None:
    packages = check_line(tmp_path, line).packages
    assert framework in [package.name for package in packages]
    without = f'{line.partition("[")[0]}*"'
    assert framework not in [p.name for p in check_line(tmp_path, without).packages]


def test_driver_too_old_for_the_framework_of_an_extra_is_a_conflict(tmp_path: Path) -> None:
    line = 'transformers = "[torch]==5.24.0"'
    report = check_line(tmp_path, line, driver="470")
    assert errors(report) != []
    assert "requires torch" in [span.label for d in report.diagnostics for span in d.spans]


def test_package_without_code_for_the_card_is_no_empty_release(tmp_path: Path) -> None:
    """Release 0.0.0 of transformer-engine has no module: it reserves the name."""
    report = check_line(tmp_path, 'transformer-engine = "*"', gpu="GTX 1080", driver="580")
    assert errors(report) == ["RS205"]


def test_listing_keeps_the_releases_that_it_leaves_out() -> None:
    matrix = load_matrix(["package:transformer-engine"])
    listing = matrix.product("package:transformer-engine").listing
    assert listing is not None
    table = dict(matrix.tables)["package:transformer-engine"].decode()
    day = dt.date(2026, 11, 29)
    text = write_listing(table, "transformer-engine", listing.versions, day, listing.without)
    assert text == table
