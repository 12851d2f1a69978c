"""Can it still be had, and does anybody still mend it?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.matrix.loader import list_image_tags, load_image
from rigspec.matrix.model import Availability, Matrix, Release
from rigspec.resolution import Resolution
from rigspec.resolve.problem.model import KeyPath
from rigspec.resolve.problem.requirements import image_tag, requested_frameworks
from rigspec.spec.loader import LoadedSpec
from rigspec.version_specifiers import parse_alternative

__all__ = ["availability_advice", "image_repairs", "withdrawn_lints"]

_REPOSITORY = "nvidia-repository"

# What brings a toolkit or its libraries; `cuda-compat` is for another release on purpose.
_OF_A_RELEASE = re.compile(r"cuda(?:-toolkit|-runtime|-libraries|-libraries-dev)?-(\d+)-(\d+)")


def availability_advice(
    spec: LoadedSpec, machine: str | None, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Ended systems, interpreters and driver branches; withdrawn keys; names that move."""
    yield from _system(spec, machine, matrix, resolution)
    if resolution is not None:
        yield from _interpreters(spec, matrix, resolution)
        yield from _driver(spec, machine, matrix, resolution)
        yield from _other_toolkit(spec, resolution)
    yield from _repository_key(spec, matrix)
    yield from _package_names(spec, matrix)


def _system(
    spec: LoadedSpec, machine: str | None, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    if machine is None:
        return
    path: KeyPath = ("machine", machine, "os")
    asked = parse_alternative(spec.rig.machine[machine].os)
    releases = matrix.product("os").releases
    if resolution is not None:
        meant = [release for release in releases if release.label == resolution.os]
    else:
        meant = [release for release in releases if asked.admits(release.family, release.version)]
    if len(meant) == 1:
        yield from _ended(spec, matrix, meant[0], "RS301", "os", path)


def _interpreters(spec: LoadedSpec, matrix: Matrix, resolution: Resolution) -> Iterator[Diagnostic]:
    for env in resolution.envs:
        series = ".".join(env.python.split(".")[:2])
        for release in matrix.product("python").releases:
            if release.get("series") == series:
                path: KeyPath = ("env", env.name, "python")
                yield from _ended(spec, matrix, release, "RS302", "python", path)


def _driver(
    spec: LoadedSpec, machine: str | None, matrix: Matrix, resolution: Resolution
) -> Iterator[Diagnostic]:
    if resolution.driver is None:
        return
    for release in matrix.product("driver").releases:
        if release.version == resolution.driver:
            path: KeyPath = ("machine", machine or "", "driver")
            yield from _ended(spec, matrix, release, "RS303", "driver", path)


def _ended(
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
                help=_AROUND.get(code, ()),
            )


# Ways round what has ended, by code.
_AROUND = {
    "RS301": (
        "its packages move to the distribution's archive of old releases: name that under "
        "`[mirrors] apt`, or run the rig in a container on a system that is still kept",
    ),
    "RS302": (
        'its source archive and checksum are kept: `interpreter = "pyenv"` builds it; keep what '
        "runs on it off the open network",
    ),
    "RS303": (
        "leave the branch out, or ask for one that is kept and still serves the card: `rigspec "
        "matrix show driver`",
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


def _repository_key(spec: LoadedSpec, matrix: Matrix) -> Iterator[Diagnostic]:
    cuda = spec.rig.cuda
    if cuda is None or cuda.repository_key is None:
        return
    asked = cuda.repository_key.upper()
    current = [
        release.family or ""
        for release in matrix.product(_REPOSITORY).releases
        if not release.availability
    ]
    for release in matrix.product(_REPOSITORY).releases:
        if release.availability and asked.endswith(release.family or "\0"):
            ended = release.availability[0]
            yield Diagnostic(
                code="RS305",
                severity=Severity.WARNING,
                message=f"repository key {release.family} is withdrawn: {ended.reason}",
                components=("cuda",),
                spans=(spec.document.span(("cuda", "repository_key"), label="withdrawn"),),
                facts=(_fact(release, ended),),
                runtime_error=(f"NO_PUBKEY; the repository is not signed (it wants {current[0]})",),
                help=(
                    f'leave `repository_key` out, or set it to "{current[0].lower()}"; '
                    "rigspec checks the key by its whole fingerprint",
                ),
            )


def _other_toolkit(spec: LoadedSpec, resolution: Resolution) -> Iterator[Diagnostic]:
    """Packages of CUDA releases, none of which is the one that was decided."""
    cuda = spec.rig.cuda
    if cuda is None or cuda.packages is None or resolution.cuda is None:
        return
    decided = ".".join(resolution.cuda.split(".")[:2])
    named = [
        (index, name, f"{found[1]}.{found[2]}")
        for index, name in enumerate(cuda.packages)
        if (found := _OF_A_RELEASE.fullmatch(name)) is not None
    ]
    if any(release == decided for _, _, release in named):
        return
    for index, name, release in named:
        span_path: KeyPath = ("cuda", "packages", index)
        yield Diagnostic(
            code="RS309",
            severity=Severity.ERROR,
            message=f"the package `{name}` brings CUDA {release}, and the rig is decided for CUDA "
            f"{decided}",
            components=("cuda",),
            spans=(spec.document.span(span_path, label=f"brings CUDA {release}"),),
            help=(
                f"write `{name.removesuffix(release.replace('.', '-'))}"
                f"{decided.replace('.', '-')}`, set `toolkit` to {release}, or leave `packages` "
                "to rigspec",
            ),
        )


def _package_names(spec: LoadedSpec, matrix: Matrix) -> Iterator[Diagnostic]:
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
                message=f"the package `{name}` follows the newest release: it brings that "
                f"toolkit and driver, not CUDA {cuda.toolkit or 'of this rig'}",
                components=("cuda",),
                spans=(spec.document.span(span_path, label="names no version"),),
                facts=(
                    Fact(
                        id=f"{_REPOSITORY}/{name}",
                        statement=f"`{name}` has no version in its name and is a link to the "
                        "newest; /usr/local/cuda then points there, too",
                        sources=tuple(s for s in product.sources if "install cuda" in s.title),
                    ),
                ),
                runtime_error=("libcublas.so.9.0: cannot open shared object file",),
                help=("name the release: `cuda-toolkit-X-Y`, or leave `packages` to rigspec",),
            )
        elif "." in name:
            yield Diagnostic(
                code="RS308",
                severity=Severity.WARNING,
                message=f"no package is called `{name}`: its versions are joined by dashes",
                components=("cuda",),
                spans=(spec.document.span(span_path, label="a regular expression to apt"),),
                help=(
                    f"write `{name.replace('.', '-')}`; apt takes a name with a dot for a pattern "
                    "and installs whatever matches",
                ),
            )


def withdrawn_lints(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Warnings for a base image that is gone or will be, and for releases that were yanked."""
    yield from _image(spec)
    for env in resolution.envs if resolution is not None else ():
        lines = {asked.product: asked for asked in requested_frameworks(spec.rig.env[env.name])}
        for pin, package in zip(env.frameworks, env.distributions, strict=True):
            for release in matrix.product(pin.name).releases:
                same = release.version == pin.version
                if same and (release.family or pin.name) == package.name.partition("[")[0]:
                    asked = lines[pin.name]
                    place = ("env", env.name, asked.table, asked.key)
                    yield from _yanked(spec, release, place)


def image_repairs(image: Release | None) -> tuple[str, ...]:
    """What can be done about an image that is gone: ``image`` is what the matrix knows of it."""
    digest = image.get("digest") if image is not None else None
    if digest is None:
        return (_AROUND_WITHDRAWN,)
    return (_AROUND_WITHDRAWN, f"a registry that kept the image has it as nvidia/cuda@{digest}")


def _image(spec: LoadedSpec) -> Iterator[Diagnostic]:
    tag = image_tag(spec.rig)
    if tag is None:
        return
    image = load_image(tag)
    span = spec.document.span(("container", "base"))
    if image is None:
        yield Diagnostic(
            code="RS304",
            severity=Severity.WARNING,
            message=f"the matrix knows no image `nvidia/cuda:{tag}`",
            components=("image",),
            spans=(span,),
            help=(*_nearest(tag), *image_repairs(None)),
        )
        return
    for ended in image.availability:
        last = f"; last listed on {ended.day.isoformat()}" if ended.day is not None else ""
        gone = "is deleted" if ended.kind == "deleted" else "is past its end of life"
        yield Diagnostic(
            code="RS304",
            severity=Severity.WARNING,
            message=f"the image `nvidia/cuda:{tag}` {gone}{last}",
            components=("image",),
            spans=(span,),
            facts=(_withdrawn_fact(image, ended),),
            runtime_error=(f"manifest for nvidia/cuda:{tag} not found: manifest unknown",),
            help=image_repairs(image),
        )


def _nearest(tag: str) -> tuple[str, ...]:
    near = get_close_matches(tag, list_image_tags(tag), n=3)
    return (f"nearest known: {', '.join(f'nvidia/cuda:{name}' for name in near)}",) if near else ()


_AROUND_WITHDRAWN = (
    "leave `base` out: the same stack is then built from a plain system image, from packages and "
    "files with recorded checksums"
)


def _yanked(
    spec: LoadedSpec, release: Release, place: tuple[str | int, ...]
) -> Iterator[Diagnostic]:
    for item in release.availability:
        if item.kind == "yanked":
            yield Diagnostic(
                code="RS306",
                severity=Severity.WARNING,
                message=f"{release.family or release.product} {release.version} was {item.reason}",
                components=(release.product,),
                spans=(spec.document.span(place),),
                facts=(_withdrawn_fact(release, item),),
                help=("take the release before or after it",),
            )


def _withdrawn_fact(release: Release, item: Availability) -> Fact:
    name = f"{release.family or release.product}-{release.version}/{item.kind}"
    return Fact(name, item.reason, release.sources, release.confidence)
