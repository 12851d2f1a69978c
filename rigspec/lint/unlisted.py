"""Report packages that the package index does not have, and what builds those of repositories."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.matrix.components import UNLISTED_PACKAGES
from rigspec.matrix.loader import find_package_owner
from rigspec.matrix.model import Matrix
from rigspec.matrix.packages import UnlistedPackage
from rigspec.resolution import Resolution
from rigspec.resolve.problem.requested_packages import RequestedPackage, list_requested_packages
from rigspec.resolve.problem.written_versions import find_exact_version
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.models.environment import PackageSource
from rigspec.spec.package_sources import can_have_package
from rigspec.spec.toml.document import KeyPath
from rigspec.version_specifiers import normalize_name, parse_alternative

__all__ = ["lint_source_builds", "lint_unlisted"]

_LOWER_OPERATORS = frozenset({">", ">=", "~=", "=="})


def lint_unlisted(
    spec: LoadedSpec, matrix: Matrix, *, is_installed: bool = True
) -> Iterator[Diagnostic]:
    """Yield an error for each line that no package index serves, and each framework from a source.

    Unless the rig ``is_installed``, such a line is a note: the package may be there already, or
    come from its repository. Another index than the public one may have the package, and so may a
    channel of conda.
    """
    for env_name, env in sorted(spec.rig.env.items()):
        for key in env.sources:
            if find_package_owner(key) is not None:
                yield _report_framework(spec, ("env", env_name, "packages", key))
    if UNLISTED_PACKAGES not in matrix or spec.rig.mirrors.pypi is not None:
        return
    known = {each.name: each for each in matrix.product(UNLISTED_PACKAGES).unlisted_packages}
    for env_name, env in sorted(spec.rig.env.items()):
        for package in list_requested_packages(env) if env.manager == "venv" else ():
            unlisted = known.get(package.name)
            if unlisted is None or can_have_package(spec.rig, package.name):
                continue
            if _is_about(unlisted, package):
                path = ("env", env_name, package.table, package.key)
                severity = Severity.ERROR if is_installed else Severity.NOTE
                yield _report_unlisted(spec, package, unlisted, path, severity)


def lint_source_builds(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution
) -> Iterator[Diagnostic]:
    """Report each package of a repository whose build needs a CUDA toolkit that the rig lacks."""
    if resolution.cuda is not None or UNLISTED_PACKAGES not in matrix:
        return
    known = {each.name: each for each in matrix.product(UNLISTED_PACKAGES).unlisted_packages}
    for env in resolution.envs:
        for key, source in sorted(spec.rig.env[env.name].sources.items()):
            unlisted = known.get(normalize_name(key))
            if unlisted is None or _is_wheel(source):
                continue
            if unlisted.toolkit not in ("always", resolution.accelerator):
                continue
            release = f' = "{".".join(env.cuda.split(".")[:2])}"' if env.cuda else ""
            path = ("env", env.name, "packages", key)
            yield Diagnostic(
                code="RS507",
                severity=Severity.ERROR,
                message=f"{key} is built from source, and its build needs the CUDA toolkit: the "
                "installation would fail or lack the GPU code",
                components=("cuda",),
                spans=(spec.document.span(path, label="built from source"),),
                help=(f"add `[cuda]` with `toolkit{release}`",),
                facts=(Fact(f"{key}/source_build", unlisted.statement, unlisted.sources),),
            )


def _is_wheel(source: PackageSource) -> bool:
    return source.url is not None and source.url.endswith(".whl")


def _is_about(unlisted: UnlistedPackage, package: RequestedPackage) -> bool:
    """Return whether no release of the index serves a request; a named build is from elsewhere."""
    request = parse_alternative(package.request)
    if request.build is not None:
        return False
    if unlisted.versions in ("", "*"):
        return True
    refused = parse_alternative(unlisted.versions)
    exact = find_exact_version(request)
    if exact is not None:
        return refused.admits(None, exact)
    bounds = (each for each in request.versions or () if each.operator in _LOWER_OPERATORS)
    return any(refused.admits(None, each.version.removesuffix(".*")) for each in bounds)


def _report_unlisted(
    spec: LoadedSpec,
    package: RequestedPackage,
    unlisted: UnlistedPackage,
    path: KeyPath,
    severity: Severity,
) -> Diagnostic:
    return Diagnostic(
        code="RS258",
        severity=severity,
        message=f"{unlisted.statement}: `{package.key}` cannot be installed by its version",
        components=(package.name,),
        spans=(spec.document.span(path, label="not on the package index"),),
        facts=(Fact(f"{package.name}/index", unlisted.statement, unlisted.sources),),
        help=tuple(_list_repairs(package, unlisted)),
    )


def _list_repairs(package: RequestedPackage, unlisted: UnlistedPackage) -> Iterator[str]:
    file = f'`{package.key} = {{ url = "https://…", sha256 = "…" }}`'
    if unlisted.repository is None:
        yield f"build a wheel of the project, and name it: {file}"
    elif unlisted.submodules or unlisted.rev is None:
        yield (
            f"build a wheel of {unlisted.repository}, whose archives lack its git submodules, and "
            f"name it: {file}"
        )
    else:
        keys = {
            "git": unlisted.repository,
            "rev": unlisted.rev,
            "subdirectory": unlisted.subdirectory,
            "version": unlisted.version,
        }
        written = ", ".join(f'{key} = "{value}"' for key, value in keys.items() if value)
        yield f"name a commit of its repository: `{package.key} = {{ {written} }}`"
        yield f"or build a wheel, and name it: {file}"


def _report_framework(spec: LoadedSpec, path: KeyPath) -> Diagnostic:
    key = path[-1]
    return Diagnostic(
        code="RS258",
        severity=Severity.ERROR,
        message=f"`{key}` is a framework, which a source cannot replace: its CUDA and GPUs would "
        "be unknown",
        spans=(spec.document.span(path, label="from a source"),),
        help=(
            f'write its version, or a build of another index: `{key} = {{ version = "…", build = '
            '"…" }`',
        ),
    )
