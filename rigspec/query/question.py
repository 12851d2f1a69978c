"""A question without a file: a GPU, some requirements, a driver. It becomes a rig in memory."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508

from rigspec.matrix.loader import find_package_owner, list_product_names

__all__ = ["QUESTION_FILE", "BadQuestion", "Question", "Requested", "parse_request", "write_spec"]

QUESTION_FILE = "rig.toml"
MACHINE, ENVIRONMENT = "it", "it"

# `torch 2.4`, as people say it.
_SPACED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s+v?(\d\S*)")
# One exact version of up to two parts is a series: torch==2.4 is torch 2.4.1, too.
_SERIES = re.compile(r"={2,3}\s*v?(\d+(?:\.\d+)?)")


class BadQuestion(ValueError):
    """A requirement that cannot be read; the message says which and why."""


@dataclass(frozen=True)
class Requested:
    """A package as the question names it. ``version`` is None for any."""

    name: str
    version: str | None = None

    @property
    def product(self) -> str | None:
        """Return the product of the matrix with rules about the package."""
        library = f"package:{re.sub(r'[-_.]+', '-', self.name).lower()}"
        return self.framework or (library if library in list_product_names() else None)

    @property
    def framework(self) -> str | None:
        """Return the product of the matrix that owns the package."""
        owner = find_package_owner(self.name)
        return owner[0] if owner is not None else None


@dataclass(frozen=True)
class Question:
    """A rig in a few words; None leaves the choice to the resolver.

    ``instance`` is a cloud instance, whose GPU is not in ``gpu``.
    """

    gpu: str | None = None
    gpu_count: int = 1
    instance: str | None = None
    requests: tuple[Requested, ...] = ()
    driver: str | None = None
    cuda: str | None = None
    cudnn: str | None = None
    python: str | None = None
    os: str | None = None
    arch: str | None = None

    @property
    def is_only_gpu(self) -> bool:
        """Return whether the question names a GPU or an instance and nothing else."""
        named = replace(self, gpu=None, gpu_count=1, instance=None)
        return self != named and named == Question()

    def with_request(self, request: Requested) -> Question:
        """Return the question with this as its only requirement."""
        return replace(self, requests=(request,))


def parse_request(text: str) -> Requested:
    """Read ``torch``, ``torch==2.4``, ``torch 2.4`` or ``torch==2.4.1+cu121``.

    Raises BadQuestion.
    """
    spaced = _SPACED.fullmatch(text.strip())
    if spaced is not None:
        return Requested(spaced[1], spaced[2])
    try:
        requirement = Pep508(text)
    except InvalidRequirement as error:
        raise BadQuestion(f"cannot read the requirement `{text}`: {_first_line(error)}") from None
    if requirement.url is not None:
        raise BadQuestion(f"cannot read the requirement `{text}`: it is a direct URL")
    specifier = str(requirement.specifier)
    series = _SERIES.fullmatch(specifier)
    return Requested(requirement.name, (series[1] if series else specifier) or None)


def write_spec(question: Question) -> str:
    """Return the question as a rig. Strings are written as TOML basic strings."""
    lines = ["rig = 1", 'name = "question"', "", f"[machine.{MACHINE}]"]
    lines += [f"{key} = {_quote(value)}" for key, value in _machine(question)]
    if question.gpu is not None:
        lines.append(f"gpus = [{{ model = {_quote(question.gpu)}, count = {question.gpu_count} }}]")
    if question.cuda is not None or question.cudnn is not None:
        lines += ["", "[cuda]"]
        versions = (("toolkit", question.cuda), ("cudnn", question.cudnn))
        lines += [f"{key} = {_quote(value)}" for key, value in versions if value is not None]
    if question.requests or question.python is not None:
        lines += ["", f"[env.{ENVIRONMENT}]"]
        if question.python is not None:
            lines.append(f"python = {_quote(question.python)}")
        for table, known in (("frameworks", True), ("packages", False)):
            entries = [
                f"{_quote(request.name)} = {_quote(request.version or '*')}"
                for request in question.requests
                if (request.framework is not None) is known
            ]
            if entries:
                lines.append(f"{table} = {{ {', '.join(entries)} }}")
    return "\n".join(lines) + "\n"


def _machine(question: Question) -> list[tuple[str, str]]:
    keys = ("instance", "os", "arch", "driver")
    values = ((key, getattr(question, key)) for key in keys)
    return [(key, value) for key, value in values if value is not None]


def _quote(text: str) -> str:
    escaped = "".join(
        f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else f"\\{c}" if c in '"\\' else c
        for c in text
    )
    return f'"{escaped}"'


def _first_line(error: Exception) -> str:
    text = str(error).splitlines()[0]
    return text[:1].lower() + text[1:]
