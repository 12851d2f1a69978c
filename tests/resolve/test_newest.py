"""The way that is quick finds what the way that is plain finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rigspec.resolve.conflicts.unknown_names import find_unsatisfiable_requirements
from rigspec.resolve.problem.builder import ProblemBuilder, load_required_matrix
from rigspec.resolve.solver.cnf import encode
from rigspec.resolve.solver.sat import SolverSession
from rigspec.resolve.solver.search import find_newest
from rigspec.spec.loader import parse_spec
from tests.resolve.rigs import check
from tests.resolve.test_combinations import COMBINATIONS, name

FREE = [
    {"name": "all free", "spec": "frameworks = { tensorflow = '*', keras = '*', torch = '*' }"},
    {"name": "cupy", "spec": "frameworks = { cupy = '*' }"},
    {"name": "mxnet", "spec": "frameworks = { mxnet = '*' }"},
    {"name": "conda", "spec": "frameworks = { tensorflow = '1.8' }\ninterpreter = 'conda'"},
    {"name": "jax and torch", "spec": "frameworks = { jax = '*', torch = '*' }"},
    {"name": "fastai", "spec": "frameworks = { fastai = '*', torch = '*' }\npython = '3.8'"},
]
BOX = "[machine.box]\nos = 'ubuntu {os}'\ngpus = [{{ model = '{gpu}' }}]\n[env.lab]\n"
FREE = [
    {"name": f"{row['name']}, {gpu}", "spec": BOX.format(os=os, gpu=gpu) + row["spec"]}
    for row in FREE
    for os, gpu in (("18.04", "Tesla K80"), ("22.04", "GTX 1080 Ti"), ("24.04", "RTX 5090"))
]


@pytest.mark.parametrize("row", [*COMBINATIONS, *FREE], ids=name)
def test_newest_by_both_searches_is_the_same(row: dict[str, Any]) -> None:
    """Narrowing and trying, and a solver over every row and release of the matrix."""
    spec = parse_spec("rig.toml", f'rig = 1\nname = "box"\n{row["spec"]}')
    builder = ProblemBuilder(spec.rig, "box", load_required_matrix(spec.rig, "box"))
    _, requirements = find_unsatisfiable_requirements(builder, spec.document)
    problem = builder.problem(requirements)
    encoding = encode(problem)
    with SolverSession(problem, encoding) as session:
        plain = session.newest(encoding.selectors)
    assert find_newest(builder, requirements) == plain


def test_cudnn_build_matches_cuda(tmp_path: Path) -> None:
    """Theano has rules on cuDNN, and needs neither it nor CUDA."""
    box = '[machine.box]\nos = "ubuntu 16.04"\ngpus = [{ model = "GTX 1080" }]\n'
    env = '[env.lab]\npython = "2.7"\nframeworks = { theano = "0.9" }\n'
    bare = check(tmp_path, box + env).resolution
    declared = check(tmp_path, f'{box}[cuda]\ntoolkit = "8.0"\n{env}').resolution
    assert bare is not None
    assert declared is not None
    assert (bare.cuda, bare.cudnn) == (None, None)
    assert declared.cudnn_cuda == "8.0"
