"""What its publisher took back: deleted images, yanked releases."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.matrix.load import image_tags, load_image
from rigspec.matrix.model import Availability, Matrix, Release
from rigspec.resolution import Resolution
from rigspec.resolve.claims import image_tag
from rigspec.resolve.frameworks import asked_frameworks
from rigspec.spec.load import LoadedSpec

__all__ = ["image_repairs", "withdrawn_lints"]


def withdrawn_lints(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Warnings for a base image that is gone or will be, and for releases that were yanked."""
    yield from _image(spec)
    for env in resolution.envs if resolution is not None else ():
        lines = {asked.product: asked for asked in asked_frameworks(spec.rig.env[env.name])}
        for pin, package in zip(env.frameworks, env.distributions, strict=True):
            for release in matrix.product(pin.name).releases:
                same = release.version == pin.version
                if same and (release.family or pin.name) == package.name.partition("[")[0]:
                    asked = lines[pin.name]
                    place = ("env", env.name, asked.table, asked.key)
                    yield from _yanked(spec, release, place)


def image_repairs(image: Release | None) -> tuple[str, ...]:
    """What can be done about an image that is gone: ``image`` is what the matrix knows of it."""
    digest = image.figure("digest") if image is not None else None
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
            between=("image",),
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
            between=("image",),
            spans=(span,),
            facts=(_withdrawn_fact(image, ended),),
            breaks=(f"manifest for nvidia/cuda:{tag} not found: manifest unknown",),
            help=image_repairs(image),
        )


def _nearest(tag: str) -> tuple[str, ...]:
    near = get_close_matches(tag, image_tags(tag), n=3)
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
                between=(release.product,),
                spans=(spec.document.span(place),),
                facts=(_withdrawn_fact(release, item),),
                help=("take the release before or after it",),
            )


def _withdrawn_fact(release: Release, item: Availability) -> Fact:
    name = f"{release.family or release.product}-{release.version}/{item.kind}"
    return Fact(name, item.reason, release.sources, release.confidence)
