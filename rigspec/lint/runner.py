"""Run all lints of one machine."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic
from rigspec.hardware.gpu_indices import lint_user_gpus
from rigspec.hardware.machine_context import MachineContext
from rigspec.lint.accounts import lint_accounts
from rigspec.lint.blas import lint_blas, lint_nvblas
from rigspec.lint.builds import lint_builds
from rigspec.lint.compiled import lint_compiled
from rigspec.lint.cuda import lint_cuda_libraries, lint_wheel_cuda
from rigspec.lint.dyndns import lint_dyndns
from rigspec.lint.lifecycle import lint_availability, lint_withdrawn
from rigspec.lint.security import lint_security
from rigspec.lint.settings import lint_settings
from rigspec.lint.unverified import lint_unverified, lint_unverified_versions
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.machine_limits import limit_spec

__all__ = ["lint"]


def lint(
    spec: LoadedSpec,
    machine: str | None,
    matrix: Matrix,
    resolution: Resolution | None,
    likely: Resolution | None,
) -> Iterator[Diagnostic]:
    """Yield the diagnostics of all lints about one machine.

    Args:
        spec: The spec.
        machine: The machine; ``None`` if the rig has none.
        matrix: The matrix.
        resolution: The resolution, which lints about chosen versions need.
        likely: The resolution, or the result of the first repair of a conflict.
    """
    spec = limit_spec(spec, machine)
    yield from lint_availability(spec, machine, matrix, resolution)
    yield from lint_withdrawn(spec, matrix, resolution)
    yield from lint_settings(spec, matrix, likely)
    yield from lint_security(spec, machine)
    yield from lint_accounts(spec, matrix, likely)
    if machine is not None:
        yield from lint_user_gpus(MachineContext(spec, machine, matrix))
    yield from lint_blas(spec, matrix)
    yield from lint_nvblas(spec, resolution)
    yield from lint_wheel_cuda(spec, matrix, resolution)
    yield from lint_cuda_libraries(spec, matrix, resolution)
    yield from lint_dyndns(spec, matrix, likely)
    yield from lint_builds(spec, matrix, resolution)
    yield from lint_unverified_versions(spec, machine, matrix, resolution)
    yield from lint_compiled(spec, machine, matrix, resolution)
    yield from lint_unverified(spec, machine, matrix, resolution)
