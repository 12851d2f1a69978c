"""Other Pythons for an environment without a solution: those that fit the frameworks, each once."""

from __future__ import annotations

import pytest

from rigspec.check import check_machine
from rigspec.lock.python.framework_rules import list_other_pythons
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import parse_spec

SPEC = """
rig = 1
name = "lab"
[machine.box]
os = "debian 13"
gpus = [{{ model = "H100 SXM" }}]
[env.lab.frameworks]
torch = "{torch}"
"""


@pytest.mark.parametrize("torch", ["==2.15", "==2.9", "*"])
def test_list_other_pythons_yields_each_python_that_fits_once(torch: str) -> None:
    spec = parse_spec("rig.toml", SPEC.format(torch=torch))
    matrix = load_required_matrix(spec.rig, "box")
    resolution = check_machine(spec, "box", matrix).resolution
    assert resolution is not None
    found = [
        other.envs[0].python for other in list_other_pythons(spec.rig, resolution, matrix, "lab")
    ]
    assert found
    assert len(set(found)) == len(found)
    assert resolution.envs[0].python not in found
