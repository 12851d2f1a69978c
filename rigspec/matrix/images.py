"""Base images by their references: what they contain, and the drivers that they require."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from rigspec.cache.matrix_tables import parse_table
from rigspec.matrix.loader import get_tables_folder
from rigspec.matrix.model import Condition, ImageDriver, Release
from rigspec.matrix.rows import build_release, build_sources, pick_sources
from rigspec.spec.image_reference import ImageReference
from rigspec.spec.system_names import is_system_name, normalize_system

__all__ = [
    "find_base_image",
    "get_image_driver",
    "get_image_system",
    "get_system_of_reference",
    "list_image_tags",
    "load_image",
]

_CUDA = "nvidia/cuda"

# `ubuntu24.04` and `rockylinux8`, as the tags of images name their system.
_SYSTEM = re.compile(r"(?P<name>[a-z]+)(?P<version>[0-9.]+)")
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*")


def find_base_image(reference: str) -> Release | None:
    """Return the image that a reference names, if the matrix knows what it contains.

    That is a tag of ``nvidia/cuda`` or of another image in the tables, a tag that names its CUDA,
    or the image of a Linux distribution.
    """
    name, tag = _split(reference)
    if tag is None:
        return None
    if name == _CUDA:
        return load_image(tag)
    table = _named_images()
    rows = table["release"]
    row = next((r for r in rows if (r["family"], r["version"]) == (name, tag)), None)
    if row is not None:
        return build_release("image", row, build_sources(table))
    return _by_pattern(name, tag, table) or _distribution(name, tag)


def load_image(tag: str) -> Release | None:
    """Return the base image with this tag (``9.0-cudnn7-devel-ubuntu16.04``), if it is known.

    Images have one table per CUDA release, so only one is read.
    """
    table = _image_table(tag)
    if table is None:
        return None
    row = next((row for row in table["release"] if row["version"] == tag), None)
    return build_release("image", row, build_sources(table)) if row is not None else None


def _load_driver(tag: str) -> ImageDriver | None:
    """Return the drivers that an image with this tag requires, if they are known."""
    table = _image_table(tag)
    found = table.get("driver") if table is not None else None
    if table is None or found is None:
        return None
    releases = found["releases"]
    version = tag.partition("-")[0]
    # A tag without a patch number, or of a patch that is not listed, is any of its series.
    rows = [releases[version]] if version in releases else [*releases.values()]
    return ImageDriver(
        found["minimum"],
        tuple(sorted({branch for row in rows for branch in row["geforce"]})),
        tuple(sorted({branch for row in rows for branch in row["others"]})),
        pick_sources(found["source"], build_sources(table)),
    )


def _image_table(tag: str) -> Mapping[str, Any] | None:
    """Return the table of the CUDA release in the tag of an image, if there is one."""
    series = re.match(r"\d+\.\d+", tag)
    file = get_tables_folder() / "image" / f"{series[0]}.toml" if series else None
    if series is None or file is None or not file.is_file():
        return None
    return parse_table(f"image-{series[0]}", file.read_bytes())


def list_image_tags(tag: str) -> tuple[str, ...]:
    """Return the known tags of the CUDA release in ``tag``, else those of its major version."""
    series = re.match(r"\d+(\.\d+)?", tag)
    names = sorted(entry.name[:-5] for entry in (get_tables_folder() / "image").iterdir())
    near = [n for n in names if series and (n == series[0] or n.split(".")[0] == series[0])]
    tables = [(n, (get_tables_folder() / "image" / f"{n}.toml").read_bytes()) for n in near]
    return tuple(
        str(row["version"])
        for name, data in tables
        for row in parse_table(f"image-{name}", data)["release"]
    )


def get_image_system(image: Release) -> str | None:
    """Return the system of an image as the matrix names it: ``ubuntu 24.04``."""
    match = _SYSTEM.fullmatch(image.get("os") or "")
    return normalize_system(f"{match['name']} {match['version']}") if match is not None else None


def get_system_of_reference(reference: str) -> str | None:
    """Return the system of the image that a reference names, if the table or its tag names it."""
    image = find_base_image(reference)
    if image is not None:
        return get_image_system(image)
    name, tag = _split(reference)
    # Every tag of nvidia/cuda ends with its system, also one that no table has.
    system = (tag or "").rpartition("-")[2] if name == _CUDA else ""
    return get_image_system(Release("image", name, tag or "", properties=(("os", system),)))


def get_image_driver(reference: str) -> ImageDriver | None:
    """Return the drivers that an image requires, if they are known."""
    name, tag = _split(reference)
    if name == _CUDA and tag is not None:
        return _load_driver(tag)
    image = find_base_image(reference)
    if image is None:
        return None
    below = image.get("based_on")
    if below is not None:
        # An image inherits the requirements of the one that it starts from.
        driver = get_image_driver(below)
        return replace(driver, sources=(*image.sources, *driver.sources)) if driver else None
    minimum = image.get("minimum_driver")
    if minimum is None:
        return None
    others = tuple((image.get("other_drivers") or "").split())
    return ImageDriver(minimum, (), others, image.sources)


def _split(reference: str) -> tuple[str, str | None]:
    """Return the name of an image as the tables have it, and its tag."""
    parsed = ImageReference.parse(reference)
    host = parsed.host if parsed.host not in (None, "docker.io") else None
    path = parsed.path.removeprefix("library/")
    return (f"{host}/{path}" if host is not None else path), parsed.tag


def _by_pattern(name: str, tag: str, table: Mapping[str, Any]) -> Release | None:
    """Return the image whose tag names its contents: ``2.4.1-cuda12.1-cudnn9-runtime``."""
    for row in table["pattern"]:
        match = re.fullmatch(row["tag"], tag) if row["image"] == name else None
        if match is not None:
            sources = tuple(build_sources(table)[key] for key in row["source"])
            cuda = match.groupdict().get("cuda")
            implies = (Condition("cuda", (cuda,)),) if cuda is not None else ()
            properties = (("os", row["os"]),) if "os" in row else ()
            return Release(
                "image", name, tag, properties=properties, implies=implies, sources=sources
            )
    return None


def _distribution(name: str, tag: str) -> Release | None:
    """Return the image of a Linux distribution: ``ubuntu:22.04``, ``debian:12-slim``."""
    system, version = normalize_system(name), tag.partition("-")[0]
    if not is_system_name(system) or not _VERSION.fullmatch(version):
        return None
    return Release("image", name, tag, properties=(("os", f"{system}{version}"),))


@lru_cache(maxsize=1)
def _named_images() -> Mapping[str, Any]:
    file = get_tables_folder() / "image" / "named.toml"
    return parse_table("image-named", file.read_bytes())
