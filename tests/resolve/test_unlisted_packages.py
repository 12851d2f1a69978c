"""Packages that the package index does not have: the error names the source and the repair."""

from __future__ import annotations

import pytest

from rigspec.check import check_machine
from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.matrix.components import UNLISTED_PACKAGES
from rigspec.matrix.loader import load_matrix
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import parse_spec

SPEC = """\
rig = 1
name = "lab"
[machine.box]
os = "ubuntu 24.04"
gpus = [{{ model = "RTX 3090" }}]
{more}
[env.lab.packages]
torch = "*"
{line}
"""
COMMIT = "02b5c4e295e990042a714712c21dc79b731e8833"
SOURCE = (
    f'detectron2 = {{ git = "https://github.com/facebookresearch/detectron2", rev = "{COMMIT}" }}'
)
TOOLKIT = '[cuda]\ntoolkit = "13.2"\n'


def list_errors(line: str, more: str = "") -> list[Diagnostic]:
    spec = parse_spec("rig.toml", SPEC.format(line=line, more=more))
    report = check_machine(spec, "box", load_required_matrix(spec.rig, "box"))
    return [each for each in report.diagnostics if each.severity is Severity.ERROR]


@pytest.mark.parametrize(
    "line",
    [
        'detectron2 = "*"',
        'detectron2 = "==0.6"',
        'fused_ssim = "*"',
        'apex = "*"',
        'pytorch3d = "==0.7.8"',
        'pytorch3d = ">=0.7"',
        'horovod = "*"',
        'sageattention = ">=2"',
    ],
)
def test_check_of_a_package_that_the_index_lacks_reports_its_source(line: str) -> None:
    (error,) = list_errors(line, TOOLKIT)
    assert error.code == "RS258"
    assert error.facts[0].sources
    assert error.spans[0].label == "not on the package index"
    assert any("sha256 = " in text for text in error.help)


@pytest.mark.parametrize(
    ("line", "more"),
    [
        (SOURCE, TOOLKIT),
        ('sageattention = "*"', TOOLKIT),
        ('detectron2 = "*"', TOOLKIT + '[mirrors]\npypi = "https://example.org/simple"\n'),
        (
            'detectron2 = "*"',
            TOOLKIT
            + '[index.own]\nurl = "https://example.org/simple"\npackages = ["detectron*"]\n',
        ),
        ('apex = "+cu132 0.1"', TOOLKIT + '[index.cu132]\nurl = "https://example.org/simple"\n'),
    ],
)
def test_check_of_a_package_from_elsewhere_has_no_error(line: str, more: str) -> None:
    assert list_errors(line, more) == []


def test_check_of_a_package_that_no_index_names_is_refused_next_to_an_index_of_others() -> None:
    index = '[index.own]\nurl = "https://example.org/simple"\npackages = ["tensorrt*"]\n'
    (error,) = list_errors('detectron2 = "*"', TOOLKIT + index)
    assert error.code == "RS258"


def test_check_of_a_repository_without_toolkit_reports_it() -> None:
    (error,) = list_errors(SOURCE)
    assert error.code == "RS507"
    assert "add `[cuda]`" in error.help[0]


def test_check_of_a_framework_from_a_source_is_refused() -> None:
    line = f'jax = {{ url = "https://example.org/jax.whl", sha256 = "{"0" * 64}" }}'
    (error,) = list_errors(line)
    assert (error.code, "framework" in error.message) == ("RS258", True)


def test_check_of_old_pytorch3d_wheels_needs_old_torch() -> None:
    line = 'pytorch3d = "==0.3.0"\ntorchvision = "==0.23"'
    assert [each.code for each in list_errors(line)] == ["RS217"]


def test_repairs_of_unlisted_packages_name_a_whole_commit() -> None:
    for each in load_matrix([UNLISTED_PACKAGES]).product(UNLISTED_PACKAGES).unlisted_packages:
        assert each.sources
        if each.repository is not None:
            assert len(each.rev or "") == 40, each.name
            assert each.repository.startswith("https://github.com/"), each.name
