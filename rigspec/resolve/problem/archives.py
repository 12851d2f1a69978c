"""Libraries that come as an archive: releases of which the matrix has none for the machine."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.matrix.model import Condition, Product, Release, Rule
from rigspec.resolve.problem.base_image import find_toolkit_image
from rigspec.resolve.problem.domains import Candidate
from rigspec.resolve.problem.model import BoundRule, RuleTable
from rigspec.spec.models.rig import Rig

__all__ = ["list_missing_archives"]

_CODE = "RS255"


def list_missing_archives(rig: Rig, product: Product, arch: str) -> Iterator[RuleTable]:
    """Yield the rules for releases without an archive for the architecture: another is required.

    None if the spec names an archive, or the base image has the library.
    """
    library = rig.cuda.cudnn if rig.cuda is not None else None
    if getattr(library, "url", None) is not None or product.name in find_toolkit_image(rig):
        return
    lacking = [
        release
        for release in product.releases
        if release.artifacts and release.find_artifact(arch) is None
    ]
    if lacking:
        rows = (_build_row(product, release, arch) for release in lacking)
        yield RuleTable(f"{product.name}/archive", tuple(rows))


def _build_row(product: Product, release: Release, arch: str) -> BoundRule:
    others = tuple(sorted({file.arch for file in release.artifacts if file.arch is not None}))
    chosen = (Candidate(None, release.version).exactly,)
    version, _, build = release.version.partition("+")
    rule = Rule(
        id=f"{product.name}-{release.version}/archive",
        table=f"{product.name}/archive",
        code=_CODE,
        when=(Condition(product.name, chosen),),
        requires=Condition("arch", others),
        statement=f"no archive of {product.title} {version} ({build}) for {arch} is known",
        failure_message="",
        sources=release.sources,
        confidence=release.confidence,
    )
    return BoundRule(rule, ((product.name, chosen),), ("arch", others))
