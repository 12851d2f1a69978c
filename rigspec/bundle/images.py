"""The base images of a lock, each as an OCI layout that container tools read as `oci:FOLDER`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from rigspec.bundle.model import BundleFile, GeneratedFile, MissingItem, Part
from rigspec.lock.model import LockedMachine
from rigspec.lock.oci.base_image import located
from rigspec.lock.oci.manifest import Blob, ImageContents, fetch_blob, fetch_manifest
from rigspec.lock.previous import IMAGE
from rigspec.spec.image_reference import ImageReference
from rigspec.spec.models.rig import Rig

__all__ = ["images_part"]

_FOLDER = "images"
_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}\n'


def images_part(rig: Rig, machines: Iterable[LockedMachine]) -> Part:
    """The base images of a rig that is built as a container; none of any other.

    Raises LockError.
    """
    if rig.container is None:
        return Part()
    wanted: list[BundleFile] = []
    listings: list[GeneratedFile] = []
    absent: list[MissingItem] = []
    for machine in machines:
        if machine.image is None:
            why = next((u.reason for u in machine.unpinned if u.part == IMAGE), "it is not locked")
            absent.append(MissingItem("the base image", why))
            continue
        named = ImageReference.parse(machine.image.reference)
        pinned = replace(named, digest=machine.image.digest)
        asked = located(pinned, rig)
        contents = fetch_manifest(asked, machine.resolution.arch)
        folder = f"{_FOLDER}/{pinned.path.replace('/', '-')}-{pinned.tag or 'latest'}"
        wanted += [_wanted(asked, blob, folder) for blob in contents.blobs]
        listings += _layout(contents, folder, pinned)
    return Part(tuple(wanted), tuple(dict.fromkeys(listings)), tuple(dict.fromkeys(absent)))


def _wanted(image: ImageReference, blob: Blob, folder: str) -> BundleFile:
    digest = blob.digest.removeprefix("sha256:")
    path = f"{folder}/blobs/sha256/{digest}"
    return BundleFile(path, digest, partial(fetch_blob, image, blob))


def _layout(contents: ImageContents, folder: str, image: ImageReference) -> list[GeneratedFile]:
    """The small files of the OCI image layout around the blobs."""
    top = contents.manifests[0]
    entry = {
        "mediaType": top.media_type,
        "digest": top.digest,
        "size": len(top.data),
        "annotations": {"org.opencontainers.image.ref.name": image.tag or "latest"},
    }
    index = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    blobs = [
        GeneratedFile(f"{folder}/blobs/sha256/{hashlib.sha256(m.data).hexdigest()}", m.data)
        for m in contents.manifests
    ]
    return [
        GeneratedFile(f"{folder}/oci-layout", _LAYOUT),
        GeneratedFile(f"{folder}/index.json", index),
        *blobs,
    ]
