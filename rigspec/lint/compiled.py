"""Report libraries with GPU code that no rule covers, and libraries that pip compiles."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.model import CompiledPackage, Condition, Matrix, Product, Rule
from rigspec.resolution import EnvResolution, Resolution
from rigspec.resolve.problem.model import Candidate, matches_any
from rigspec.resolve.problem.requested_packages import RequestedPackage, list_requested_packages
from rigspec.resolve.problem.requirements import list_gpus
from rigspec.resolve.problem.written_versions import find_exact_version
from rigspec.spec.loader import LoadedSpec
from rigspec.version_specifiers import parse_alternative

__all__ = ["lint_compiled"]

_UPPER_BOUND = re.compile(r"<|==|~=")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def lint_compiled(
    spec: LoadedSpec, machine: str | None, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Yield a note for each library without a known answer, and for each that pip compiles."""
    if resolution is None:
        return
    has_gpu = resolution.accelerator == "gpu"
    capabilities = _list_capabilities(spec, machine, matrix) if has_gpu else ()
    for env in resolution.envs:
        for package in list_requested_packages(spec.rig.env[env.name]):
            name = PACKAGE_PREFIX + package.name
            if name not in matrix:
                continue
            product = matrix.product(name)
            version = find_exact_version(parse_alternative(package.request))
            path = ("env", env.name, package.table, package.key)
            unknown = [c for c in capabilities if not _is_covered(matrix, product, version, c)]
            if product.has_gpu_code and unknown:
                yield _note_unknown_code(spec, package, version, unknown, path)
            for build in product.source_builds:
                if _is_compiled(build, version, package.request):
                    wanted = version or package.request.replace("*", "(newest)")
                    yield _note_source_build(spec, product, build, env, wanted, path)


def _list_capabilities(spec: LoadedSpec, machine: str | None, matrix: Matrix) -> tuple[str, ...]:
    """Return the compute capabilities of the machine's GPUs that the spec or the matrix gives."""
    if machine is None:
        return ()
    found: dict[str, None] = {}
    for gpu in list_gpus(spec.rig.machine[machine]):
        if gpu.compute_capability is not None:
            found[gpu.compute_capability] = None
            continue
        part = gpu.part(matrix)
        for provided in part.implies if part is not None else ():
            if provided.component == "compute_capability":
                found.update(dict.fromkeys(text.lstrip("=") for text in provided.alternatives))
    return tuple(capability for capability in found if _NUMBER.fullmatch(capability))


def _is_covered(matrix: Matrix, product: Product, version: str | None, capability: str) -> bool:
    """Return whether a rule is about the code of this release for the capability."""
    return any(
        _covers(matrix, rule.requires, capability)
        for rule in product.rules
        if version is None or _is_about(rule, product.name, version)
    )


def _is_about(rule: Rule, name: str, version: str) -> bool:
    chosen = Candidate(None, version)
    return all(
        matches_any(condition.alternatives, chosen)
        for condition in rule.when
        if condition.component == name
    )


def _covers(matrix: Matrix, requires: Condition, capability: str) -> bool:
    """Return whether the condition is about GPUs as new as this one, or ties to one framework.

    A library that is compiled for one build of a framework has its CUDA, and code for its GPUs.
    """
    if requires.component == "cuda_runtime":
        return True
    if requires.component == "compute_capability":
        named = (number for text in requires.alternatives for number in _NUMBER.findall(text))
        return any(_major(number) >= _major(capability) for number in named)
    is_framework = (
        requires.component in matrix and matrix.product(requires.component).kind == "framework"
    )
    return is_framework and all(map(_is_one_series, requires.alternatives))


def _is_one_series(alternative: str) -> bool:
    return any(mark in alternative for mark in ("+cu", "==", "<", "~="))


def _major(number: str) -> int:
    return int(number.partition(".")[0])


def _note_unknown_code(
    spec: LoadedSpec,
    package: RequestedPackage,
    version: str | None,
    capabilities: list[str],
    path: tuple[str, ...],
) -> Diagnostic:
    label = package.name if version is None else f"{package.name} {version}"
    names = " and ".join(f"sm_{capability.replace('.', '')}" for capability in capabilities)
    return Diagnostic(
        code="RS252",
        severity=Severity.NOTE,
        message=f"not checked: whether {label} has code for {names}",
        spans=(spec.document.span(path),),
    )


def _is_compiled(build: CompiledPackage, version: str | None, request: str) -> bool:
    """Return whether pip compiles the release: without an exact version it takes the newest."""
    if version is not None:
        return parse_alternative(build.versions).admits(None, version)
    return not _UPPER_BOUND.search(build.versions) and not _UPPER_BOUND.search(request)


def _note_source_build(
    spec: LoadedSpec,
    product: Product,
    build: CompiledPackage,
    env: EnvResolution,
    version: str,
    path: tuple[str, ...],
) -> Diagnostic:
    name = product.name.removeprefix(PACKAGE_PREFIX)
    cuda = f"CUDA {env.cuda}" if env.cuda else "torch's CUDA"
    return Diagnostic(
        code="RS256",
        severity=Severity.NOTE,
        message=build.statement.format(name=name, version=version, cuda=cuda),
        components=(product.name,),
        spans=(spec.document.span(path, label="no wheel"),),
        facts=(Fact(f"{name}/source_build", _describe(build), build.sources),),
    )


def _describe(build: CompiledPackage) -> str:
    return f"the package index has no wheel of the releases {build.versions}"
