"""The base image, by its digest."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.lint.lifecycle import list_image_alternatives
from rigspec.lock.errors import LockError
from rigspec.lock.model import LockedImage, LockedMachine, Unpinned
from rigspec.lock.oci.choice import choose_base_image
from rigspec.lock.oci.client import ImageNotFound, RegistryError, Unreachable, get_default_registry
from rigspec.lock.oci.manifest import OtherPlatform, compute_digest
from rigspec.lock.previous import IMAGE
from rigspec.matrix.images import load_image
from rigspec.matrix.model import Release
from rigspec.resolution import Resolution
from rigspec.resolve.problem.base_image import find_image_tag
from rigspec.spec.image_reference import REGISTRY, ImageReference
from rigspec.spec.models.rig import Rig

__all__ = ["BaseImageLocker", "Warn", "locate_image"]

# The registry of plain names, for a machine with rigs that do not set one.
_VARIABLE = "RIGSPEC_REGISTRY"

Warn = Callable[[Diagnostic], None]


def locate_image(image: ImageReference, rig: Rig) -> ImageReference:
    """Return the image on the registry to use: that of the spec, of the environment, or
    the default one. Raises LockError.
    """
    return image.with_registry(rig.mirrors.images or _configured() or get_default_registry())


@dataclass(frozen=True)
class BaseImageLocker:
    """The base images of a rig's machines. ``warn`` receives warnings.

    A registry that did not answer is not queried again, and no image is queried twice.
    """

    rig: Rig
    warn: Warn
    _silent: dict[str | None, str] = field(default_factory=dict)
    _digests: dict[tuple[ImageReference, str], str] = field(default_factory=dict)

    def add_image(self, machine: LockedMachine, previous: LockedImage | None) -> LockedMachine:
        """Return the machine with its base image, by the digest of the spec, registry or matrix.

        The image of the earlier lock (``previous``) stays as long as the registry has it. Raises
        LockError.
        """
        found = self._pin(machine.resolution, previous)
        if isinstance(found, Unpinned):
            image = LockedImage(choose_base_image(self.rig, machine.resolution).name)
            return replace(machine, image=image, unpinned=(*machine.unpinned, found))
        return replace(machine, image=found)

    def _pin(self, resolution: Resolution, previous: LockedImage | None) -> LockedImage | Unpinned:
        image = choose_base_image(self.rig, resolution)
        if image.digest is not None:
            return LockedImage(image.name, image.digest, "spec")
        tag = find_image_tag(self.rig)
        known = load_image(tag) if tag is not None else None
        chosen = self.rig.container is not None and self.rig.container.base is not None
        wanted = _Wanted(image, locate_image(image, self.rig), resolution.arch, known, chosen)
        if previous is not None and not _is_reusable(previous, wanted):
            previous = None
        return self._query(wanted, previous)

    def _query(self, wanted: _Wanted, previous: LockedImage | None) -> LockedImage | Unpinned:
        """Return the image as its registry has it, else as it is known without one."""
        try:
            if previous is not None and previous.digest and self._has(wanted, previous.digest):
                return previous
            digest = self._digest_of(wanted.requested, wanted.arch)
            return LockedImage(wanted.image.name, digest, "registry")
        except RegistryError as error:
            found = previous or wanted.from_matrix
            self.warn(_unreachable_warning(wanted, str(error), found))
            why = "no registry answered"
        except ImageNotFound:
            found = wanted.from_matrix
            still_there = wanted.digest is not None and self._still_has(wanted, wanted.digest)
            self.warn(_image_removed_warning(wanted, still_there))
            why = "not in its registry"
        if found is not None:
            return found
        reason = f"{why}, and the matrix has no digest of it"
        return Unpinned(f"base image {wanted.image.name}", reason, part=IMAGE)

    def _has(self, wanted: _Wanted, digest: str) -> bool:
        """Return whether the registry has these bytes. Raises RegistryError and LockError."""
        try:
            self._digest_of(replace(wanted.requested, digest=digest), wanted.arch)
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
                self._digests[image, arch] = compute_digest(image, arch)
            return self._digests[image, arch]
        except Unreachable as error:
            self._silent[image.host] = str(error)
            raise
        except OtherPlatform as error:
            raise LockError(_other_platform(image, str(error)), 1) from None


@dataclass(frozen=True)
class _Wanted:
    """An image as the spec names it, its registry, and its release in the matrix.

    ``chosen``: the spec names it; otherwise it is the distribution's own.
    """

    image: ImageReference
    requested: ImageReference
    arch: str
    known: Release | None
    chosen: bool

    @property
    def digest(self) -> str | None:
        """The digest in the matrix."""
        return self.known.get("digest") if self.known is not None else None

    @property
    def from_matrix(self) -> LockedImage | None:
        return LockedImage(self.image.name, self.digest, "matrix") if self.digest else None


def _is_reusable(previous: LockedImage, wanted: _Wanted) -> bool:
    if previous.reference != wanted.image.name or previous.pinned_by == "spec":
        return False
    # A digest that the matrix no longer gives was a mistake of the matrix.
    return previous.pinned_by != "matrix" or previous.digest == wanted.digest


def _configured() -> str | None:
    configured = os.environ.get(_VARIABLE) or None
    if configured is not None and re.fullmatch(REGISTRY, configured) is None:
        message = f"{_VARIABLE} is not a registry as an image begins with one"
        helped = ("write it as `registry.example.org:5000/folder`, without https://",)
        raise LockError(Diagnostic("RS512", Severity.ERROR, message, help=helped), 2)
    return configured


def _unreachable_warning(wanted: _Wanted, why: str, instead: LockedImage | None) -> Diagnostic:
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
        message=f"{wanted.requested.host} did not return the digest of {name} ({why}): {taken}",
        components=("image",),
        help=(
            "name a registry that can be reached under `[mirrors] images` or in "
            f"{_VARIABLE}, or write the digest into the spec: `{name}@sha256:…`",
        ),
    )


def _image_removed_warning(wanted: _Wanted, still_there: bool) -> Diagnostic:
    requested, known = wanted.requested, wanted.known
    message = (
        f"the registry {requested.host} has no image `{requested.path}:{requested.tag or 'latest'}`"
    )
    if still_there:
        message += ", but has it still by the digest that the matrix knows"
    reasons = [item.reason for item in known.availability] if known is not None else []
    own = "name an image that the registry has under `[container] base`"
    missing = f"manifest for {requested.name} not found: manifest unknown"
    return Diagnostic(
        code="RS512",
        severity=Severity.WARNING,
        message="; ".join([message, *reasons]),
        components=("image",),
        runtime_error=() if still_there else (missing,),
        help=list_image_alternatives(known) if wanted.chosen else (own,),
    )


def _other_platform(image: ImageReference, why: str) -> Diagnostic:
    return Diagnostic(
        code="RS513",
        severity=Severity.ERROR,
        message=f"the base image {image} is not for this machine: {why}",
        components=("image",),
        help=("name an image that is built for the machine's processor under `[container] base`",),
    )
