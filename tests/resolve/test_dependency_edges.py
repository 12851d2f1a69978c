"""Rules between the components of a resolvable rig, which graphs draw and `why` lists."""

from __future__ import annotations

from rigspec.diagnostics.model import Severity
from rigspec.resolve.explain.dependency_edges import DependencyEdge, find_dependency_edges
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import parse_spec


def list_edges(text: str) -> tuple[DependencyEdge, ...]:
    spec = parse_spec("rig.toml", f'rig = 1\nname = "box"\n[machine.box]\n{text}')
    return find_dependency_edges(spec, "box", load_required_matrix(spec.rig, "box"))[1]


def test_rules_with_the_same_statement_are_one_edge_with_the_narrowest_bound() -> None:
    edges = list_edges(
        'os = "ubuntu 20.04"\ngpus = ["RTX 3090"]\n[cuda]\ntoolkit = "11.6"\n'
        '[env.lab]\nframeworks = { jax = "0.3" }\n'
    )
    met = [edge for edge in edges if edge.broken is None]
    code = [edge for edge in met if "contains code for sm_35" in edge.fact.statement]
    assert [(edge.dependency, edge.requirement) for edge in code] == [
        ("gpus.0/compute_capability", ">=5.2,<9")
    ]


def test_advice_about_an_unknown_compiler_is_no_edge() -> None:
    """No table has the compiler of Ubuntu 14.04, so nothing is known to be violated."""
    edges = list_edges(
        'os = "ubuntu 14.04"\ngpus = ["GTX 780"]\n[cuda]\ntoolkit = "7.5"\ncudnn = "4"\n'
    )
    assert edges
    assert "default_gcc" not in {edge.dependency for edge in edges}


def test_violated_advice_is_an_edge_with_its_severity() -> None:
    edges = list_edges(
        'os = "ubuntu 18.04"\ngpus = ["RTX 2070"]\n[env.lab]\npython = "3.6"\n'
        'interpreter = "conda"\nframeworks = { torch = "==1.1.0+cu90" }\n'
    )
    broken = {edge.dependency: edge.broken for edge in edges if edge.broken is not None}
    assert broken["gpus.0/compute_capability"] in (Severity.WARNING, Severity.NOTE)
