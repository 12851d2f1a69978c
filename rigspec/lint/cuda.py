"""The toolkit that a spec wants from wheels, beside the CUDA that its wheels bring."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.resolve.problem.model import KeyPath
from rigspec.spec.loader import LoadedSpec
from rigspec.version_specifiers import parse_alternative

__all__ = ["wheel_cuda_lints"]


def wheel_cuda_lints(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """A warning for each environment whose wheels bring another CUDA than was asked for."""
    cuda = spec.rig.cuda
    if resolution is None or cuda is None or cuda.provider != "wheels" or cuda.toolkit is None:
        return
    asked = parse_alternative(cuda.toolkit)
    meant = {r.version for r in matrix.product("cuda").releases if asked.admits(None, r.version)}
    path: KeyPath = ("cuda", "toolkit")
    for env in resolution.envs:
        if env.cuda is None or any(_series(version, env.cuda) == env.cuda for version in meant):
            continue
        frameworks = ", ".join(f"{pin.name} {pin.version}" for pin in env.frameworks)
        yield Diagnostic(
            code="RS243",
            severity=Severity.WARNING,
            message=f"the wheels of {env.name} ({frameworks}) bring CUDA {env.cuda}; the spec asks "
            f"for CUDA {cuda.toolkit} from wheels",
            components=("cuda", *(pin.name for pin in env.frameworks)),
            spans=(
                spec.document.span(path, label=f"asks for CUDA {cuda.toolkit}"),
                spec.document.span(("env", env.name), of="key", label=f"gets CUDA {env.cuda}"),
            ),
            help=(
                f'leave `toolkit` out, or write "{env.cuda}"; for a toolkit of its own beside the '
                'wheels write `provider = "nvidia"`',
            ),
        )


def _series(version: str, like: str) -> str:
    """The version, as far as the other one is told."""
    return ".".join(version.split(".")[: like.count(".") + 1])
