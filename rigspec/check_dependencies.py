"""Check the frameworks that packages require and that the spec does not name.

They are not part of the resolution: `rigspec lock` chooses their versions. But a machine on which
none of them runs is a conflict, and the version that an exact line requires is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.frozen import dataclass
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.dependencies import (
    RequiredFramework,
    add_packages,
    find_required_frameworks,
    is_on_default_index,
)
from rigspec.resolve.problem.model import Candidate, Requirement
from rigspec.resolve.problem.requirements import find_architecture, get_env_key
from rigspec.resolve.solver.cuda_source import build_problem
from rigspec.resolve.solver.propagation import propagate
from rigspec.resolve.solver.sat import Solution
from rigspec.resolve.solver.search import find_newest
from rigspec.spec.loader import LoadedSpec
from rigspec.version_specifiers import strip_local_version

__all__ = ["DependencyCheck", "check_dependencies"]

_CODE = "RS257"


@dataclass(frozen=True)
class DependencyCheck:
    """Conflicts or notes about required frameworks, and a solution that has these frameworks.

    ``solution`` is None without required frameworks, and if they conflict.
    """

    diagnostics: tuple[Diagnostic, ...] = ()
    required: tuple[RequiredFramework, ...] = ()
    solution: Solution | None = None


def check_dependencies(
    spec: LoadedSpec,
    machine: str | None,
    matrix: Matrix,
    *,
    repairs: bool,
    accepts: Callable[[LoadedSpec, Matrix, Resolution], bool] = lambda *_: True,
) -> DependencyCheck:
    """Return the conflicts of required frameworks with the machine, else notes about them.

    Conflicts between programs alone are left to the lock, which may find other releases.
    """
    required = tuple(find_required_frameworks(spec.rig, matrix))
    if not required:
        return DependencyCheck()
    names: dict[str, list[str]] = {}
    for each in required:
        names.setdefault(each.env, []).append(each.framework)
    builder = build_problem(add_packages(spec.rig, names), machine, matrix)
    arch = find_architecture(spec.rig.machine[machine] if machine else None, matrix)
    requirements = _list_requirements(builder, required, matrix, arch)
    solution = find_newest(builder, requirements)
    if solution is not None:
        notes = tuple(_note_versions(spec, builder, requirements, solution, required))
        return DependencyCheck(notes, required, solution)
    from rigspec.resolve.conflicts.diagnose import list_conflicts

    keys = [get_env_key(each.env, each.framework) for each in required]
    conflicts = list_conflicts(
        spec,
        machine,
        matrix,
        builder,
        requirements,
        repairs=repairs,
        accepts=accepts,
        dependencies=keys,
    )
    errors = tuple(_add_packages(spec, conflict, required) for conflict in conflicts)
    return DependencyCheck(errors, required)


def _add_packages(
    spec: LoadedSpec, conflict: Diagnostic, required: Iterable[RequiredFramework]
) -> Diagnostic:
    """Return a conflict with the lines of the packages that require its frameworks."""
    named = [each for each in required if each.framework in conflict.components]
    spans = (
        spec.document.span(
            ("env", each.env, each.package.table, each.package.key),
            label=f"requires {each.framework}",
        )
        for each in named or required
    )
    return replace(conflict, spans=(*conflict.spans, *spans))


def _list_requirements(
    builder: ProblemBuilder, required: Iterable[RequiredFramework], matrix: Matrix, arch: str
) -> tuple[Requirement, ...]:
    """Return the lines that a release can meet, with builds of the default package index.

    A line that names the framework, and so one of its other builds, may be added.
    """
    added = {get_env_key(each.env, each.framework): each for each in required}
    universes = builder.universes
    lines = [
        line
        for line in builder.requirements
        if line.component not in added and universes[line.component].mask(line.alternatives)
    ]
    for key, each in added.items():
        releases = matrix.product(each.framework).releases
        builds = tuple(f"=={r.version}" for r in releases if is_on_default_index(r, arch))
        place = ("env", each.env, each.package.table, each.framework)
        lines.append(Requirement(key, builds, None, f"has no {each.framework}", adds=place))
    return tuple(lines)


def _note_versions(
    spec: LoadedSpec,
    builder: ProblemBuilder,
    requirements: tuple[Requirement, ...],
    solution: Solution,
    required: Iterable[RequiredFramework],
) -> Iterator[Diagnostic]:
    """Yield a note for each exact line that leaves one release of a framework."""
    found = propagate(builder, requirements)
    if found is None or solution["accelerator"].version != "gpu":
        return
    for each in required:
        key = get_env_key(each.env, each.framework)
        versions = {strip_local_version(c.version) for c in found.remaining(key)}
        if each.version is None or len(versions) != 1:
            continue
        path = ("env", each.env, each.package.table, each.package.key)
        runtime = solution.get(get_env_key(each.env, "cuda_runtime"))
        yield Diagnostic(
            code=_CODE,
            severity=Severity.NOTE,
            message=f"{each.label} requires {each.framework} {versions.pop()}{_cuda(runtime)}",
            components=(each.framework,),
            spans=(spec.document.span(path),),
            facts=tuple(_list_driver_facts(builder, solution, each.env)),
        )


def _cuda(runtime: Candidate | None) -> str:
    if runtime is None or runtime.version == "none":
        return ""
    return f" with CUDA {runtime.version} in its wheels"


def _list_driver_facts(builder: ProblemBuilder, solution: Solution, env: str) -> Iterator[Fact]:
    """Yield the drivers that the CUDA of an environment's wheels requires."""
    key = get_env_key(env, "cuda_runtime")
    for row in builder.binding_rules(solution):
        if row.requires[0] == "driver" and key in row.keys and _holds(builder, row.when, solution):
            yield Fact(row.rule.id, row.rule.statement, row.rule.sources)


def _holds(
    builder: ProblemBuilder,
    when: Iterable[tuple[str, tuple[str, ...]]],
    solution: Mapping[str, Candidate],
) -> bool:
    return all(
        key in solution and builder.universes[key].admits(texts, solution[key])
        for key, texts in when
    )
