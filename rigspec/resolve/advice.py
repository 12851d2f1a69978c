"""What is said beside a resolution: what is withdrawn, unkept, unread, unspoken or open."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic
from rigspec.hardware.declared import MachineContext
from rigspec.hardware.gpu_numbers import user_gpu_advice
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.resolve.accounts import account_advice, blas_advice
from rigspec.resolve.availability import availability_advice
from rigspec.resolve.cuda_in_wheels import wheel_cuda_lints
from rigspec.resolve.name_service import name_service_advice
from rigspec.resolve.nvblas import nvblas_advice
from rigspec.resolve.security import security_advice
from rigspec.resolve.settings import settings_advice
from rigspec.resolve.unknowns import unverified_notes
from rigspec.resolve.withdrawn import withdrawn_lints
from rigspec.spec.load import LoadedSpec

__all__ = ["lint"]


def lint(
    spec: LoadedSpec,
    machine: str | None,
    matrix: Matrix,
    resolution: Resolution | None,
    likely: Resolution | None,
) -> Iterator[Diagnostic]:
    """Every warning about one machine; those about chosen versions need its resolution.

    ``likely`` is the resolution, or what the first repair of a conflict resolves to.
    """
    yield from availability_advice(spec, machine, matrix, resolution)
    yield from withdrawn_lints(spec, matrix, resolution)
    yield from settings_advice(spec, matrix, likely)
    yield from security_advice(spec)
    yield from account_advice(spec, matrix, likely)
    if machine is not None:
        yield from user_gpu_advice(MachineContext(spec, machine, matrix))
    yield from blas_advice(spec, matrix)
    yield from nvblas_advice(spec, resolution)
    yield from wheel_cuda_lints(spec, matrix, resolution)
    yield from name_service_advice(spec, matrix, likely)
    yield from unverified_notes(spec, machine, matrix, resolution)
