"""Lint a toolkit requested from wheels against the CUDA version of the wheels."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.resolve.problem.model import KeyPath
from rigspec.spec.loader import LoadedSpec
from rigspec.version_specifiers import parse_alternative

__all__ = ["lint_wheel_cuda"]


def lint_wheel_cuda(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Report each environment with another CUDA version in its wheels than requested."""
    cuda = spec.rig.cuda
    if resolution is None or cuda is None or cuda.provider != "wheels" or cuda.toolkit is None:
        return
    requested = parse_alternative(cuda.toolkit)
    versions = {
        r.version for r in matrix.product("cuda").releases if requested.admits(None, r.version)
    }
    path: KeyPath = ("cuda", "toolkit")
    for env in resolution.envs:
        if env.cuda is None or any(
            _truncate(version, env.cuda) == env.cuda for version in versions
        ):
            continue
        frameworks = ", ".join(f"{pin.name} {pin.version}" for pin in env.frameworks)
        yield Diagnostic(
            code="RS243",
            severity=Severity.WARNING,
            message=f"the wheels of {env.name} ({frameworks}) include CUDA {env.cuda}, but the "
            f"spec requests CUDA {cuda.toolkit} from wheels",
            components=("cuda", *(pin.name for pin in env.frameworks)),
            spans=(
                spec.document.span(path, label=f"requests CUDA {cuda.toolkit}"),
                spec.document.span(("env", env.name), of="key", label=f"uses CUDA {env.cuda}"),
            ),
            help=(
                f'remove `toolkit` or set it to "{env.cuda}"; to install a system toolkit as well, '
                'set `provider = "nvidia"`',
            ),
        )


def _truncate(version: str, like: str) -> str:
    """Return the version with as many parts as ``like``."""
    return ".".join(version.split(".")[: like.count(".") + 1])
