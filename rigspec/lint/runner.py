"""What is said beside a resolution: what is withdrawn, unkept, unread, unspoken or open."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic
from rigspec.hardware.gpu_indices import user_gpu_advice
from rigspec.hardware.machine_context import MachineContext
from rigspec.lint.accounts import account_advice, blas_advice
from rigspec.lint.blas import nvblas_advice
from rigspec.lint.cuda import wheel_cuda_lints
from rigspec.lint.dyndns import name_service_advice
from rigspec.lint.lifecycle import availability_advice, withdrawn_lints
from rigspec.lint.security import security_advice
from rigspec.lint.settings import settings_advice
from rigspec.lint.unverified import unverified_notes
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.spec.loader import LoadedSpec

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
