"""The source of CUDA without a `[cuda]` table: wheels that can have it, else a toolkit."""

from __future__ import annotations

from rigspec.matrix.model import Matrix
from rigspec.resolve.problem.base_image import find_image_tag, find_rig_image
from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.model import BoundRule
from rigspec.resolve.problem.requested_packages import list_framework_products
from rigspec.resolve.problem.requirements import uses_gpu
from rigspec.resolve.solver.sat import Solution
from rigspec.resolve.solver.search import find_newest
from rigspec.spec.machine_limits import limit_to_machine
from rigspec.spec.models.rig import Rig

__all__ = ["build_problem", "build_problems", "drop_unneeded_toolkit"]

_PROVIDER = "provider"

# Components that come with a toolkit.
_TOOLKIT = frozenset({"cuda", "cudnn", "cudnn_cuda", "default_gcc"})


def build_problem(rig: Rig, machine: str | None, matrix: Matrix) -> ProblemBuilder:
    """Return the problem of one machine.

    A framework whose wheels have CUDA as an extra gets it from them, if the spec does not say
    where CUDA comes from, a solution has it so and no other framework needs a toolkit.
    """
    rig = limit_to_machine(rig, machine)
    if not _has_cuda_extra(rig, machine, matrix):
        return ProblemBuilder(rig, machine, matrix)
    builder = ProblemBuilder(rig, machine, matrix, cuda_from_wheels=True)
    solution = find_newest(builder, builder.requirements)
    frameworks = {name for env in rig.env.values() for name in list_framework_products(env)}
    if solution is not None and len(frameworks) == 1:
        return builder
    toolkit = ProblemBuilder(rig, machine, matrix)
    if solution is None or _needs_toolkit(rig, toolkit, solution):
        return toolkit
    return builder


def build_problems(rig: Rig, machine: str | None, matrix: Matrix) -> tuple[ProblemBuilder, ...]:
    """Return the problem of a machine with each source of CUDA: a toolkit, then wheels."""
    rig = limit_to_machine(rig, machine)
    toolkit = ProblemBuilder(rig, machine, matrix)
    if not _has_cuda_extra(rig, machine, matrix):
        return (toolkit,)
    return toolkit, ProblemBuilder(rig, machine, matrix, cuda_from_wheels=True)


def drop_unneeded_toolkit(rig: Rig, builder: ProblemBuilder, solution: Solution) -> Solution:
    """Return a solution without the CUDA toolkit and cuDNN that no chosen release needs.

    Some releases of JAX need a toolkit, and wheels of others contain CUDA. A toolkit that the spec
    or the base image has stays.
    """
    if rig.cuda is not None or _has_image_with_cuda(rig):
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


def _has_image_with_cuda(rig: Rig) -> bool:
    image = find_rig_image(rig)
    return find_image_tag(rig) is not None or (image is not None and bool(image.implies))


def _has_cuda_extra(rig: Rig, name: str | None, matrix: Matrix) -> bool:
    machine = rig.machine[name] if name is not None else None
    if rig.cuda is not None or _has_image_with_cuda(rig) or not uses_gpu(rig, machine):
        return False
    return any(
        condition.component == _PROVIDER
        for product in matrix.products
        for extra in product.extras
        for condition in extra.when
    )
