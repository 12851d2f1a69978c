"""The base image, by its digest."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.lock.failures import LockFailure
from rigspec.lock.model import LockedImage, LockedMachine, Unpinned
from rigspec.lock.registry import (
    NoAnswer,
    NoSuchImage,
    OtherPlatform,
    digest_of,
    plain_registry,
)
from rigspec.matrix.load import load_image
from rigspec.matrix.model import Release
from rigspec.resolution import Resolution
from rigspec.resolve.base_image import base_image
from rigspec.resolve.claims import image_tag
from rigspec.resolve.withdrawn import image_repairs
from rigspec.spec.image import REGISTRY, ImageReference
from rigspec.spec.model import Rig

__all__ = ["Tell", "with_base_image"]

# Where plain names stand, for a machine whose rigs do not say.
_VARIABLE = "RIGSPEC_REGISTRY"

Tell = Callable[[Diagnostic], None]


def with_base_image(
    machine: LockedMachine, rig: Rig, kept: LockedImage | None, tell: Tell
) -> LockedMachine:
    """The machine with its base image, by the spec's digest, its registry's, or the matrix's.

    What it was locked at before (``kept``) stays as long as the registry has it. ``tell`` gets the
    warnings. Raises LockFailure.
    """
    found = _pinned(rig, machine.resolution, kept, tell)
    if isinstance(found, Unpinned):
        return replace(machine, unpinned=(*machine.unpinned, found))
    return replace(machine, image=found)


def _pinned(
    rig: Rig, resolution: Resolution, kept: LockedImage | None, tell: Tell
) -> LockedImage | Unpinned:
    image = base_image(rig, resolution)
    if image.digest is not None:
        return LockedImage(image.name, image.digest, "spec")
    tag = image_tag(rig)
    known = load_image(tag) if tag is not None else None
    asked = image.under(rig.mirrors.images or _configured() or plain_registry())
    chosen = rig.container is not None and rig.container.base is not None
    wanted = _Wanted(image, asked, resolution.arch, known, chosen)
    if kept is not None and not _may_stay(kept, wanted):
        kept = None
    return _answered(wanted, kept, tell)


@dataclass(frozen=True)
class _Wanted:
    """An image as the spec names it, where it is asked for, and what the matrix knows of it.

    ``chosen``: the spec names it; otherwise it is the distribution's own.
    """

    image: ImageReference
    asked: ImageReference
    arch: str
    known: Release | None
    chosen: bool

    @property
    def digest(self) -> str | None:
        """The digest that the matrix has."""
        return self.known.figure("digest") if self.known is not None else None

    @property
    def from_matrix(self) -> LockedImage | None:
        return LockedImage(self.image.name, self.digest, "matrix") if self.digest else None


def _may_stay(kept: LockedImage, wanted: _Wanted) -> bool:
    if kept.reference != wanted.image.name or kept.pinned_by == "spec":
        return False
    # A digest that the matrix no longer gives was a mistake of the matrix.
    return kept.pinned_by != "matrix" or kept.digest == wanted.digest


def _configured() -> str | None:
    configured = os.environ.get(_VARIABLE) or None
    if configured is not None and re.fullmatch(REGISTRY, configured) is None:
        message = f"{_VARIABLE} is not a registry as an image begins with one"
        helped = ("write it as `registry.example.org:5000/folder`, without https://",)
        raise LockFailure(Diagnostic("RS512", Severity.ERROR, message, help=helped), 2)
    return configured


def _answered(wanted: _Wanted, kept: LockedImage | None, tell: Tell) -> LockedImage | Unpinned:
    """The image as its registry has it; where none answers, as it is known without one."""
    try:
        if kept is not None and _has(wanted, kept.digest):
            return kept
        digest = _digest_of(wanted.asked, wanted.arch)
        return LockedImage(wanted.image.name, digest, "registry")
    except NoAnswer as error:
        found = kept or wanted.from_matrix
        tell(_not_told(wanted, str(error), found))
        why = "no registry answered"
    except NoSuchImage:
        found = wanted.from_matrix
        tell(_gone(wanted, found is not None and _still_has(wanted, found.digest)))
        why = "its registry does not have it"
    if found is not None:
        return found
    reason = f"{why}, and the matrix has no digest of it"
    return Unpinned(f"base image {wanted.image.name}", reason, part="image")


def _has(wanted: _Wanted, digest: str) -> bool:
    """Whether the registry has these very bytes. Raises NoAnswer and LockFailure."""
    try:
        _digest_of(replace(wanted.asked, digest=digest), wanted.arch)
    except NoSuchImage:
        return False
    return True


def _still_has(wanted: _Wanted, digest: str) -> bool:
    try:
        return _has(wanted, digest)
    except NoAnswer:
        return False


def _digest_of(image: ImageReference, arch: str) -> str:
    try:
        return digest_of(image, arch)
    except OtherPlatform as error:
        raise LockFailure(_other_platform(image, str(error)), 1) from None


def _not_told(wanted: _Wanted, why: str, instead: LockedImage | None) -> Diagnostic:
    if instead is None:
        taken = "it stays unpinned"
    elif instead.pinned_by == "matrix":
        taken = f"the matrix's is taken, {instead.digest}"
    else:
        taken = "what was locked before stays"
    name = wanted.image.name
    return Diagnostic(
        code="RS512",
        severity=Severity.WARNING,
        message=f"{wanted.asked.host} did not tell the digest of {name} ({why}): {taken}",
        between=("image",),
        help=(
            "name a registry that can be reached under `[mirrors] images` or in "
            f"{_VARIABLE}, or write the digest into the spec: `{name}@sha256:…`",
        ),
    )


def _gone(wanted: _Wanted, still_there: bool) -> Diagnostic:
    asked, known = wanted.asked, wanted.known
    message = f"the registry {asked.host} has no image `{asked.path}:{asked.tag or 'latest'}`"
    if still_there:
        message += ", but has it still by the digest that the matrix knows"
    reasons = [item.reason for item in known.availability] if known is not None else []
    own = "name an image that the registry has under `[container] base`"
    missing = f"manifest for {asked.name} not found: manifest unknown"
    return Diagnostic(
        code="RS512",
        severity=Severity.WARNING,
        message="; ".join([message, *reasons]),
        between=("image",),
        breaks=() if still_there else (missing,),
        help=image_repairs(known) if wanted.chosen else (own,),
    )


def _other_platform(image: ImageReference, why: str) -> Diagnostic:
    return Diagnostic(
        code="RS513",
        severity=Severity.ERROR,
        message=f"the base image {image} is not for this machine: {why}",
        between=("image",),
        help=("name an image that is built for the machine's processor under `[container] base`",),
    )
