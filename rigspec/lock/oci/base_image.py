"""The base image, by its digest."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.lint.lifecycle import image_repairs
from rigspec.lock.errors import LockError
from rigspec.lock.model import LockedImage, LockedMachine, Unpinned
from rigspec.lock.oci.client import ImageNotFound, RegistryError, Unreachable, default_registry
from rigspec.lock.oci.manifest import OtherPlatform, digest_of
from rigspec.lock.previous import IMAGE
from rigspec.matrix.loader import load_image
from rigspec.matrix.model import Release
from rigspec.resolution import Resolution
from rigspec.resolve.problem.requirements import image_tag
from rigspec.spec.image_reference import REGISTRY, ImageReference
from rigspec.spec.models.rig import Rig

__all__ = ["BaseImageLocker", "Tell", "base_image", "located"]

# Where plain names stand, for a machine whose rigs do not say.
_VARIABLE = "RIGSPEC_REGISTRY"

Tell = Callable[[Diagnostic], None]


def located(image: ImageReference, rig: Rig) -> ImageReference:
    """An image where it is to be asked for: on the registry of the spec, of the environment, or
    the one that plain names stand on. Raises LockError.
    """
    return image.with_registry(rig.mirrors.images or _configured() or default_registry())


@dataclass(frozen=True)
class BaseImageLocker:
    """The base images of a rig's machines. ``tell`` gets the warnings.

    A registry that did not answer is not asked again, nor is an image asked for twice.
    """

    rig: Rig
    tell: Tell
    _silent: dict[str | None, str] = field(default_factory=dict)
    _digests: dict[tuple[ImageReference, str], str] = field(default_factory=dict)

    def added(self, machine: LockedMachine, kept: LockedImage | None) -> LockedMachine:
        """The machine with its base image, by the spec's digest, its registry's, or the matrix's.

        What it was locked at before (``kept``) stays as long as the registry has it. Raises
        LockError.
        """
        found = self._pinned(machine.resolution, kept)
        if isinstance(found, Unpinned):
            return replace(machine, unpinned=(*machine.unpinned, found))
        return replace(machine, image=found)

    def _pinned(self, resolution: Resolution, kept: LockedImage | None) -> LockedImage | Unpinned:
        image = base_image(self.rig, resolution)
        if image.digest is not None:
            return LockedImage(image.name, image.digest, "spec")
        tag = image_tag(self.rig)
        known = load_image(tag) if tag is not None else None
        chosen = self.rig.container is not None and self.rig.container.base is not None
        wanted = _Wanted(image, located(image, self.rig), resolution.arch, known, chosen)
        if kept is not None and not _may_stay(kept, wanted):
            kept = None
        return self._answered(wanted, kept)

    def _answered(self, wanted: _Wanted, kept: LockedImage | None) -> LockedImage | Unpinned:
        """The image as its registry has it; where none answers, as it is known without one."""
        try:
            if kept is not None and self._has(wanted, kept.digest):
                return kept
            digest = self._digest_of(wanted.asked, wanted.arch)
            return LockedImage(wanted.image.name, digest, "registry")
        except RegistryError as error:
            found = kept or wanted.from_matrix
            self.tell(_not_told(wanted, str(error), found))
            why = "no registry answered"
        except ImageNotFound:
            found = wanted.from_matrix
            self.tell(
                _image_removed_warning(
                    wanted, found is not None and self._still_has(wanted, found.digest)
                )
            )
            why = "its registry does not have it"
        if found is not None:
            return found
        reason = f"{why}, and the matrix has no digest of it"
        return Unpinned(f"base image {wanted.image.name}", reason, part=IMAGE)

    def _has(self, wanted: _Wanted, digest: str) -> bool:
        """Whether the registry has these very bytes. Raises RegistryError and LockError."""
        try:
            self._digest_of(replace(wanted.asked, digest=digest), wanted.arch)
        except ImageNotFound:
            return False
        return True

    def _still_has(self, wanted: _Wanted, digest: str) -> bool:
        try:
            return self._has(wanted, digest)
        except RegistryError:
            return False

    def _digest_of(self, image: ImageReference, arch: str) -> str:
        if image.host in self._silent:
            raise RegistryError(self._silent[image.host])
        try:
            if (image, arch) not in self._digests:
                self._digests[image, arch] = digest_of(image, arch)
            return self._digests[image, arch]
        except Unreachable as error:
            self._silent[image.host] = str(error)
            raise
        except OtherPlatform as error:
            raise LockError(_other_platform(image, str(error)), 1) from None


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
        return self.known.get("digest") if self.known is not None else None

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
        raise LockError(Diagnostic("RS512", Severity.ERROR, message, help=helped), 2)
    return configured


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
        components=("image",),
        help=(
            "name a registry that can be reached under `[mirrors] images` or in "
            f"{_VARIABLE}, or write the digest into the spec: `{name}@sha256:…`",
        ),
    )


def _image_removed_warning(wanted: _Wanted, still_there: bool) -> Diagnostic:
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
        components=("image",),
        runtime_error=() if still_there else (missing,),
        help=image_repairs(known) if wanted.chosen else (own,),
    )


def _other_platform(image: ImageReference, why: str) -> Diagnostic:
    return Diagnostic(
        code="RS513",
        severity=Severity.ERROR,
        message=f"the base image {image} is not for this machine: {why}",
        components=("image",),
        help=("name an image that is built for the machine's processor under `[container] base`",),
    )


def base_image(rig: Rig, resolution: Resolution) -> ImageReference:
    """The one that the spec names; otherwise the distribution's own, which is called as it is."""
    asked = rig.container.base if rig.container is not None else None
    return ImageReference.parse(asked or resolution.os.replace(" ", ":"))
