"""The base images of a lock, as OCI layouts that container tools read as `oci:FOLDER`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from rigspec.bundle.model import BundleFile, BundlePart, GeneratedFile, MissingItem
from rigspec.lock.model import LockedMachine
from rigspec.lock.oci.base_image import locate_image
from rigspec.lock.oci.manifest import Blob, ImageContents, fetch_blob, fetch_manifest
from rigspec.lock.previous import IMAGE
from rigspec.spec.image_reference import ImageReference
from rigspec.spec.models.rig import Rig

__all__ = ["fetch_images_part"]

_FOLDER = "images"
_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}\n'


def fetch_images_part(rig: Rig, machines: Iterable[LockedMachine]) -> BundlePart:
    """Return the base images of a rig with a `[container]` table.

    Raises:
        LockError: The registry failed.

    """
    if rig.container is None:
        return BundlePart()
    files: list[BundleFile] = []
    generated: list[GeneratedFile] = []
    missing: list[MissingItem] = []
    for machine in machines:
        if machine.image is None or machine.image.digest is None:
            why = next((u.reason for u in machine.unpinned if u.part == IMAGE), "not locked")
            missing.append(MissingItem("the base image", why))
            continue
        named = ImageReference.parse(machine.image.reference)
        pinned = replace(named, digest=machine.image.digest)
        source = locate_image(pinned, rig)
        contents = fetch_manifest(source, machine.resolution.arch)
        folder = f"{_FOLDER}/{pinned.path.replace('/', '-')}-{pinned.tag or 'latest'}"
        files += [_blob_file(source, blob, folder) for blob in contents.blobs]
        generated += _layout_files(contents, folder, pinned)
    return BundlePart(tuple(files), tuple(dict.fromkeys(generated)), tuple(dict.fromkeys(missing)))


def _blob_file(image: ImageReference, blob: Blob, folder: str) -> BundleFile:
    digest = blob.digest.removeprefix("sha256:")
    path = f"{folder}/blobs/sha256/{digest}"
    return BundleFile(path, digest, partial(fetch_blob, image, blob))


def _layout_files(
    contents: ImageContents, folder: str, image: ImageReference
) -> list[GeneratedFile]:
    """Return the files of the OCI image layout other than layers and configuration."""
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
