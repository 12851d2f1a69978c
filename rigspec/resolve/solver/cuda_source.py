"""The source of CUDA without a `[cuda]` table: wheels that can have it, else a toolkit."""

from __future__ import annotations

from rigspec.matrix.model import Matrix
from rigspec.resolve.problem.base_image import find_image_tag, find_rig_image
from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.requirements import uses_gpu
from rigspec.resolve.solver.search import find_newest
from rigspec.spec.models.rig import Rig

__all__ = ["build_problem", "build_problems"]

_PROVIDER = "provider"


def build_problem(rig: Rig, machine: str | None, matrix: Matrix) -> ProblemBuilder:
    """Return the problem of one machine.

    A framework whose wheels have CUDA as an extra gets it from them, if the spec does not say
    where CUDA comes from and a solution has it so.
    """
    if _has_cuda_extra(rig, machine, matrix):
        builder = ProblemBuilder(rig, machine, matrix, cuda_from_wheels=True)
        if find_newest(builder, builder.requirements) is not None:
            return builder
    return ProblemBuilder(rig, machine, matrix)


def build_problems(rig: Rig, machine: str | None, matrix: Matrix) -> tuple[ProblemBuilder, ...]:
    """Return the problem of a machine with each source of CUDA: a toolkit, then wheels."""
    toolkit = ProblemBuilder(rig, machine, matrix)
    if not _has_cuda_extra(rig, machine, matrix):
        return (toolkit,)
    return toolkit, ProblemBuilder(rig, machine, matrix, cuda_from_wheels=True)


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
