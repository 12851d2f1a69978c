"""The output of ``python -m torch.utils.collect_env``, and of vLLM's script of that name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rigspec.importing.formats.nvidia_smi import read_gpu_list
from rigspec.importing.model import Reading, SkippedPart, SourceText, Statement, Subject
from rigspec.importing.systems import find_system

__all__ = ["read"]

_FIELD = re.compile(
    r"^(?P<key>[A-Za-z][A-Za-z /()]*[A-Za-z)])[ \t]*:[ \t]*(?P<value>\S(?:.*\S)?)[ \t]*$",
    re.MULTILINE,
)
_PACKAGE = re.compile(
    r"^\[(?P<tool>pip3?|conda)\] (?P<name>[A-Za-z0-9._-]+)(?:==|[ \t]+)(?P<value>\S+)"
    r"(?:[ \t]+\S+)?(?:[ \t]+(?P<channel>\S+))?[ \t]*$",
    re.MULTILINE,
)
_UNKNOWN = ("N/A", "Could not collect", "None", "No CUDA")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_RELEASE = re.compile(r"[0-9]+(?:\.[0-9]+)*(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?(?:\+\w[\w.]*)?")
# The field of each package that has one.
_OF_FIELDS = (("torch", "PyTorch version"), ("vllm", "vLLM Version"))
# The packages of PyTorch's project, as conda lists them.
_OF_CONDA = ("pytorch", "torch", "torchvision", "torchaudio")


def read(source: SourceText) -> Reading:
    """Read system, driver, GPUs, Python and packages."""
    fields = {m["key"].strip(): m for m in reversed(list(_FIELD.finditer(source.text)))}
    statements = [*_machine(fields, source), *read_gpu_list(source), *_conda(source)]
    packages: list[Statement] = []
    omissions = list(_foreign_system(fields, source))
    if omissions:
        statements = [s for s in statements if s.subject is not Subject.DRIVER]
    for statement in _packages(fields, source):
        if _RELEASE.fullmatch(statement.value.removeprefix("==")):
            packages.append(statement)
        else:
            reason = "a version without a release"
            text = f"{statement.name} {statement.value}"
            omissions.append(source.omission(text, reason, statement.span.line))
    return Reading((*statements, *packages), tuple(omissions))


def _machine(fields: dict[str, re.Match[str]], source: SourceText) -> Iterator[Statement]:
    for subject, key in (
        (Subject.OS, "OS"),
        (Subject.DRIVER, "Nvidia driver version"),
        (Subject.PYTHON, "Python version"),
    ):
        match = fields.get(key)
        if match is None or match["value"] in _UNKNOWN:
            continue
        if subject is Subject.OS:
            value = find_system(match["value"])
            span = source.span(*match.span("value"))
        else:
            found = _VERSION.match(match["value"])
            value = found[0] if found is not None else None
            start = match.start("value")
            span = source.span(start, start + len(value or ""))
        if value is not None and subject is Subject.PYTHON:
            value = f"=={'.'.join(value.split('.')[:2])}.*"
        if value is not None:
            yield Statement(subject, value, span)
    platform = fields.get("Python platform")
    if platform is not None and "microsoft-standard-WSL" in platform["value"]:
        yield Statement(Subject.KIND, "wsl", source.span(*platform.span("value")))


def _foreign_system(fields: dict[str, re.Match[str]], source: SourceText) -> Iterator[SkippedPart]:
    """Yield a system that a rig cannot have; its driver has other versions."""
    match = fields.get("OS")
    if match is not None and match["value"] not in _UNKNOWN and not find_system(match["value"]):
        line = source.span(*match.span("value")).line
        yield source.omission(match["value"], "a system that a rig cannot have", line)


def _conda(source: SourceText) -> Iterator[Statement]:
    """Yield the manager and CUDA of an environment with PyTorch from a conda channel."""
    for match in _PACKAGE.finditer(source.text):
        if match["tool"] != "conda" or match["channel"] == "pypi":
            continue
        span = source.span(*match.span("value"))
        if match["name"] == "pytorch":
            yield Statement(Subject.MANAGER, "conda", span)
            if match["channel"]:
                yield Statement(
                    Subject.CHANNEL, match["channel"], source.span(*match.span("channel"))
                )
        elif match["name"] in ("pytorch-cuda", "cudatoolkit"):
            yield Statement(Subject.CUDA, match["value"], span, name=match["name"], is_conda=True)


def _packages(fields: dict[str, re.Match[str]], source: SourceText) -> Iterator[Statement]:
    """Yield each package once; PyTorch itself is in a field, as is vLLM."""
    rows = list(_PACKAGE.finditer(source.text))
    # conda lists the packages of pip, too, as `pypi`.
    of_conda = {
        match["name"].lower()
        for match in rows
        if match["tool"] == "conda" and match["channel"] != "pypi"
    }
    seen: set[str] = set()
    for package, key in _OF_FIELDS:
        field = fields.get(key)
        if field is None or field["value"] in _UNKNOWN:
            continue
        name = "pytorch" if package == "torch" and "pytorch" in of_conda else package
        seen |= {"torch", "pytorch"} if package == "torch" else {package}
        yield _package(name, field, source, is_conda=name == "pytorch")
    for match in sorted(rows, key=lambda m: m["tool"] == "conda"):
        name = match["name"].lower()
        is_conda = name in of_conda and name in _OF_CONDA
        if name in seen or (match["tool"] == "conda" and name not in _OF_CONDA):
            continue
        seen |= {"torch", "pytorch"} if name in ("torch", "pytorch") else {name}
        yield _package(match["name"], match, source, is_conda=is_conda)


def _package(
    name: str, match: re.Match[str], source: SourceText, *, is_conda: bool = False
) -> Statement:
    span = source.span(*match.span("value"))
    return Statement(Subject.PACKAGE, f"=={match['value']}", span, name=name, is_conda=is_conda)
