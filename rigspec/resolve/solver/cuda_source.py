"""The source of CUDA without a `[cuda]` table: wheels that can have it, else a toolkit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rigspec.matrix.model import Matrix
from rigspec.resolve.problem.base_image import has_image_with_cuda
from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.model import BoundRule, Candidate, Requirement
from rigspec.resolve.problem.requested_packages import list_framework_products
from rigspec.resolve.problem.requirements import uses_gpu
from rigspec.resolve.solver.sat import Solution
from rigspec.resolve.solver.search import find_newest
from rigspec.spec.machine_limits import limit_to_machine
from rigspec.spec.models.rig import Rig

__all__ = [
    "admit_cuda_from_wheels",
    "build_problem",
    "build_problems",
    "drop_unneeded_toolkit",
    "find_newest_by_source",
    "has_cuda_in_wheels",
]

_PROVIDER = "provider"

_WHEELS = "wheels"
_FROM_WHEELS = Requirement(_PROVIDER, (_WHEELS,), None, "takes CUDA from wheels", editable=False)

# Components that come with a toolkit.
_TOOLKIT = frozenset({"cuda", "cudnn", "cudnn_cuda", "default_gcc"})


def build_problem(rig: Rig, machine: str | None, matrix: Matrix) -> ProblemBuilder:
    """Return the problem of one machine.

    A framework whose wheels have CUDA as an extra gets it from them, if the spec does not say
    where CUDA comes from, a solution has it so and no other framework needs a toolkit.
    """
    rig = limit_to_machine(rig, machine)
    if not has_cuda_in_wheels(rig, machine, matrix):
        return ProblemBuilder(rig, machine, matrix)
    builder = ProblemBuilder(rig, machine, matrix, cuda_from_wheels=True)
    solution = find_newest(builder, builder.requirements)
    if solution is not None and len(_list_frameworks(rig)) == 1:
        return builder
    toolkit = ProblemBuilder(rig, machine, matrix)
    if solution is None or _needs_toolkit(rig, toolkit, solution):
        return toolkit
    return builder


def build_problems(rig: Rig, machine: str | None, matrix: Matrix) -> tuple[ProblemBuilder, ...]:
    """Return the problem of a machine with each source of CUDA: a toolkit, then wheels."""
    rig = limit_to_machine(rig, machine)
    toolkit = ProblemBuilder(rig, machine, matrix)
    if not has_cuda_in_wheels(rig, machine, matrix):
        return (toolkit,)
    return toolkit, ProblemBuilder(rig, machine, matrix, cuda_from_wheels=True)


def drop_unneeded_toolkit(rig: Rig, builder: ProblemBuilder, solution: Solution) -> Solution:
    """Return a solution without the CUDA toolkit and cuDNN that no chosen release needs.

    Some releases of JAX need a toolkit, and wheels of others contain CUDA. A toolkit that the spec
    or the base image has stays.
    """
    if rig.cuda is not None or has_image_with_cuda(rig):
        return solution
    if _needs_toolkit(rig, builder, solution):
        return solution
    return {key: chosen for key, chosen in solution.items() if key not in _TOOLKIT}


def _needs_toolkit(rig: Rig, builder: ProblemBuilder, solution: Solution) -> bool:
    """Return whether a release of an environment needs a toolkit, as the problem with one knows."""
    return any(
        row.requires[0] in _TOOLKIT
        and any(key.partition("/")[0] in rig.env for key, _ in row.when)
        and _applies(builder, row, solution)
        for row in builder.binding_rules(solution)
    )


def _applies(builder: ProblemBuilder, row: BoundRule, solution: Solution) -> bool:
    return all(
        key in solution and builder.universes[key].admits(texts, solution[key])
        for key, texts in row.when
    )


def admit_cuda_from_wheels(requirements: tuple[Requirement, ...]) -> tuple[Requirement, ...]:
    """Return the requirements with wheels as one more source of CUDA."""
    return tuple(
        replace(each, alternatives=(*each.alternatives, _WHEELS))
        if each.component == _PROVIDER
        else each
        for each in requirements
    )


def find_newest_by_source(
    rig: Rig,
    builder: ProblemBuilder,
    requirements: tuple[Requirement, ...],
    preferred: Mapping[str, Candidate],
) -> Solution | None:
    """Return the newest solution with CUDA from wheels, else with any source of CUDA.

    Wheels are not enough if another framework needs a toolkit, as in ``build_problem``.
    """
    found = find_newest(builder, (*requirements, _FROM_WHEELS), preferred)
    alone = len(_list_frameworks(rig)) == 1
    if found is not None and (alone or not _needs_toolkit(rig, builder, found)):
        return found
    return find_newest(builder, requirements, preferred)


def has_cuda_in_wheels(rig: Rig, machine: str | None, matrix: Matrix) -> bool:
    """Return whether a framework of the rig can take CUDA from wheels, and the spec lets it."""
    on_gpu = uses_gpu(rig, rig.machine[machine] if machine is not None else None)
    if rig.cuda is not None or has_image_with_cuda(rig) or not on_gpu:
        return False
    return any(
        condition.component == _PROVIDER
        for name in _list_frameworks(rig)
        if name in matrix
        for extra in matrix.product(name).extras
        for condition in extra.when
    )


def _list_frameworks(rig: Rig) -> frozenset[str]:
    return frozenset(name for env in rig.env.values() for name in list_framework_products(env))
