"""Report libraries with GPU code that no rule covers, and libraries that pip compiles."""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.specifiers import SpecifierSet

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.lint.requested_releases import describe_request, includes_newest
from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.model import Condition, Matrix, Product, Rule
from rigspec.matrix.packages import RUST_COMPILERS, CompiledPackage, StubPackage
from rigspec.resolution import (
    EnvResolution,
    Resolution,
    has_other_cuda,
    suggest_same_cuda,
)
from rigspec.resolve.problem.base_image import has_unknown_image, suggest_image_with_compiler
from rigspec.resolve.problem.model import Candidate, matches_any
from rigspec.resolve.problem.requested_packages import RequestedPackage, list_requested_packages
from rigspec.resolve.problem.requirements import list_gpus
from rigspec.resolve.problem.written_versions import find_exact_version
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.models.rig import Rig
from rigspec.spec.package_sources import can_have_package, find_named_index, list_named_indexes
from rigspec.version_specifiers import NO_BUILD, normalize_name, parse_alternative

__all__ = ["lint_compiled", "lint_missing_compilers"]

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
                if _is_compiled(build, package.request, env.python) and not _is_from_named_index(
                    spec.rig, build, package
                ):
                    wanted = version or describe_request(package.request)
                    cuda = resolution.cuda or env.cuda
                    yield _note_source_build(spec, product, build, cuda, wanted, path)


def lint_missing_compilers(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution
) -> Iterator[Diagnostic]:
    """Report each library that pip compiles with a compiler that the rig does not install.

    Another package index than the public one may have wheels.
    """
    if spec.rig.mirrors.pypi is not None:
        return
    for env in resolution.envs:
        if spec.rig.env[env.name].manager != "venv":
            continue
        named = set(map(normalize_name, spec.rig.env[env.name].sources))
        for package in list_requested_packages(spec.rig.env[env.name]):
            name = PACKAGE_PREFIX + package.name
            for stub in matrix.product(name).stubs if name in matrix else ():
                if includes_newest(stub.versions, package.request) and not (
                    named.intersection(stub.packages)
                    or any(can_have_package(spec.rig, each) for each in stub.packages)
                ):
                    yield _report_stub(spec, package, stub, env)
            for build in matrix.product(name).source_builds if name in matrix else ():
                if (
                    _is_compiled(build, package.request, env.python)
                    and build.dependency.partition(" ")[0] not in named
                    and not _is_from_named_index(spec.rig, build, package)
                ):
                    yield from _lint_build(spec, resolution, env, package, build)


def _lint_build(
    spec: LoadedSpec,
    resolution: Resolution,
    env: EnvResolution,
    package: RequestedPackage,
    build: CompiledPackage,
) -> Iterator[Diagnostic]:
    """Report what a build needs and the rig lacks: a toolkit, that of its framework, and Rust."""
    needs_toolkit = build.toolkit in ("always", resolution.accelerator)
    lacks_toolkit = resolution.cuda is None and not has_unknown_image(spec.rig)
    if needs_toolkit and (lacks_toolkit or suggest_image_with_compiler(spec.rig) is not None):
        yield _report_missing_toolkit(spec, package, build, env)
    elif (
        needs_toolkit
        and build.framework
        and has_other_cuda(resolution, env)
        and not can_have_package(spec.rig, build.dependency or package.name)
    ):
        yield _report_other_cuda(spec, package, build, env, resolution)
    if build.rust and _lacks_rust(spec.rig, env.name):
        yield _report_missing_rust(spec, package, build, env)


def _is_from_named_index(rig: Rig, build: CompiledPackage, package: RequestedPackage) -> bool:
    """Return whether an index of the spec has the package, and may have a wheel of it."""
    name = build.dependency.partition(" ")[0] or package.name
    return find_named_index(list_named_indexes(rig), name) is not None


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


def _is_compiled(build: CompiledPackage, request: str, python: str) -> bool:
    """Return whether pip compiles the newest release that a request admits.

    A request for a build (`+cu122`) is for a wheel that another index or the project has.
    """
    if parse_alternative(request).build not in (None, NO_BUILD):
        return False
    if build.pythons is not None and python not in SpecifierSet(build.pythons):
        return False
    return includes_newest(build.versions, request)


def _note_source_build(
    spec: LoadedSpec,
    product: Product,
    build: CompiledPackage,
    cuda: str | None,
    version: str,
    path: tuple[str, ...],
) -> Diagnostic:
    name = product.name.removeprefix(PACKAGE_PREFIX)
    release = f"CUDA {'.'.join(cuda.split('.')[:2])}" if cuda else "torch's CUDA"
    return Diagnostic(
        code="RS256",
        severity=Severity.NOTE,
        message=build.statement.format(name=name, version=version, cuda=release),
        components=(product.name,),
        spans=(spec.document.span(path, label="no wheel"),),
        facts=(Fact(f"{name}/source_build", _describe(build), build.sources),),
    )


def _describe(build: CompiledPackage) -> str:
    if build.dependency:
        pythons = f" for Python {build.pythons}" if build.pythons else ""
        return f"the package index has no wheel of {build.dependency}{pythons}"
    versions = build.versions.removeprefix(f"+{NO_BUILD}").strip()
    releases = f"the releases {versions}" if versions else "any release"
    return f"the package index has no wheel of {releases}"


def _lacks_rust(rig: Rig, env: str) -> bool:
    """Return whether no package of the rig is a Rust compiler; a free Python may have a wheel."""
    packages = rig.system.packages if rig.system is not None else ()
    return RUST_COMPILERS.isdisjoint(packages) and not rig.env[env].has_free_python


def _report_missing_toolkit(
    spec: LoadedSpec, package: RequestedPackage, build: CompiledPackage, env: EnvResolution
) -> Diagnostic:
    release = f' = "{".".join(env.cuda.split(".")[:2])}"' if env.cuda else ""
    needed = "the CUDA toolkit: the installation would fail or lack the GPU code"
    help_ = f"add `[cuda]` with `toolkit{release}`"
    image = suggest_image_with_compiler(spec.rig)
    if image is not None:
        help_ = f'set `base` of `[container]` to "{image}", which has nvcc'
    return _report_missing(spec, package, build, env, needed, (help_,), ("cuda",))


def _report_other_cuda(
    spec: LoadedSpec,
    package: RequestedPackage,
    build: CompiledPackage,
    env: EnvResolution,
    resolution: Resolution,
) -> Diagnostic:
    needed = (
        f"a toolkit of CUDA {env.cuda}, for which {build.framework} is built: the toolkit is CUDA "
        f"{resolution.cuda}, so the installation would fail"
    )
    return _report_missing(
        *(spec, package, build, env, needed),
        suggest_same_cuda(build.framework, resolution, env),
        ("cuda", build.framework),
    )


def _report_missing_rust(
    spec: LoadedSpec, package: RequestedPackage, build: CompiledPackage, env: EnvResolution
) -> Diagnostic:
    help_ = ['add "cargo" to `system.packages`']
    if build.pythons is not None:
        first = build.pythons.removeprefix(">=")
        help_.append(f"or set `python` of `{env.name}` to a release before {first}")
    needed = "a Rust compiler: the installation would fail"
    return _report_missing(spec, package, build, env, needed, tuple(help_), ())


def _report_stub(
    spec: LoadedSpec, package: RequestedPackage, stub: StubPackage, env: EnvResolution
) -> Diagnostic:
    path = ("env", env.name, package.table, package.key)
    version = find_exact_version(parse_alternative(package.request))
    label = package.name if version is None else f"{package.name} {version}"
    is_own = package.name in stub.packages
    verb = "is a stub" if is_own else "requires a stub"
    start = stub.packages[0].partition("-")[0]
    return Diagnostic(
        code="RS507",
        severity=Severity.ERROR,
        message=f"{label} {verb}: its build downloads a wheel from another index, which the lock "
        "cannot pin",
        components=(PACKAGE_PREFIX + package.name,),
        spans=(spec.document.span(path, label="downloads a wheel"),),
        help=(f'add `[index.NAME]` with `url = "{stub.index}"` and `packages = ["{start}*"]`',),
        facts=(Fact(f"{package.name}/stub", stub.statement, stub.sources),),
    )


def _report_missing(
    spec: LoadedSpec,
    package: RequestedPackage,
    build: CompiledPackage,
    env: EnvResolution,
    needed: str,
    help_: tuple[str, ...],
    components: tuple[str, ...],
) -> Diagnostic:
    path = ("env", env.name, package.table, package.key)
    version = find_exact_version(parse_alternative(package.request))
    label = package.name if version is None else f"{package.name} {version}"
    if build.dependency:
        label = f"{build.dependency}, which {label} requires,"
    return Diagnostic(
        code="RS507",
        severity=Severity.ERROR,
        message=f"{label} has no wheel for `{env.name}` on the package index, and its build needs "
        f"{needed}",
        components=(PACKAGE_PREFIX + package.name, *components),
        spans=(spec.document.span(path, label="built from source"),),
        help=help_,
        facts=(Fact(f"{package.name}/source_build", _describe(build), build.sources),),
    )
