"""Container images that name their contents in the tag."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rigspec.diagnostics.model import Span
from rigspec.importing.model import Reading, Statement, Subject, omit
from rigspec.importing.systems import find_system_of_image
from rigspec.matrix.images import find_base_image, load_image

__all__ = ["read_image"]

_REFERENCE = re.compile(
    r"(?:(?:docker\.io|index\.docker\.io|nvcr\.io|mcr\.microsoft\.com|public\.ecr\.aws/docker)/)?"
    r"(?:library/)?(?P<name>[^:@]+)(?::(?P<tag>[^@]+))?(?:@sha256:[0-9a-f]+)?"
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
_TORCH = re.compile(
    r"(?<!\d)(?P<torch>\d+\.\d+(?:\.\d+)?)-cuda(?P<cuda>\d+\.\d+)-cudnn(?P<cudnn>\d+)"
)
_TENSORFLOW = re.compile(r"(?<!\d)(?P<version>\d+\.\d+\.\d+)(?P<gpu>-gpu)?(?:-|$)")
_PYTHON = re.compile(r"(?<!\d)(?P<version>\d+\.\d+)(?:\.\d+)?(?:-|$)")
_CONDA_IMAGES = ("continuumio/", "condaforge/", "mambaorg/")
_NVIDIA = re.compile(r"(?:nvidia/cuda)$")


def read_image(text: str, span: Span) -> Reading:
    """Read an image reference; an image whose tag names no version is an omission."""
    match = _REFERENCE.fullmatch(text)
    if match is None or match["tag"] is None:
        return Reading(omissions=(omit(text, "an image without a tag", span),))
    name, tag = match["name"], match["tag"]
    if _NVIDIA.match(name):
        return _read_cuda(text, tag, span)
    statements = tuple(_read_tag(name, tag, span))
    if not statements and find_base_image(text) is not None:
        statements = (Statement(Subject.BASE_IMAGE, text, span),)
    omissions = []
    if not statements:
        omissions.append(omit(text, "its contents are unknown", span))
    elif name == "pytorch/pytorch":
        omissions.append(omit(text, "only CUDA and cuDNN of its build", span))
    return Reading(statements, tuple(omissions))


def _read_tag(name: str, tag: str, span: Span) -> Iterator[Statement]:
    system = find_system_of_image(name, tag)
    if system is not None:
        yield Statement(Subject.OS, system, span)
    torch, tensorflow, python = (p.match(tag) for p in (_TORCH, _TENSORFLOW, _PYTHON))
    if name == "pytorch/pytorch" and torch is not None:
        yield Statement(Subject.PACKAGE, f"=={torch['torch']}", span, name="torch")
    elif name == "tensorflow/tensorflow" and tensorflow is not None:
        yield Statement(Subject.PACKAGE, f"=={tensorflow['version']}", span, name="tensorflow")
    elif name == "python" and python is not None:
        yield Statement(Subject.PYTHON, f"=={python['version']}.*", span)


def _read_cuda(text: str, tag: str, span: Span) -> Reading:
    match = _CUDA.fullmatch(tag)
    if match is None:
        return Reading(omissions=(omit(text, "the tag names no CUDA and system", span),))
    system = f"{_CUDA_SYSTEMS[match['os']]} {match['version']}"
    statements = [Statement(Subject.OS, system, span)]
    if load_image(tag) is not None:
        statements.append(Statement(Subject.BASE_IMAGE, f"nvidia/cuda:{tag}", span))
        return Reading(tuple(statements))
    statements.append(Statement(Subject.CUDA, match["cuda"], span, name="image"))
    if match["cudnn"]:
        statements.append(Statement(Subject.CUDNN, match["cudnn"], span, name="image"))
    reason = "only the tag; it is not in the matrix"
    return Reading(tuple(statements), (omit(text, reason, span),))
