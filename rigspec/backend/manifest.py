"""Read and validate the ``manifest.toml`` of a target.

A manifest without errors is read without pydantic, as a spec is.
"""

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any

import tomli

from rigspec.backend.documents import DOCUMENTS, VALUES
from rigspec.plan.steps import Scope
from rigspec.plan.steps.registry import find_step_kinds
from rigspec.spec.constraints import ArrayAsTuple, Limits, StringPattern
from rigspec.spec.tables import Table
from rigspec.spec.toml.document import BrokenDocument, Document, KeyPath, read_document

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["Manifest", "ManifestError", "read_manifest"]

# Written out: annotations that are evaluated later take longer to read.
_Text = Annotated[str, Limits(min_length=1)]
_Texts = Annotated[tuple[str, ...], ArrayAsTuple()]
_Scope = Annotated[Scope, Limits(strict=False)]
_Scopes = Annotated[tuple[_Scope, ...], ArrayAsTuple()]
_NAME_MESSAGE = "must be lower-case letters, digits and dashes, starting with a letter"
_Name = Annotated[str, StringPattern(r"[a-z][a-z0-9-]*", _NAME_MESSAGE)]
_MODE_MESSAGE = 'must be four octal digits, such as "0755"'
_Mode = Annotated[str, StringPattern(r"0[0-7]{3}", _MODE_MESSAGE)]

# The value of `--target` for all targets.
_ALL_TARGETS = "all"

# Pydantic's error type -> message
_MESSAGES = {
    "missing": "is missing",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "string_type": "must be a string",
    "tuple_type": "must be an array",
    "model_type": "must be a table",
}
_FORMAT_MESSAGES = {"mode": _MODE_MESSAGE, "name": _NAME_MESSAGE}


class OutputTable(Table):
    """An output: rendered from a template, copied from the lock, or a document of a library."""

    path: _Text
    template: _Text | None = None
    copies: _Text | None = None
    document: _Text | None = None
    values: _Text | None = None
    mode: _Mode = "0644"
    each: str | None = None
    optional: bool = False
    overflow_of: _Text | None = None


class ExclusionTable(Table):
    """Kinds of steps or layers that the target excludes, and the reason.

    ``scopes`` excludes all kinds of a scope that the manifest does not name.
    """

    kinds: _Texts = ()
    scopes: _Scopes = ()
    layers: _Texts = ()
    reason: _Text


class CheckTable(Table):
    """A program that checks an output."""

    path: _Text
    command: Annotated[tuple[str, ...], ArrayAsTuple(), Limits(min_length=1)]


class LimitTable(Table):
    """The size limit of a provider for an output, and its source."""

    path: _Text
    provider: _Text
    bytes: Annotated[int, Limits(ge=1)]
    binary: bool = True
    source: _Text
    url: _Text
    read: dt.date


class Manifest(Table):
    """The root table."""

    name: _Name
    title: _Text
    summary: _Text
    payload: _Text | None = None
    supports: _Texts = ()
    supports_scopes: _Scopes = ()
    at_runtime: _Texts = ()
    unverified: _Texts = ()
    trim_payload: bool = False
    base_image: bool = False
    outputs: Annotated[tuple[OutputTable, ...], ArrayAsTuple(), Limits(min_length=1)]
    excludes: Annotated[tuple[ExclusionTable, ...], ArrayAsTuple()] = ()
    checks: Annotated[tuple[CheckTable, ...], ArrayAsTuple()] = ()
    limits: Annotated[tuple[LimitTable, ...], ArrayAsTuple()] = ()

    def resolve_kinds(self, kinds: Iterable[str], scopes: Iterable[Scope]) -> frozenset[str]:
        """Return the kinds with those of the scopes that the manifest does not name."""
        named = {*self.supports, *(kind for row in self.excludes for kind in row.kinds)}
        others = (kind for name, kind in find_step_kinds().items() if name not in named)
        return frozenset(kinds) | {kind.name for kind in others if kind.type.scope in scopes}


class ManifestError(Exception):
    """A manifest is invalid; the message has one line per error, with line and column."""


def read_manifest(file: str, text: str) -> Manifest:
    """Parse a manifest; ``file`` is used in messages only.

    Raises:
        ManifestError: The manifest is invalid.

    """
    manifest = _read_quickly(text)
    if manifest is not None and not any(_find_inconsistencies(manifest)):
        return manifest
    try:
        document = read_document(file, text)
    except BrokenDocument as error:
        errors = [(d.spans[0].line, d.spans[0].column, d.message) for d in error.diagnostics]
        raise ManifestError(_format_errors(file, errors)) from None
    return _read_with_positions(file, document)


def _read_quickly(text: str) -> Manifest | None:
    """Return the manifest; None if it has errors, or pydantic must decide."""
    try:
        return Manifest.validate_quickly(tomli.loads(text))
    except tomli.TOMLDecodeError:
        return None


def _read_with_positions(file: str, document: Document) -> Manifest:
    """Return the manifest, or raise its errors with line and column."""
    from pydantic import ValidationError

    try:
        manifest = Manifest.model_validate(document.value)
    except ValidationError as error:
        raise ManifestError(_format_errors(file, _validation_errors(document, error))) from None
    errors = [_locate(document, path, message) for path, message in _find_inconsistencies(manifest)]
    if errors:
        raise ManifestError(_format_errors(file, errors))
    return manifest


def _find_inconsistencies(manifest: Manifest) -> Iterator[tuple[KeyPath, str]]:
    """Yield errors that the types of the fields do not exclude."""
    known = tuple(sorted(find_step_kinds()))
    supports = manifest.resolve_kinds(manifest.supports, manifest.supports_scopes)
    if manifest.name == _ALL_TARGETS:
        yield ("name",), f"`{_ALL_TARGETS}` is reserved for all targets"
    for index, kind in enumerate(manifest.supports):
        yield from _unknown_kind(("supports", index), kind, known)
    for index, kind in enumerate(manifest.at_runtime):
        if kind not in supports:
            message = f"`{kind}` is listed in `at_runtime` but not in `supports`"
            yield ("at_runtime", index), message
    for row, exclusion in enumerate(manifest.excludes):
        if not exclusion.kinds and not exclusion.layers and not exclusion.scopes:
            yield ("excludes", row), "must have `kinds`, `layers` or `scopes`"
        for index, scope in enumerate(exclusion.scopes):
            if scope in manifest.supports_scopes:
                message = f"`{scope.value}` is both supported and excluded"
                yield ("excludes", row, "scopes", index), message
        for index, kind in enumerate(exclusion.kinds):
            path: KeyPath = ("excludes", row, "kinds", index)
            yield from _unknown_kind(path, kind, known)
            if kind in manifest.supports:
                yield path, f"`{kind}` is both supported and excluded"
    if manifest.payload is not None and not _is_inside(manifest.payload):
        yield ("payload",), f"`{manifest.payload}` is outside the target's directory"
    for row, output in enumerate(manifest.outputs):
        if not _is_inside(output.path):
            yield ("outputs", row, "path"), f"`{output.path}` is outside the target's directory"
        if sum(map(bool, (output.template, output.copies, output.document))) != 1:
            yield ("outputs", row), "must have one of `template`, `copies` and `document`"
        if output.document is not None and output.document not in DOCUMENTS:
            names = ", ".join(DOCUMENTS)
            message = f"unknown document `{output.document}`; known documents: {names}"
            yield ("outputs", row, "document"), message
        if output.values is not None and (output.template is None or output.values not in VALUES):
            names = ", ".join(VALUES)
            yield ("outputs", row, "values"), f"must be one of {names}, for a template"
        if output.template is not None and not _is_inside(output.template):
            message = f"`{output.template}` is outside the target's directory"
            yield ("outputs", row, "template"), message
        if output.each is not None and output.each not in supports:
            message = f"`{output.each}` is not listed in `supports`"
            yield ("outputs", row, "each"), message
        if ("{name}" in output.path) != (output.each is not None):
            message = "`{name}` is required in `path` with `each`, and not allowed without"
            yield ("outputs", row, "path"), message
    outputs = {output.path for output in manifest.outputs}
    for row, output in enumerate(manifest.outputs):
        if output.overflow_of is not None and output.overflow_of not in outputs:
            yield ("outputs", row, "overflow_of"), f"no output `{output.overflow_of}`"
    for row, limit in enumerate(manifest.limits):
        if limit.path not in outputs:
            yield ("limits", row, "path"), f"no output `{limit.path}`"
    for row, check in enumerate(manifest.checks):
        if "{}" not in check.command:
            yield ("checks", row, "command"), "`{}` is missing (placeholder for the file)"


def _unknown_kind(
    path: KeyPath, kind: str, known: tuple[str, ...]
) -> Iterator[tuple[KeyPath, str]]:
    if kind not in known:
        yield path, f"unknown kind of step `{kind}`; known kinds: {', '.join(known)}"


def _is_inside(path: str) -> bool:
    """Return whether a path is below the directory of the manifest."""
    parts = path.split("/")
    plain = re.fullmatch(r"[A-Za-z0-9._{}/-]+", path) is not None
    return plain and not any(part in ("", ".", "..") for part in parts)


def _validation_errors(document: Document, error: "ValidationError") -> list[tuple[int, int, str]]:
    """Return all errors, without those of an array that only repeat an error in it."""
    raws = error.errors(include_url=False)
    paths = [raw["loc"] for raw in raws]
    return [
        _validation_error(document, raw)
        for raw in raws
        if not any(len(p) > len(raw["loc"]) and p[: len(raw["loc"])] == raw["loc"] for p in paths)
    ]


def _validation_error(document: Document, raw: Any) -> tuple[int, int, str]:
    path: KeyPath = tuple(raw["loc"])
    key = str(path[-1])
    if raw["type"] == "extra_forbidden":
        known = sorted(_model_at(path[:-1]).model_fields)
        near = get_close_matches(key, known, n=1, cutoff=0.5)
        advice = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(known)}"
        return _locate(document, path, f"unknown key `{key}`; {advice}", of="key")
    format_message = None if raw["type"] == "missing" else _FORMAT_MESSAGES.get(key)
    message = format_message or _MESSAGES.get(raw["type"]) or raw["msg"]
    return _locate(document, path, f"`{_format_path(path)}` {message}")


def _model_at(path: KeyPath) -> type[Table]:
    tables: dict[str | int, type[Table]] = {
        "outputs": OutputTable,
        "excludes": ExclusionTable,
        "checks": CheckTable,
        "limits": LimitTable,
    }
    return tables[path[0]] if path else Manifest


def _locate(
    document: Document, path: KeyPath, message: str, *, of: str = "value"
) -> tuple[int, int, str]:
    span = document.span(path, of=of)
    return span.line, span.column, message


def _format_path(path: KeyPath) -> str:
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in path)


def _format_errors(file: str, errors: list[tuple[int, int, str]]) -> str:
    return "\n".join(
        f"{file}:{line}:{column}: {message}" for line, column, message in sorted(errors)
    )
