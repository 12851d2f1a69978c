"""Requests of conda: ``pytorch::pytorch=2.4=*cuda12.1*``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from rigspec.diagnostics.model import Span
from rigspec.importing.model import Reading, Statement, Subject, omit
from rigspec.matrix.components import get_channel_product
from rigspec.matrix.loader import find_package_owner, list_product_names

__all__ = ["find_channel", "read_conda_spec", "read_locked_package"]

# [channel::]name[version[build]], with spaces or `=` between the fields.
_SPEC = re.compile(
    r"(?:(?P<channel>[^\s:]+)::)?(?P<name>[A-Za-z0-9_][\w.-]*)(?![\w.-])\s*"
    r"(?P<version>[<>=!~]+[^<>=!~\s\[][^\s\[]*|[\d*][^\s\[]*)?(?:\s+(?P<build>[^\s\[]+))?"
    r"(?P<rest>\s*\[.*\])?"
)
_COMPARISON = re.compile(r"(?:==|!=|>=|<=|>|<|~=)\s*[0-9][0-9A-Za-z._+!-]*(?:\.\*)?")
# Spaces around a comma and after an operator.
_SPACES = re.compile(r"(?<!\s)\s*(,)\s*|(?<=[<>=!~])\s+()")
_FUZZY = re.compile(r"=?([0-9]+(?:\.[0-9A-Za-z]+)*)(?:\.?\*)?")
# `py3.10_cuda12.1_cudnn8.9.2_0`, `cuda129*`, `*cuda*`, `cpu_mkl*`.
_BUILD = re.compile(r"cuda_?(?P<version>[0-9]+(?:\.[0-9]+)?)?|cpu")
# Patch releases of Python do not decide what runs.
_SERIES = re.compile(r"==(\d+\.\d+)(?:\.\d+)?(?:\.\*)?$")
# Packages of the CUDA toolkit as a whole; each has the version of its CUDA.
_TOOLKIT = frozenset({"cudatoolkit", "cuda-toolkit", "cuda", "cuda-version"})
# Packages that select a variant of another one, and of which the resolver knows nothing.
_SELECTORS = frozenset({"pytorch-mutex", "blas", "libblas"})


def find_channel(text: str) -> str | None:
    """Return the channel that a request names: ``pytorch::pytorch=2.4``."""
    match = _SPEC.fullmatch(_SPACES.sub(r"\1", text.strip()))
    return match["channel"] if match is not None else None


def read_conda_spec(text: str, span: Span) -> Reading:
    """Read a request; a part that the rig cannot express is an omission."""
    match = _SPEC.fullmatch(_SPACES.sub(r"\1", text.strip()))
    if match is None:
        return Reading(omissions=(omit(text, "cannot be read", span),))
    name = match["name"].lower()
    version, build = _split_build(match["version"] or "", match["build"])
    specifier = _convert(version)
    if specifier is None:
        return Reading(omissions=(omit(text, f"the version `{version}` cannot be read", span),))
    if match["rest"]:
        return Reading(omissions=(omit(text, "a request with conditions in brackets", span),))
    if name in _SELECTORS:
        return Reading(omissions=(omit(text, "selects a variant of another package", span),))
    statements = tuple(_statements(name, specifier, span))
    if build in (None, "*"):
        return Reading(statements)
    known = _BUILD.search(build) if _has_builds(name) else None
    if known is None:
        return Reading(statements, (omit(text, "only its build string", span),))
    return Reading(tuple(replace(each, build=known[0].replace("_", "")) for each in statements))


def read_locked_package(name: str, version: str, span: Span) -> Reading:
    """Read an installed or locked package; one that the Python index cannot name is left out."""
    name = name.lower()
    if name in _SELECTORS or name.startswith("_"):
        return Reading()
    if _COMPARISON.fullmatch(f"=={version}") is None:
        reason = f"the version `{version}` cannot be read"
        return Reading(omissions=(omit(name, reason, span),))
    specifier = f"=={version}"
    statements = _statements(name, specifier, span)
    return Reading(tuple(replace(each, pattern="{}") for each in statements))


def _statements(name: str, specifier: str, span: Span) -> Iterator[Statement]:
    pattern = f"{name}{{}}"
    if name == "python":
        series = _SERIES.sub(r"==\1.*", specifier)
        yield Statement(Subject.PYTHON, series, span, pattern=pattern)
    elif name in _TOOLKIT:
        yield Statement(Subject.CUDA, specifier, span, name=name, pattern=pattern, is_conda=True)
    elif name == "cudnn":
        yield Statement(Subject.CUDNN, specifier, span, name=name, pattern=pattern, is_conda=True)
    else:
        yield Statement(Subject.PACKAGE, specifier, span, name=name, pattern=pattern, is_conda=True)


def _has_builds(name: str) -> bool:
    """Return whether the matrix knows the builds of a package in conda channels."""
    owner = find_package_owner(name)
    return owner is not None and get_channel_product(owner[0]) in list_product_names()


def _split_build(version: str, build: str | None) -> tuple[str, str | None]:
    """Split ``=2.4=py310*`` and ``2.4=py310*``."""
    match = re.fullmatch(r"(?P<version>={0,2}[^=<>!~,]+)=(?P<build>[^=<>!~,]+)", version)
    if match is not None and build is None:
        # `name=1.0=build` is exact, as is `name=1.0 build`; in `name=*=build` the version is free.
        number = match["version"].lstrip("=")
        return "*" if number == "*" else f"=={number}", match["build"]
    return version, build


def _convert(version: str) -> str | None:
    """Return the specifier of PEP 440: a single ``=`` accepts all that start so."""
    if version in ("", "*"):
        return "*"
    parts = [part.strip() for part in version.split(",")]
    if all(_COMPARISON.fullmatch(part) for part in parts):
        return ",".join(part.replace(" ", "") for part in parts)
    fuzzy = _FUZZY.fullmatch(version)
    if fuzzy is None:
        return None
    is_exact = not version.startswith("=") and not version.endswith("*")
    return f"=={fuzzy[1]}" if is_exact else f"=={fuzzy[1]}.*"
