"""Rigs of a batch share rule tables and encodings, and get the reports that they get alone."""

from __future__ import annotations

from typing import Any

import pytest

from rigspec.check import check_machine
from rigspec.diagnostics.model import Report
from rigspec.matrix.model import Matrix
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import LoadedSpec, parse_spec
from tests.resolve.test_combinations import COMBINATIONS, name

REFUSED = [row for row in COMBINATIONS if "refused" in row]
# Both lines divide the releases of torch that no rule distinguishes.
TWO_LINES = """
[machine.box]
os = "ubuntu 22.04"
gpus = [{ model = "RTX 3090" }]
[env.lab]
python = "3.10"
frameworks = { torch = "2.1" }
packages = { torch = "==2.1.1" }
"""


@pytest.mark.parametrize("row", REFUSED, ids=name)
def test_conflict_in_batch_is_reported_like_alone(row: dict[str, Any]) -> None:
    spec = _parse(row["spec"])
    matrix = load_required_matrix(spec.rig, "box")
    _check(spec, matrix)

    assert _check(spec, matrix) == _check(spec, _copy(matrix))


def test_rig_with_two_lines_on_a_framework_resolves_to_version_of_both() -> None:
    spec = _parse(TWO_LINES)
    report = _check(spec, load_required_matrix(spec.rig, "box"))

    assert report.resolution is not None
    assert [pin.version for pin in report.resolution.envs[0].frameworks] == ["2.1.1"]


def test_conflict_of_two_lines_on_a_framework_is_between_them() -> None:
    spec = _parse(TWO_LINES.replace("==2.1.1", "==2.0.1"))
    report = _check(spec, load_required_matrix(spec.rig, "box"))

    (error,) = (each for each in report.diagnostics if each.code == "RS230")
    assert sorted(span.label for span in error.spans) == [
        "requests torch 2.1",
        "requests torch ==2.0.1",
    ]


def _parse(text: str) -> LoadedSpec:
    return parse_spec("rig.toml", f'rig = 1\nname = "box"\n{text}')


def _copy(matrix: Matrix) -> Matrix:
    """Return the matrix without what earlier checks derived from it."""
    return matrix.part(product.name for product in matrix.products)


def _check(spec: LoadedSpec, matrix: Matrix) -> Report:
    return check_machine(spec, "box", matrix)
