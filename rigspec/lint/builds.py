"""Builds of frameworks that come from another index than the default one."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.hardware.machine_context import build_fact
from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.model import Matrix
from rigspec.resolution import Build, EnvResolution, Resolution
from rigspec.resolve.problem.channels import list_channel_frameworks
from rigspec.resolve.problem.requested_packages import (
    list_requested_frameworks,
    list_requested_packages,
)
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.models.environment import Environment
from rigspec.spec.package_sources import find_named_index, list_named_indexes
from rigspec.version_specifiers import build_of, normalize_name, parse_alternative

__all__ = ["install_command", "lint_builds"]

# The channel whose CPU build conda takes where it detects no driver.
_FORGE = "conda-forge"

# Packages that are published for each build of torch, at the index of that build.
_OF_TORCH = ("torchvision", "torchaudio")


def lint_builds(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Yield a note for each build of another index, and a warning for each index without use."""
    yield from _lint_unused_indexes(spec, matrix)
    indexes = list_named_indexes(spec.rig)
    for env in resolution.envs if resolution is not None else ():
        from_channels = list_channel_frameworks(spec.rig.env[env.name])
        lines = {line.product: line for line in list_requested_frameworks(spec.rig.env[env.name])}
        for build in env.builds:
            line = lines.get(build.framework)
            path = ("env", env.name, line.table, line.key) if line else ("env", env.name)
            if build.framework in from_channels:
                yield from _channel_build(spec, matrix, resolution, env, build, path)
                continue
            version = next(pin.version for pin in env.frameworks if pin.name == build.framework)
            # The spec has its index: nothing is left to do.
            package = build.requirement.partition("==")[0]
            if build_of(version) in spec.rig.index or find_named_index(indexes, package):
                continue
            yield _note_other_index(spec, env, build, path)
            if build.has_page_of_links:
                yield _warn_not_lockable(spec, build, build_of(version), path)


def _lint_unused_indexes(spec: LoadedSpec, matrix: Matrix) -> Iterator[Diagnostic]:
    """Yield a warning for each index that names no packages and is not that of a build."""
    unnamed = [name for name, index in spec.rig.index.items() if not index.packages]
    builds = set(_list_builds(spec, matrix)) if unnamed else set()
    for name in unnamed:
        if name in builds:
            continue
        yield Diagnostic(
            code="RS254",
            severity=Severity.WARNING,
            message=f"no package comes from the index `{name}`: it names none, and no requested "
            "package has a build of this name",
            spans=(spec.document.span(("index", name), of="key", label="not used"),),
            help=(f'add the packages that it has to `[index.{name}]`: `packages = ["…"]`',),
        )


def _list_builds(spec: LoadedSpec, matrix: Matrix) -> Iterator[str]:
    """Yield the builds of all packages that the rig requests, and those that it names."""
    for env in spec.rig.env.values():
        frameworks = {line.product: line.request for line in list_requested_frameworks(env)}
        requests = [*frameworks.values(), *(each.request for each in list_requested_packages(env))]
        for request in requests:
            yield parse_alternative(request).build or ""
        for product in frameworks:
            if product in matrix:
                yield from (build_of(each.version) for each in matrix.product(product).releases)


def _note_other_index(
    spec: LoadedSpec, env: EnvResolution, build: Build, path: tuple[str, ...]
) -> Diagnostic:
    cuda = f" for CUDA {build.cuda}" if build.cuda is not None else ""
    return Diagnostic(
        code="RS254",
        severity=Severity.NOTE,
        message=f"{build.requirement.replace('==', ' ')} is a build{cuda} that the default package "
        "index does not have",
        components=(build.framework,),
        spans=(spec.document.span(path, label=f"build {build.name or 'by its index'}"),),
        help=(f"install it with `{install_command(build, env, spec.rig.env[env.name])}`",),
    )


def _warn_not_lockable(
    spec: LoadedSpec, build: Build, name: str | None, path: tuple[str, ...]
) -> Diagnostic:
    """Return the warning that `lock` refuses the build as things are."""
    return Diagnostic(
        code="RS532",
        severity=Severity.WARNING,
        message=f"{build.requirement.replace('==', ' ')} cannot be locked: only a page of links "
        "without checksums has it",
        components=(build.framework,),
        spans=(spec.document.span(path, label=build.index),),
        help=(
            f'set `url` in `[index."{name}"]` to a package index that has the build',
            f"or request a release of {build.framework} that the default package index has for "
            "this machine",
        ),
    )


def _channel_build(
    spec: LoadedSpec,
    matrix: Matrix,
    resolution: Resolution | None,
    env: EnvResolution,
    build: Build,
    path: tuple[str, ...],
) -> Iterator[Diagnostic]:
    """Yield the command that installs a build of a conda channel, and where conda takes another."""
    package, channel = path[-1].lower(), build.index.split()[0]
    version = next(pin.version for pin in env.frameworks if pin.name == build.framework)
    options = " ".join(f"-c {name}" for name in build.index.split())
    kind = f"for CUDA {build.cuda}" if build.cuda is not None else "without CUDA"
    yield Diagnostic(
        code="RS254",
        severity=Severity.NOTE,
        message=f"{package} {version} is the build {kind} of the channel {channel}",
        components=(build.framework,),
        spans=(spec.document.span(path),),
        help=(f"install it with `conda install {build.requirement} {options}`",),
    )
    plain = channel == _FORGE and package == "pytorch"
    if plain and resolution is not None and resolution.accelerator == "gpu":
        yield Diagnostic(
            code="RS219",
            severity=Severity.WARNING,
            message=f"`pytorch` of {_FORGE} is the CPU build where conda detects no NVIDIA driver",
            components=(build.framework,),
            spans=(spec.document.span(path, label="no build requested"),),
            facts=tuple(_forge_facts(matrix)),
            runtime_error=("Torch not compiled with CUDA enabled",),
            help=("request `pytorch-gpu` instead of `pytorch`",),
        )


def _forge_facts(matrix: Matrix) -> Iterator[Fact]:
    """Yield why conda-forge has a CPU build where conda detects no driver."""
    releases = matrix.product("guidance").releases if "guidance" in matrix else ()
    for release in releases:
        if release.version == "conda-forge-pytorch":
            yield build_fact(release, release.get("statement") or "")


def install_command(build: Build, env: EnvResolution, spec: Environment) -> str:
    """Return the pip command that installs a build, with the packages that belong to it."""
    requirements = [build.requirement]
    own = f"{build.framework}=="
    if not build.requirement.startswith(own):
        pins = (pin for pin in env.distributions if pin.name.partition("[")[0] == build.framework)
        version = next(pins).version
        requirements = [f"{own}{version}", build.requirement]
    elif build.framework == "torch":
        requirements += _companions(env, spec)
    # pip still needs the default index in addition to a page of links.
    option = "--find-links" if build.has_page_of_links else "--index-url"
    where = f"{option} {build.index}"
    return f"pip install {' '.join(requirements)} {where}"


def _companions(env: EnvResolution, spec: Environment) -> Iterator[str]:
    """Yield torchvision and torchaudio as the spec requests them, or as torch requires them."""
    required = {c.partition("==")[0]: c for c in env.constraints if "==" in c}
    for package in list_requested_packages(spec):
        name = normalize_name(package.name.removeprefix(PACKAGE_PREFIX))
        if name in _OF_TORCH:
            versions = parse_alternative(package.request).versions
            yield required.get(name, f"{name}{versions or ''}")
