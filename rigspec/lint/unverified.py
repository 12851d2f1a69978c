"""What could not be checked, because nobody says: told, and not guessed."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.matrix.model import Matrix, Rule
from rigspec.matrix.part_lookup import find_part
from rigspec.resolution import Resolution
from rigspec.resolve.problem.model import Candidate, KeyPath, matches_any
from rigspec.spec.loader import LoadedSpec

__all__ = ["unverified_notes"]

# Components that are known only if the spec or the matrix says so, and the key that says it.
_SAID_BY = {"avx": "features"}


def unverified_notes(
    spec: LoadedSpec, machine: str | None, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """A note for each rule about a processor that is only named."""
    if machine is None or resolution is None:
        return
    cpu = spec.rig.machine[machine].named_cpu
    if cpu is None or find_part(matrix.product("cpu"), cpu) is not None:
        return
    path: KeyPath = ("machine", machine, "cpu")
    for rule in matrix.rules():
        key = _SAID_BY.get(rule.requires.component)
        if key is not None and _applies(rule, resolution):
            yield Diagnostic(
                code="RS212",
                severity=Severity.NOTE,
                message=f"not checked: whether the {cpu} fits, which the matrix does not know",
                components=("cpu",),
                spans=(spec.document.span(path, label="known by name only"),),
                facts=(Fact(rule.id, rule.statement, rule.sources, rule.confidence),),
                runtime_error=(rule.failure_message,),
                help=(
                    f'to have it checked, write `cpu = {{ model = "{cpu}", {key} = '
                    f'["{rule.requires.component}"] }}` with what /proc/cpuinfo lists',
                ),
            )


def _applies(rule: Rule, resolution: Resolution) -> bool:
    chosen = {pin.name: pin.version for env in resolution.envs for pin in env.frameworks}
    return all(
        condition.component in chosen
        and matches_any(condition.alternatives, Candidate(None, chosen[condition.component]))
        for condition in rule.when
    )
