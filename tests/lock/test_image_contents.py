"""All the bytes of an image, fetched: another tool takes them for the image."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rigspec.lock.oci.client import FetchedManifest
from rigspec.lock.oci.manifest import fetch_blob, fetch_manifest
from rigspec.spec.image_reference import ImageReference
from tests.containers import Buildah


def described(manifest: FetchedManifest) -> dict[str, object]:
    size = len(manifest.data)
    return {"mediaType": manifest.media_type, "digest": manifest.digest, "size": size}


def layout(image: ImageReference, folder: Path) -> None:
    """An image as an OCI layout in a folder."""
    contents = fetch_manifest(image, "x86_64")
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for manifest in contents.manifests:
        (blobs / manifest.digest.partition(":")[2]).write_bytes(manifest.data)
    for blob in contents.blobs:
        fetch_blob(image, blob, blobs / blob.digest.partition(":")[2])
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="utf-8")
    index = {"schemaVersion": 2, "manifests": [described(contents.manifests[-1])]}
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")


@pytest.mark.parametrize("index", [False, True])
def test_fetch_manifest_returns_all_parts_of_image(
    index: bool, host: str, buildah: Buildah, tmp_path: Path
) -> None:
    name = "localhost/both" if index else "localhost/one"
    digest = buildah.pushed(name, f"{host}/team/it:1", index=index)
    image = ImageReference.parse(f"{host}/team/it:1@{digest}")

    contents = fetch_manifest(image, "x86_64")
    assert contents.manifests[0].digest == digest
    assert len(contents.manifests) == (2 if index else 1)

    layout(image, tmp_path / "layout")
    # A store that has none of the image's bytes.
    elsewhere = Buildah(tmp_path / "store")
    container = elsewhere("from", f"oci:{tmp_path / 'layout'}")
    content = (Path(elsewhere("mount", container)) / "what").read_text(encoding="utf-8")
    elsewhere("rm", container)
    assert content == "one"
