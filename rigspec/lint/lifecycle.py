"""Lint the life cycle of components: end of life, withdrawn, yanked or deleted releases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.matrix.images import list_image_tags, load_image
from rigspec.matrix.model import Availability, Matrix, Release
from rigspec.resolution import Resolution
from rigspec.resolve.problem.base_image import find_image_tag
from rigspec.resolve.problem.channels import list_channel_frameworks
from rigspec.resolve.problem.model import KeyPath
from rigspec.resolve.problem.requested_packages import list_requested_frameworks
from rigspec.spec.loader import LoadedSpec
from rigspec.version_specifiers import parse_alternative

__all__ = ["lint_availability", "lint_withdrawn", "list_image_alternatives"]

_REPOSITORY = "nvidia-repository"

# Packages of a toolkit or its libraries; `cuda-compat` intentionally targets another release.
_OF_A_RELEASE = re.compile(r"cuda(?:-toolkit|-runtime|-libraries|-libraries-dev)?-(\d+)-(\d+)")


def lint_availability(
    spec: LoadedSpec, machine: str | None, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Report ended systems, interpreters and drivers, withdrawn keys, and unversioned packages."""
    yield from _lint_system(spec, machine, matrix, resolution)
    if resolution is not None:
        yield from _lint_interpreters(spec, matrix, resolution)
        yield from _lint_driver(spec, machine, matrix, resolution)
        yield from _lint_toolkit_packages(spec, resolution)
    yield from _lint_repository_key(spec, matrix)
    yield from _lint_package_names(spec, matrix)


def _lint_system(
    spec: LoadedSpec, machine: str | None, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    if machine is None:
        return
    path: KeyPath = ("machine", machine, "os")
    request = parse_alternative(spec.rig.machine[machine].os or "*")
    systems = matrix.product("os")
    if resolution is not None:
        found = systems.find_release(resolution.os)
        matching = [found] if found is not None else []
    else:
        matching = [r for r in systems.releases if request.admits(r.family, r.version)]
    if len(matching) == 1:
        yield from _lint_end_of_life(spec, matrix, matching[0], "RS301", "os", path)


def _lint_interpreters(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution
) -> Iterator[Diagnostic]:
    for env in resolution.envs:
        series = ".".join(env.python.split(".")[:2])
        for release in matrix.product("python").releases:
            if release.get("series") == series:
                path: KeyPath = ("env", env.name, "python")
                yield from _lint_end_of_life(spec, matrix, release, "RS302", "python", path)


def _lint_driver(
    spec: LoadedSpec, machine: str | None, matrix: Matrix, resolution: Resolution
) -> Iterator[Diagnostic]:
    if resolution.driver is None:
        return
    for release in matrix.product("driver").list_releases(resolution.driver):
        path: KeyPath = ("machine", machine or "", "driver")
        yield from _lint_end_of_life(spec, matrix, release, "RS303", "driver", path)


def _lint_end_of_life(
    spec: LoadedSpec,
    matrix: Matrix,
    release: Release,
    code: str,
    component: str,
    path: KeyPath,
) -> Iterator[Diagnostic]:
    for ended in release.availability:
        if ended.day is not None and ended.day <= matrix.as_of:
            fact = _fact(release, ended)
            yield Diagnostic(
                code=code,
                severity=Severity.WARNING,
                message=fact.statement,
                components=(component,),
                spans=(spec.document.span(path),),
                facts=(fact,),
                help=_remedies(code, release),
            )


def _remedies(code: str, release: Release) -> tuple[str, ...]:
    if code == "RS301" and release.family not in _WITH_APT:
        return ("use a container with a supported OS",)
    return _REMEDIES.get(code, ())


# The systems with an archive of old releases that `[mirrors] apt` can name.
_WITH_APT = ("debian", "ubuntu")

# Remedies, by code.
_REMEDIES = {
    "RS301": (
        "point `[mirrors] apt` at the archive of old releases, or use a container with a "
        "supported OS",
    ),
    "RS302": (
        'use a supported Python, or build this one with `interpreter = "pyenv"` and do not expose '
        "it to the internet",
    ),
    "RS303": (
        "remove `driver`, or request a supported branch for the GPU (`rigspec matrix show driver`)",
    ),
}


def _fact(release: Release, ended: Availability) -> Fact:
    dated = f" on {ended.day.isoformat()}" if ended.day is not None else ""
    return Fact(
        id=f"{release.product}-{release.label}/{ended.kind}".replace(" ", "-").lower(),
        statement=f"{ended.reason}{dated}",
        sources=release.sources_of(ended.kind),
        confidence=release.confidence,
    )


def _lint_repository_key(spec: LoadedSpec, matrix: Matrix) -> Iterator[Diagnostic]:
    cuda = spec.rig.cuda
    if cuda is None or cuda.repository_key is None:
        return
    requested = cuda.repository_key.upper()
    current = [
        release.family or ""
        for release in matrix.product(_REPOSITORY).releases
        if not release.availability
    ]
    for release in matrix.product(_REPOSITORY).releases:
        if release.availability and requested.endswith(release.family or "\0"):
            ended = release.availability[0]
            yield Diagnostic(
                code="RS305",
                severity=Severity.WARNING,
                message=f"repository key {release.family} is withdrawn: {ended.reason}",
                components=("cuda",),
                spans=(spec.document.span(("cuda", "repository_key"), label="withdrawn"),),
                facts=(_fact(release, ended),),
                runtime_error=(f"NO_PUBKEY …{current[0]}; the repository is not signed",),
                help=(
                    f'remove `repository_key` or set it to "{current[0].lower()}"; rigspec '
                    "verifies the full fingerprint of the key",
                ),
            )


def _lint_toolkit_packages(spec: LoadedSpec, resolution: Resolution) -> Iterator[Diagnostic]:
    """Report packages of CUDA releases if none of them is the selected release."""
    cuda = spec.rig.cuda
    if cuda is None or cuda.packages is None or resolution.cuda is None:
        return
    selected = ".".join(resolution.cuda.split(".")[:2])
    named = [
        (index, name, f"{found[1]}.{found[2]}")
        for index, name in enumerate(cuda.packages)
        if (found := _OF_A_RELEASE.fullmatch(name)) is not None
    ]
    if any(release == selected for _, _, release in named):
        return
    for index, name, release in named:
        span_path: KeyPath = ("cuda", "packages", index)
        yield Diagnostic(
            code="RS309",
            severity=Severity.ERROR,
            message=f"the package `{name}` installs CUDA {release}, but the rig uses CUDA "
            f"{selected}",
            components=("cuda",),
            spans=(spec.document.span(span_path, label=f"installs CUDA {release}"),),
            help=(
                f"use `{name.removesuffix(release.replace('.', '-'))}"
                f'{selected.replace(".", "-")}`, set `toolkit` to "{release}", or '
                "remove `packages`",
            ),
        )


def _lint_package_names(spec: LoadedSpec, matrix: Matrix) -> Iterator[Diagnostic]:
    cuda = spec.rig.cuda
    if cuda is None or cuda.packages is None:
        return
    product = matrix.product(_REPOSITORY)
    for index, name in enumerate(cuda.packages):
        span_path: KeyPath = ("cuda", "packages", index)
        if name in product.unversioned_packages:
            yield Diagnostic(
                code="RS307",
                severity=Severity.WARNING,
                message=f"the package `{name}` has no version: it installs the newest toolkit and "
                f"driver, not CUDA {cuda.toolkit or 'of this rig'}",
                components=("cuda",),
                spans=(spec.document.span(span_path, label="no version"),),
                facts=(
                    Fact(
                        id=f"{_REPOSITORY}/{name}",
                        statement=f"`{name}` has no version in its name and depends on the newest "
                        "release; /usr/local/cuda then points to it as well",
                        sources=tuple(s for s in product.sources if "install cuda" in s.title),
                    ),
                ),
                runtime_error=("libcublas.so.9.0: cannot open shared object file",),
                help=("use a versioned name such as `cuda-toolkit-X-Y`, or remove `packages`",),
            )
        elif "." in name:
            yield Diagnostic(
                code="RS308",
                severity=Severity.WARNING,
                message=f"no package `{name}`: NVIDIA separates versions with dashes",
                components=("cuda",),
                spans=(
                    spec.document.span(span_path, label="apt reads this as a regular expression"),
                ),
                help=(
                    f"use `{name.replace('.', '-')}`; apt treats a name with a dot as a "
                    "pattern and installs every match",
                ),
            )


def lint_withdrawn(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Report a deleted or unsupported base image, and yanked releases."""
    yield from _lint_image(spec)
    for env in resolution.envs if resolution is not None else ():
        lines = {line.product: line for line in list_requested_frameworks(spec.rig.env[env.name])}
        from_channels = list_channel_frameworks(spec.rig.env[env.name])
        for pin, package in zip(env.frameworks, env.distributions, strict=True):
            if pin.name in from_channels:
                continue
            for release in matrix.product(pin.name).list_releases(pin.version):
                if (release.family or pin.name) == package.name.partition("[")[0]:
                    line = lines[pin.name]
                    path = ("env", env.name, line.table, line.key)
                    yield from _lint_yanked(spec, release, path)


def list_image_alternatives(image: Release | None) -> tuple[str, ...]:
    """Return the alternatives to a deleted image, which the matrix may know."""
    digest = image.get("digest") if image is not None else None
    if digest is None:
        return (_WITHOUT_IMAGE,)
    return (_WITHOUT_IMAGE, f"or pull nvidia/cuda@{digest} from a registry that still has it")


def _lint_image(spec: LoadedSpec) -> Iterator[Diagnostic]:
    tag = find_image_tag(spec.rig)
    if tag is None:
        return
    image = load_image(tag)
    span = spec.document.span(("container", "base"))
    if image is None:
        yield Diagnostic(
            code="RS304",
            severity=Severity.WARNING,
            message=f"unknown image `nvidia/cuda:{tag}`",
            components=("image",),
            spans=(span,),
            help=(*_suggest_tags(tag), *list_image_alternatives(None)),
        )
        return
    for ended in image.availability:
        last = f" (last listed on {ended.day.isoformat()})" if ended.day is not None else ""
        state = "was deleted" if ended.kind == "deleted" else "reached end of life"
        yield Diagnostic(
            code="RS304",
            severity=Severity.WARNING,
            message=f"the image `nvidia/cuda:{tag}` {state}{last}",
            components=("image",),
            spans=(span,),
            facts=(_withdrawn_fact(image, ended),),
            runtime_error=(f"manifest for nvidia/cuda:{tag} not found: manifest unknown",),
            help=list_image_alternatives(image),
        )


def _suggest_tags(tag: str) -> tuple[str, ...]:
    near = get_close_matches(tag, list_image_tags(tag), n=3)
    return (f"similar images: {', '.join(f'nvidia/cuda:{name}' for name in near)}",) if near else ()


_WITHOUT_IMAGE = (
    "remove `base` to build the same stack on a plain system image, from packages and files with "
    "recorded checksums"
)


def _lint_yanked(spec: LoadedSpec, release: Release, path: KeyPath) -> Iterator[Diagnostic]:
    for item in release.availability:
        if item.kind == "yanked":
            yield Diagnostic(
                code="RS306",
                severity=Severity.WARNING,
                message=f"{release.family or release.product} {release.version} was {item.reason}",
                components=(release.product,),
                spans=(spec.document.span(path),),
                facts=(_withdrawn_fact(release, item),),
                help=("use the previous or the next release",),
            )


def _withdrawn_fact(release: Release, item: Availability) -> Fact:
    name = f"{release.family or release.product}-{release.version}/{item.kind}"
    return Fact(name, item.reason, release.sources, release.confidence)
