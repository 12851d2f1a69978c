"""What a target's ``manifest.toml`` may say, held to it strictly."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rigspec.plan.steps import Step
from rigspec.spec.toml.document import BrokenDocument, Document, KeyPath, read_document

__all__ = ["Manifest", "ManifestError", "read_manifest", "step_kinds"]

_Text = Annotated[str, StringConstraints(min_length=1)]
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
_Mode = Annotated[str, StringConstraints(pattern=r"^0[0-7]{3}$")]

# The word that `--target` takes for all of them.
_EVERY = "all"

# What pydantic says of a value -> what a reader of a manifest can do something with
_WORDS = {
    "missing": "is missing",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "string_type": "wants a string",
    "tuple_type": "wants an array",
    "model_type": "wants a table",
}
_FORMS = {
    "mode": "wants a file's mode as four octal digits, such as 0755",
    "name": "wants small letters, digits and dashes, a letter first",
}


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class OutputTable(_Table):
    """A file that the target writes, from a template or as the lock has it."""

    path: _Text
    template: _Text | None = None
    copies: _Text | None = None
    mode: _Mode = "0644"
    each: str | None = None
    optional: bool = False
    bulk_of: _Text | None = None


class ExclusionTable(_Table):
    """Kinds of step, or parts of a rig, that the target leaves to somebody else, and its sentence
    about them.
    """

    kinds: Annotated[tuple[str, ...], Field(strict=False)] = ()
    parts: Annotated[tuple[str, ...], Field(strict=False)] = ()
    says: _Text


class Checks(_Table):
    """A real tool that checks an output."""

    path: _Text
    command: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]


class Limits(_Table):
    """How long an output may be for a provider, and who says so."""

    path: _Text
    provider: _Text
    bytes: Annotated[int, Field(ge=1)]
    binary: bool = True
    source: _Text
    url: _Text
    read: dt.date


class Manifest(_Table):
    """The whole file."""

    name: _Name
    title: _Text
    summary: _Text
    payload: _Text | None = None
    takes: Annotated[tuple[str, ...], Field(strict=False)]
    starts: Annotated[tuple[str, ...], Field(strict=False)] = ()
    writes: Annotated[tuple[OutputTable, ...], Field(strict=False, min_length=1)]
    leaves: Annotated[tuple[ExclusionTable, ...], Field(strict=False)] = ()
    checks: Annotated[tuple[Checks, ...], Field(strict=False)] = ()
    limits: Annotated[tuple[Limits, ...], Field(strict=False)] = ()


class ManifestError(Exception):
    """A manifest is wrong; the message has each mistake with its line and column."""


def read_manifest(file: str, text: str) -> Manifest:
    """The manifest that a text holds; ``file`` is only named. Raises ManifestError."""
    try:
        document = read_document(file, text)
    except BrokenDocument as error:
        told = [(d.spans[0].line, d.spans[0].column, d.message) for d in error.diagnostics]
        raise ManifestError(_lines(file, told)) from None
    try:
        manifest = Manifest.model_validate(document.value)
    except ValidationError as error:
        raise ManifestError(_lines(file, _mistakes(document, error))) from None
    wrong = [_at(document, path, message) for path, message in _contradictions(manifest)]
    if wrong:
        raise ManifestError(_lines(file, wrong))
    return manifest


def step_kinds() -> tuple[str, ...]:
    """Every kind of step that a plan may have, sorted."""
    return tuple(sorted({kind.kind for kind in _descendants(Step)}))


def _descendants(kind: type[Step]) -> Iterator[type[Step]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


def _contradictions(manifest: Manifest) -> Iterator[tuple[KeyPath, str]]:
    """What is of the right type and wrong all the same."""
    known = step_kinds()
    if manifest.name == _EVERY:
        yield ("name",), f"`{_EVERY}` is how every target at once is asked for"
    for index, kind in enumerate(manifest.takes):
        yield from _unknown_kind(("takes", index), kind, known)
    for index, kind in enumerate(manifest.starts):
        if kind not in manifest.takes:
            message = f"`{kind}` is carried out at the start, but `takes` has no such kind"
            yield ("starts", index), message
    for row, leave in enumerate(manifest.leaves):
        if not leave.kinds and not leave.parts:
            yield ("leaves", row), "this leaves nothing: name `kinds` of step or `parts` of a rig"
        for index, kind in enumerate(leave.kinds):
            path: KeyPath = ("leaves", row, "kinds", index)
            yield from _unknown_kind(path, kind, known)
            if kind in manifest.takes:
                yield path, f"steps of kind `{kind}` are both taken and left"
    if manifest.payload is not None and not _stays_inside(manifest.payload):
        yield ("payload",), f"`{manifest.payload}` leads out of the target's folder"
    for row, write in enumerate(manifest.writes):
        if not _stays_inside(write.path):
            yield ("writes", row, "path"), f"`{write.path}` leads out of the target's folder"
        if (write.template is None) == (write.copies is None):
            yield ("writes", row), "a file wants either a `template` or what it `copies`"
        if write.template is not None and not _stays_inside(write.template):
            where = f"`{write.template}` leads out of the backend's folder"
            yield ("writes", row, "template"), where
        if write.each is not None and write.each not in manifest.takes:
            message = f"there is a file for each `{write.each}`, but `takes` has no such kind"
            yield ("writes", row, "each"), message
        if ("{name}" in write.path) != (write.each is not None):
            message = "`{name}` stands in a path where `each` names a kind of step, and only there"
            yield ("writes", row, "path"), message
    outputs = {write.path for write in manifest.writes}
    for row, write in enumerate(manifest.writes):
        if write.bulk_of is not None and write.bulk_of not in outputs:
            yield ("writes", row, "bulk_of"), f"the target writes no `{write.bulk_of}`"
    for row, limit in enumerate(manifest.limits):
        if limit.path not in outputs:
            yield ("limits", row, "path"), f"the target writes no `{limit.path}`"
    for row, check in enumerate(manifest.checks):
        if "{}" not in check.command:
            yield ("checks", row, "command"), "`{}`, which is the file to check, is missing"


def _unknown_kind(
    path: KeyPath, kind: str, known: tuple[str, ...]
) -> Iterator[tuple[KeyPath, str]]:
    if kind not in known:
        yield path, f"there is no kind of step `{kind}`; there are {', '.join(known)}"


def _stays_inside(path: str) -> bool:
    """Whether a path of a manifest is one below its folder, written plainly."""
    parts = path.split("/")
    plain = re.fullmatch(r"[A-Za-z0-9._{}/-]+", path) is not None
    return plain and not any(part in ("", ".", "..") for part in parts)


def _mistakes(document: Document, error: ValidationError) -> list[tuple[int, int, str]]:
    """Every mistake; an array is not called empty because of what is wrong in it."""
    raws = error.errors(include_url=False)
    paths = [raw["loc"] for raw in raws]
    return [
        _mistake(document, raw)
        for raw in raws
        if not any(len(p) > len(raw["loc"]) and p[: len(raw["loc"])] == raw["loc"] for p in paths)
    ]


def _mistake(document: Document, raw: Any) -> tuple[int, int, str]:
    path: KeyPath = tuple(raw["loc"])
    key = str(path[-1])
    if raw["type"] == "extra_forbidden":
        known = sorted(_model_at(path[:-1]).model_fields)
        near = get_close_matches(key, known, n=1, cutoff=0.5)
        advice = f"did you mean `{near[0]}`?" if near else f"keys known here: {', '.join(known)}"
        return _at(document, path, f"unknown key `{key}`; {advice}", of="key")
    form = None if raw["type"] == "missing" else _FORMS.get(key)
    words = form or _WORDS.get(raw["type"]) or raw["msg"]
    return _at(document, path, f"`{_written(path)}` {words}")


def _model_at(path: KeyPath) -> type[_Table]:
    tables: dict[str | int, type[_Table]] = {
        "writes": OutputTable,
        "leaves": ExclusionTable,
        "checks": Checks,
        "limits": Limits,
    }
    return tables[path[0]] if path else Manifest


def _at(
    document: Document, path: KeyPath, message: str, *, of: str = "value"
) -> tuple[int, int, str]:
    span = document.span(path, of=of)
    return span.line, span.column, message


def _written(path: KeyPath) -> str:
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in path)


def _lines(file: str, found: list[tuple[int, int, str]]) -> str:
    return "\n".join(
        f"{file}:{line}:{column}: {message}" for line, column, message in sorted(found)
    )
