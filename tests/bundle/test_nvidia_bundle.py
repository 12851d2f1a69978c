"""NVIDIA's repository in a bundle: a signed part of it, or the reason why it is missing."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from rigspec.bundle.apt import fetch_repositories_part
from rigspec.bundle.model import BundlePart, MissingItem
from rigspec.lock.errors import LockError
from tests.lock.nvidia_box import KEY, PACKAGES, PLACE, TOOLKIT, NvidiaBox, driver

BELOW = PLACE.lstrip("/")


def bundled(nvidia: NvidiaBox) -> BundlePart:
    return fetch_repositories_part([nvidia.machine], f"{nvidia.archive.address}/nvidia")


@pytest.mark.parametrize("apart", [False, True])
def test_repositories_part_copies_index_list_and_key(apart: bool, nvidia: NvidiaBox) -> None:
    nvidia.archive.publish_flat(PLACE, *PACKAGES, key=nvidia.archive.keys.other, apart=apart)
    nvidia.lock()
    part = bundled(nvidia)
    index = ("Release", "Release.gpg") if apart else ("InRelease",)
    listings = {listing.path: listing.content for listing in part.generated}
    names = {f"{BELOW}/{name}" for name in (*index, "Packages.gz")} | {KEY.lstrip("/")}
    assert listings == {name: nvidia.archive.files[f"/{name}"] for name in names}
    assert {PurePosixPath(item.path).name for item in part.files} == {
        f"{package.name}_{package.version}_amd64.deb"
        for package in nvidia.machine.packages
        if package.archive == "nvidia-cuda"
    }
    assert part.missing == ()
    assert part.mirrors == (("nvidia", "nvidia"),)


def test_repositories_part_unpinned_packages_are_missing(nvidia: NvidiaBox) -> None:
    nvidia.wants(nvidia=None).lock()
    part = bundled(nvidia)
    why = "the lock pins versions, but no checksums"
    assert part == BundlePart(missing=(MissingItem("the repository nvidia-cuda", why),))


def test_repositories_part_unavailable_packages_are_missing(nvidia: NvidiaBox) -> None:
    nvidia.lock()
    machine = nvidia.machine
    (unread,) = fetch_repositories_part([machine], None).missing
    assert unread == MissingItem(
        "the repository nvidia-cuda", "the environment variable RIGSPEC_NVIDIA is empty"
    )
    key = nvidia.archive.keys.other
    gone = tuple(text for text in TOOLKIT if "Version: 9.0.102" not in text)
    nvidia.archive.publish_flat(PLACE, *driver("465.19.01"), *gone, key=key)
    assert [item.what for item in bundled(nvidia).missing] == ["cuda-nvprof-9-0 9.0.102-1"]
    nvidia.archive.publish_flat(PLACE, *PACKAGES, key=nvidia.archive.keys.own)
    with pytest.raises(LockError, match="cannot be trusted"):
        bundled(nvidia)
