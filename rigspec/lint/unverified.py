"""Report rules that could not be checked because a property is unknown."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.matrix.model import Matrix, Rule
from rigspec.matrix.part_lookup import find_part
from rigspec.resolution import Resolution
from rigspec.resolve.problem.model import Candidate, KeyPath, matches_any
from rigspec.spec.loader import LoadedSpec

__all__ = ["lint_unverified"]

# Components that only the matrix or the spec can give, and the key in the spec.
_SPEC_KEYS = {"avx": "features"}


def lint_unverified(
    spec: LoadedSpec, machine: str | None, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Report each rule about a CPU that the matrix does not know."""
    if machine is None or resolution is None:
        return
    cpu = spec.rig.machine[machine].named_cpu
    if cpu is None or find_part(matrix.product("cpu"), cpu) is not None:
        return
    path: KeyPath = ("machine", machine, "cpu")
    for rule in matrix.rules():
        key = _SPEC_KEYS.get(rule.requires.component)
        if key is not None and _is_active(rule, resolution):
            yield Diagnostic(
                code="RS212",
                severity=Severity.NOTE,
                message=f"not checked: compatibility of the {cpu}, which is unknown",
                components=("cpu",),
                spans=(spec.document.span(path, label="unknown CPU"),),
                facts=(Fact(rule.id, rule.statement, rule.sources, rule.confidence),),
                runtime_error=(rule.failure_message,),
                help=(
                    f'set `cpu = {{ model = "{cpu}", {key} = ["{rule.requires.component}"] }}` if '
                    "/proc/cpuinfo lists it",
                ),
            )


def _is_active(rule: Rule, resolution: Resolution) -> bool:
    chosen = {pin.name: pin.version for env in resolution.envs for pin in env.frameworks}
    return all(
        condition.component in chosen
        and matches_any(condition.alternatives, Candidate(None, chosen[condition.component]))
        for condition in rule.when
    )
