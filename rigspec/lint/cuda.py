"""Lint the CUDA of wheels: another version than requested, and libraries that nothing installs."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.lint.requested_releases import describe_request, includes_newest
from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.model import Matrix
from rigspec.matrix.packages import CudaLibrary
from rigspec.resolution import EnvResolution, Resolution
from rigspec.resolve.problem.model import KeyPath
from rigspec.resolve.problem.requested_packages import RequestedPackage, list_requested_packages
from rigspec.spec.loader import LoadedSpec
from rigspec.version_specifiers import parse_alternative

__all__ = ["lint_cuda_libraries", "lint_wheel_cuda"]


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


def lint_cuda_libraries(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Report each package that loads a library of CUDA on a GPU which the rig does not install.

    Another framework of the environment may have it in its wheels.
    """
    if resolution is None or resolution.accelerator != "gpu":
        return
    for env in resolution.envs:
        if spec.rig.env[env.name].manager == "conda":
            continue
        packages = tuple(list_requested_packages(spec.rig.env[env.name]))
        names = {package.name for package in packages}
        releases = {(version or "").partition(".")[0] for version in (resolution.cuda, env.cuda)}
        for package in packages:
            name = PACKAGE_PREFIX + package.name
            for library in matrix.product(name).cuda_libraries if name in matrix else ():
                if (
                    library.cuda not in releases
                    and library.package not in names
                    and includes_newest(library.versions, package.request)
                ):
                    yield _report_missing_library(spec, env, package, library)


def _report_missing_library(
    spec: LoadedSpec, env: EnvResolution, package: RequestedPackage, library: CudaLibrary
) -> Diagnostic:
    path = ("env", env.name, package.table, package.key)
    version = describe_request(package.request)
    statement = library.statement.format(name=package.name, version=version)
    return Diagnostic(
        code="RS260",
        severity=Severity.WARNING,
        message=f"{package.name} {version} needs CUDA {library.cuda} to use the GPU, but the rig "
        "does not install it",
        components=(PACKAGE_PREFIX + package.name, "cuda"),
        spans=(spec.document.span(path, label=f"loads libraries of CUDA {library.cuda}"),),
        facts=(Fact(f"{package.name}/cuda_library", statement, library.sources),),
        runtime_error=(library.failure_message,),
        help=(
            f'add `[cuda]` with `toolkit = "{library.cuda}"`'
            if spec.rig.cuda is None
            else f'set `toolkit` of `[cuda]` to "{library.cuda}"',
        ),
    )


def _truncate(version: str, like: str) -> str:
    """Return the version with as many parts as ``like``."""
    return ".".join(version.split(".")[: like.count(".") + 1])
