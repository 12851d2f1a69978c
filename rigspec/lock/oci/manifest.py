"""The parts of an image: its digest, its manifests, its blobs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, model_validator

from rigspec.lock.errors import index_failure
from rigspec.lock.oci.client import (
    FetchedManifest,
    ImageNotFound,
    Registry,
    RegistryError,
    get_platform,
    open_registry,
)
from rigspec.spec.image_reference import ImageReference

__all__ = [
    "Blob",
    "ImageContents",
    "OtherPlatform",
    "compute_digest",
    "fetch_blob",
    "fetch_manifest",
]


class OtherPlatform(Exception):
    """The image is not for the machine; the text lists its platforms."""


@dataclass(frozen=True)
class Blob:
    """The configuration of an image or a layer of it, by ``sha256:…`` and its bytes' number."""

    digest: str
    size: int


@dataclass(frozen=True)
class ImageContents:
    """An image of one platform. The first of the manifests is the one that a lock's digest names;
    where that is an index, the platform's own follows.
    """

    manifests: tuple[FetchedManifest, ...]
    blobs: tuple[Blob, ...]


def compute_digest(image: ImageReference, arch: str) -> str:
    """Return the digest of a reference: of the index where the image has several platforms.

    Raises RegistryError, ImageNotFound, OtherPlatform, and LockError for an answer whose digest
    does not match.
    """
    with open_registry(image) as registry:
        return _select(registry, image, arch)[0].digest


def fetch_manifest(image: ImageReference, arch: str) -> ImageContents:
    """Return the parts of an image for this processor. Raises OtherPlatform, LockError."""
    try:
        with open_registry(image) as registry:
            top, entry = _select(registry, image, arch)
            own = () if entry is None else (registry.manifest(entry.digest, entry.digest),)
            manifests = (top, *own)
            manifest = registry.read(_Manifest, manifests[-1])
            if manifest.config is None:
                raise registry.failure("an index in place of an image")
            parts = dict.fromkeys((manifest.config, *manifest.layers))
            return ImageContents(manifests, tuple(Blob(part.digest, part.size) for part in parts))
    except (RegistryError, ImageNotFound) as error:
        raise _not_found(image, error) from None


def fetch_blob(image: ImageReference, blob: Blob, to: Path) -> None:
    """Fetch a blob of an image to a file: the correct bytes, or no file. Raises LockError."""
    part = to.with_name(f"{to.name}.part")
    try:
        with open_registry(image) as registry, open(part, "wb") as file:
            registry.write_blob(blob.digest, blob.size, file)
        os.replace(part, to)
    except (RegistryError, ImageNotFound) as error:
        raise _not_found(image, error) from None
    finally:
        part.unlink(missing_ok=True)


def _not_found(image: ImageReference, error: RegistryError | ImageNotFound) -> Exception:
    why = str(error) or "not in its registry"
    return index_failure(f"the image {image}", why)


class _Platform(BaseModel, frozen=True):
    """Also the configuration of an image, which begins with the same two fields."""

    os: str = ""
    architecture: str = ""

    @property
    def name(self) -> str:
        return f"{self.os}/{self.architecture}"


class _Entry(BaseModel, frozen=True):
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    size: int = Field(ge=0)
    platform: _Platform | None = None


class _Manifest(BaseModel):
    """An index, which has ``manifests``, or the manifest of one image, which has ``config``."""

    schemaVersion: Literal[2]  # noqa: N815 - the specification's name
    manifests: tuple[_Entry, ...] | None = None
    config: _Entry | None = None
    layers: tuple[_Entry, ...] = ()

    @model_validator(mode="after")
    def _names_something(self) -> _Manifest:
        if self.manifests is None and self.config is None:
            raise ValueError("neither an index nor an image")
        return self


def _select(
    registry: Registry, image: ImageReference, arch: str
) -> tuple[FetchedManifest, _Entry | None]:
    """Return the manifest of a reference and, where it is an index, the platform's part of it."""
    received = registry.manifest(image.digest or image.tag or "latest", image.digest)
    manifest = registry.read(_Manifest, received)
    found: dict[str, _Entry | None] = {}
    if manifest.config is not None:
        config = registry.small_blob(manifest.config.digest)
        found[registry.read(_Platform, config).name] = None
    for entry in manifest.manifests or ():
        if entry.platform is not None:
            found.setdefault(entry.platform.name, entry)
    wanted = get_platform(arch)
    if wanted not in found:
        # Attestations are listed in an index as a separate platform.
        others = ", ".join(name for name in found if not name.startswith("unknown/"))
        raise OtherPlatform(f"it has no {wanted}, only {others or 'others'}")
    return received, found[wanted]
