"""Container images that name their contents in the tag."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import tomli

from rigspec.diagnostics.model import Span
from rigspec.frozen import dataclass
from rigspec.importing.model import Reading, Statement, Subject, omit
from rigspec.importing.systems import find_system_of_image, is_plain_image
from rigspec.matrix.images import find_base_image, load_image
from rigspec.matrix.loader import load_matrix
from rigspec.package_files import locate_package_file

__all__ = ["read_image"]

_REFERENCE = re.compile(
    r"(?:(?:docker\.io|index\.docker\.io|nvcr\.io|mcr\.microsoft\.com|public\.ecr\.aws/docker)/)?"
    r"(?:library/)?(?P<name>[^:@]+)(?::(?P<tag>[^@]+))?(?P<digest>@sha256:[0-9a-f]+)?"
)
_CUDA = re.compile(
    r"(?P<cuda>\d+\.\d+(?:\.\d+)?)(?:-cudnn(?P<cudnn>\d+)?)?(?:-(?P<flavour>base|runtime|devel))?"
    r"-(?P<os>ubuntu|debian|rockylinux|centos|ubi)(?P<version>\d+(?:\.\d+)?)"
)
_CUDA_SYSTEMS = {
    "ubuntu": "ubuntu",
    "debian": "debian",
    "rockylinux": "rocky",
    "centos": "centos",
    "ubi": "rhel",
}
_PYTHON = re.compile(r"(?<!\d)(?P<version>\d+\.\d+)(?:\.\d+)?(?:-|$)")
_CONDA_IMAGES = ("continuumio/", "condaforge/", "mambaorg/")
_NVIDIA = re.compile(r"(?:nvidia/cuda)$")


@dataclass(frozen=True)
class _PackageImage:
    """An image whose ``tag`` has the version of a package; ``omitted`` is what else it contains."""

    package: str
    tag: re.Pattern[str]
    omitted: str


def read_image(text: str, span: Span) -> Reading:
    """Read an image reference; an image whose tag names no version is an omission."""
    match = _REFERENCE.fullmatch(text)
    if match is None or match["tag"] is None:
        return Reading(omissions=(omit(text, "an image without a tag", span),))
    name, tag = match["name"], match["tag"]
    digest = match["digest"] or ""
    if _NVIDIA.match(name):
        return _read_cuda(text, tag, digest, span)
    package = _load_package_images().get(name)
    statements = tuple(_read_tag(name, tag, package, span))
    is_known = bool(statements) and (package is not None or is_plain_image(name))
    omissions = []
    if not is_known and find_base_image(text) is not None:
        statements = (*statements, Statement(Subject.BASE_IMAGE, text, span))
    elif not is_known and statements:
        omissions.append(omit(text, "only its system: its contents are unknown", span))
    if not statements:
        omissions.append(omit(text, "its contents are unknown", span))
    elif package is not None and package.omitted:
        omissions.append(omit(text, package.omitted, span))
    if digest and statements and all(s.subject is not Subject.BASE_IMAGE for s in statements):
        omissions.append(omit(digest, "only the digest; write the image as `base`", span))
    return Reading(statements, tuple(omissions))


def _read_tag(
    name: str, tag: str, package: _PackageImage | None, span: Span
) -> Iterator[Statement]:
    system = find_system_of_image(name, tag)
    if system is not None:
        yield Statement(Subject.OS, system, span)
    release = package.tag.match(tag) if package is not None else None
    if package is not None and release is not None:
        build = _find_build(package.package, release)
        value = f"=={release['version']}"
        yield Statement(Subject.PACKAGE, value, span, name=package.package, build=build)
    python = _PYTHON.match(tag)
    if name == "python" and python is not None:
        yield Statement(Subject.PYTHON, f"=={python['version']}.*", span)


def _find_build(package: str, release: re.Match[str]) -> str | None:
    """Return the build for the CUDA that a tag names, if the matrix has it."""
    cuda = release.groupdict().get("cuda")
    if cuda is None:
        return None
    build = f"cu{cuda.replace('.', '')}"
    product = load_matrix([package]).product(package)
    return build if product.find_release(f"{release['version']}+{build}") is not None else None


@cache
def _load_package_images() -> dict[str, _PackageImage]:
    file = locate_package_file(__file__, "package_images.toml")
    rows = tomli.loads(file.read_text(encoding="utf-8"))["image"]
    return {
        row["name"]: _PackageImage(row["package"], re.compile(row["tag"]), row.get("omitted", ""))
        for row in rows
    }


def _read_cuda(text: str, tag: str, digest: str, span: Span) -> Reading:
    match = _CUDA.fullmatch(tag)
    if match is None:
        return Reading(omissions=(omit(text, "the tag names no CUDA and system", span),))
    system = f"{_CUDA_SYSTEMS[match['os']]} {match['version']}"
    statements = [Statement(Subject.OS, system, span)]
    if load_image(tag) is not None:
        statements.append(Statement(Subject.BASE_IMAGE, f"nvidia/cuda:{tag}{digest}", span))
        return Reading(tuple(statements))
    statements.append(Statement(Subject.CUDA, match["cuda"], span, name="image"))
    if match["cudnn"]:
        statements.append(Statement(Subject.CUDNN, match["cudnn"], span, name="image"))
    reason = "only its tag is read: the image is not in the matrix"
    return Reading(tuple(statements), (omit(text, reason, span),))
