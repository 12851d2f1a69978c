"""Frameworks that a package requires and that the spec does not name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rigspec.diagnostics.model import Report
from rigspec.diagnostics.render.json import render_json
from rigspec.diagnostics.render.summary import render_summary
from rigspec.diagnostics.serialization import parse_reports, serialize_reports
from rigspec.matrix.loader import load_matrix
from tests.resolve.rigs import check, errors

RIG = """
[machine.box]
os = "ubuntu 24.04"
gpus = [{{ model = "{gpu}" }}]
{driver}

[env.lab]
python = "3.12"
packages = {{ {packages} }}
"""


def check_packages(
    folder: Path, packages: str, *, gpu: str = "RTX 4090", driver: str = ""
) -> Report:
    return check(folder, RIG.format(gpu=gpu, driver=driver, packages=packages))


@pytest.mark.parametrize("named", ["", ', torch = "*"'])
def test_driver_too_old_for_the_torch_of_a_package_is_a_conflict(
    named: str, tmp_path: Path
) -> None:
    packages = f'vllm = "==0.33.0"{named}'
    report = check_packages(tmp_path, packages, driver='driver = "==535.*"')

    assert errors(report) == ["RS204"]
    (conflict,) = (d for d in report.diagnostics if d.code == "RS204")
    offered = {(e.key.rpartition(".")[2], e.after) for r in conflict.repairs for e in r.edits}
    assert {("vllm", "0.19.1"), ("driver", "580.65.06")} <= offered


def test_torch_of_a_package_without_code_for_the_card_is_a_conflict(tmp_path: Path) -> None:
    report = check_packages(tmp_path, 'vllm = "==0.9.2"', gpu="RTX 5090")

    assert errors(report) == ["RS220"]
    (conflict,) = (d for d in report.diagnostics if d.code == "RS220")
    # Another index has a build that fits: a line can name it.
    added = next(r for r in conflict.repairs if r.edits[0].key.endswith(".torch"))
    assert added.resolution is not None
    assert not any("ResolutionImpossible" in text for text in conflict.runtime_error)


def test_line_that_names_the_build_that_fits_is_possible(tmp_path: Path) -> None:
    packages = 'vllm = "==0.9.2", torch = "2.7.0+cu128"'
    assert check_packages(tmp_path, packages, gpu="RTX 5090").status == "ok"


@pytest.mark.parametrize(
    "packages",
    ['vllm = "*"', 'sglang = "*"', 'xformers = "*"', 'unsloth = "*"', 'peft = "*"'],
)
@pytest.mark.parametrize("gpu", ["RTX 5090", "RTX 4090", "H100", "B200", "L4"])
def test_free_package_is_possible_on_a_card_of_today(
    packages: str, gpu: str, tmp_path: Path
) -> None:
    assert check_packages(tmp_path, packages, gpu=gpu).status == "ok"


def test_old_driver_leaves_older_releases_of_a_free_package(tmp_path: Path) -> None:
    assert check_packages(tmp_path, 'vllm = "*"', driver='driver = "==535.*"').status == "ok"


def test_exact_package_is_noted_with_its_torch_and_driver(tmp_path: Path) -> None:
    report = check_packages(tmp_path, 'vllm = "==0.33.0"')

    (note,) = (d for d in report.diagnostics if d.code == "RS257")
    assert note.message == "vllm 0.33.0 requires torch 2.14.0 with CUDA 13.0 in its wheels"
    assert [f.statement for f in note.facts] == [
        "CUDA 13.0 from Python wheels requires driver 580 or newer"
    ]


def test_machine_without_gpu_has_no_note(tmp_path: Path) -> None:
    text = RIG.replace('gpus = [{{ model = "{gpu}" }}]\n', "")
    report = check(tmp_path, text.format(driver="", packages='vllm = "==0.33.0"'))
    assert "RS257" not in [d.code for d in report.diagnostics]
    assert report.status == "ok"


def test_version_without_the_requirement_is_not_checked(tmp_path: Path) -> None:
    # Up to 0.5, torch is an extra of SGLang.
    report = check_packages(tmp_path, 'sglang = "==0.3.4"', driver='driver = "==535.*"')
    assert "RS257" not in [d.code for d in report.diagnostics]


def newest_release(product: str) -> str:
    listing = load_matrix([product]).product(product).listing
    assert listing is not None
    return listing.versions[-1]


def list_packages(report: Report) -> dict[str, tuple[str, str | None, str | None]]:
    return {p.name: (p.version, p.required_by, p.cuda) for p in report.packages}


def test_packages_of_a_rig_that_resolves_are_reported_with_the_framework_they_require(
    tmp_path: Path,
) -> None:
    report = check_packages(tmp_path, 'vllm = "==0.33.0", torchvision = "*", requests = "*"')

    assert list_packages(report) == {
        "vllm": ("0.33.0", None, None),
        "torchvision": (newest_release("package:torchvision"), None, None),
        "torch": ("2.14.0", "torchvision", "13.0"),
    }
    summary = render_summary(report)
    assert "    vllm        0.33.0\n" in summary
    assert "    torch       up to 2.14.0 (required by torchvision)\n" in summary
    assert "    cuda        13.0 (in the wheels)" in summary
    assert parse_reports(serialize_reports([report])) == [report]
    shown = json.loads(render_json([report]))["results"][0]["packages"]
    assert {"name": "torch", "version": "2.14.0"}.items() <= shown[-1].items()


def test_packages_of_a_conflict_are_not_reported(tmp_path: Path) -> None:
    assert check_packages(tmp_path, 'vllm = "==0.33.0"', driver='driver = "==535.*"').packages == ()


def test_packages_of_conda_are_not_reported(tmp_path: Path) -> None:
    rig = RIG.format(gpu="RTX 4090", driver="", packages='torchvision = "*"')
    report = check(tmp_path, rig + 'manager = "conda"\nchannels = ["conda-forge"]\n')
    assert report.status == "ok"
    assert report.packages == ()


def test_repair_of_a_package_keeps_its_extras(tmp_path: Path) -> None:
    packages = 'vllm = "[audio]==0.33.0"'
    report = check_packages(tmp_path, packages, driver='driver = "==535.*"')
    offered = [e.after for d in report.diagnostics for r in d.repairs for e in r.edits]
    assert "[audio]==0.19.1" in offered
    fixed = check_packages(tmp_path, 'vllm = "[audio]==0.19.1"', driver='driver = "==535.*"')
    assert errors(fixed) == []
