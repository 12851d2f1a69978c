"""Convert the errors of pydantic to diagnostics with positions in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import ValidationError

from rigspec.diagnostics.model import Diagnostic, Severity, Span
from rigspec.spec.json_schema import describe_key
from rigspec.spec.tables import Table
from rigspec.spec.toml.document import Document, KeyPath
from rigspec.spec.validation.advice import (
    advise_on_choice,
    advise_on_extras,
    advise_on_key,
    advise_on_type,
)

__all__ = ["convert_validation_error", "list_error_paths", "validate_or_convert_errors"]

_Table = TypeVar("_Table", bound=Table)

# pydantic's error type -> name of the expected type
_TYPE_NAMES = {
    "bool_type": "true or false",
    "date_type": "a date such as 2018-07-01",
    "dict_type": "a table",
    "float_type": "a number",
    "int_type": "a whole number",
    "is_instance_of": "another kind of value",
    "model_type": "a table",
    "string_type": "a string",
    "tuple_type": "an array",
}

_LANGUAGE_HELP = ("write `rig = 1`, the version of the spec language, at the top of the file",)
# Key names that suggest a secret; the value is not printed.
_SECRET_WORDS = ("credential", "passw", "secret", "token")


@dataclass(frozen=True)
class _Error:
    path: KeyPath
    kind: str
    message: str
    context: Mapping[str, Any]
    of_key: bool


def validate_or_convert_errors(
    model: type[_Table], document: Document
) -> tuple[_Table | None, tuple[Diagnostic, ...]]:
    """Return the table of a document, or its errors."""
    try:
        return model.model_validate(document.value), ()
    except ValidationError as error:
        return None, convert_validation_error(error, document)


def convert_validation_error(error: ValidationError, document: Document) -> tuple[Diagnostic, ...]:
    """Return one diagnostic per error, without the errors of other branches of a union."""
    by_path: dict[KeyPath, list[_Error]] = {}
    for raw in error.errors(include_url=False):
        parsed = _parse_error(raw, document.value)
        by_path.setdefault(parsed.path, []).append(parsed)
    parents = {path[:length] for path in by_path for length in range(len(path))}
    diagnostics = []
    for path, errors in by_path.items():
        wrong_type = [item for item in errors if item.kind in _TYPE_NAMES]
        rest = [item for item in errors if item.kind not in _TYPE_NAMES]
        if rest:
            diagnostics += [_build_diagnostic(item, document) for item in rest]
        elif path not in parents:
            diagnostics.append(_build_wrong_type(path, wrong_type, document))
    return tuple(diagnostics)


def list_error_paths(error: ValidationError, value: Any) -> tuple[KeyPath, ...]:
    """Return the keys to drop so that the rest can be valid; of a missing key, its table."""
    found = []
    for raw in error.errors(include_url=False):
        parsed = _parse_error(raw, value)
        found.append(parsed.path[:-1] if parsed.kind == "missing" else parsed.path)
    return tuple(dict.fromkeys(found))


def _parse_error(raw: Mapping[str, Any], value: Any) -> _Error:
    """Return the error with its path in the file; pydantic's path includes union branches."""
    path: KeyPath = ()
    of_key = False
    current = value
    location = raw["loc"]
    for index, part in enumerate(location):
        if part == "[key]":
            of_key = True
        elif _has_part(current, part):
            path, current = (*path, part), current[part]
        elif raw["type"] == "missing" and index == len(location) - 1:
            path = (*path, part)
    return _Error(path, raw["type"], raw["msg"], raw.get("ctx", {}), of_key)


def _has_part(value: Any, part: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def _build_diagnostic(error: _Error, document: Document) -> Diagnostic:
    if error.kind == "extra_forbidden":
        return _build_unknown_key(error.path, document)
    if error.kind == "missing":
        return _build_missing_key(error.path, document)
    code, message = _describe(error)
    span = document.span(error.path, of="key" if error.of_key else "value")
    return Diagnostic(
        code,
        Severity.ERROR,
        f"`{_format_path(error.path)}`: {message}",
        spans=(_mask_if_secret(span, error.path),),
        help=_advise(error, document),
    )


def _advise(error: _Error, document: Document) -> tuple[str, ...]:
    if error.path == ("rig",):
        return _LANGUAGE_HELP
    if error.kind in ("literal_error", "version"):
        return advise_on_choice(error.path, _find_value(document, error.path))
    if error.kind == "pattern" and error.of_key:
        return advise_on_extras(str(error.path[-1]), _find_value(document, error.path))
    return ()


def _describe(error: _Error) -> tuple[str, str]:
    """Return the code and the message of an error."""
    context = error.context
    if error.kind == "version":
        return "RS004", str(context["message"])
    if error.kind == "pattern":
        return "RS003", str(context["message"])
    if error.kind == "value_error":
        return "RS007", str(context["error"])
    if error.kind == "literal_error":
        return "RS003", f"expected {context['expected']}".replace("'", "`")
    if error.kind == "greater_than_equal":
        return "RS003", f"must be at least {context['ge']}"
    if error.kind == "less_than_equal":
        return "RS003", f"must be at most {context['le']}"
    if error.kind in ("string_too_short", "too_short"):
        return "RS003", "must not be empty"
    if error.kind == "string_too_long":
        return "RS003", f"must not be longer than {context['max_length']} characters"
    return "RS003", error.message[:1].lower() + error.message[1:]


def _build_wrong_type(path: KeyPath, errors: list[_Error], document: Document) -> Diagnostic:
    expected = sorted({_TYPE_NAMES[error.kind] for error in errors})
    actual = _describe_type(document, path)
    return Diagnostic(
        code="RS003",
        severity=Severity.ERROR,
        message=f"`{_format_path(path)}`: expected {' or '.join(expected)}, found {actual}",
        spans=(_mask_if_secret(document.span(path, label=actual), path),),
        help=_LANGUAGE_HELP if path == ("rig",) else advise_on_type(path, actual, document.value),
    )


def _mask_if_secret(span: Span, path: KeyPath) -> Span:
    """Return the span, masked if a key of the path suggests a secret."""
    masked = any(word in str(part).lower() for part in path for word in _SECRET_WORDS)
    return replace(span, masked=masked)


def _build_unknown_key(path: KeyPath, document: Document) -> Diagnostic:
    table = _format_path(path[:-1])
    location = f"in `{table}`" if table else "at the top level of the rig"
    return Diagnostic(
        code="RS002",
        severity=Severity.ERROR,
        message=f"unknown key `{path[-1]}` {location}",
        spans=(document.span(path, of="key", label="unknown key"),),
        help=advise_on_key(path, document.value),
    )


def _build_missing_key(path: KeyPath, document: Document) -> Diagnostic:
    table = _format_path(path[:-1])
    location = f"in `{table}`" if table else "at the top level of the rig"
    return Diagnostic(
        code="RS006",
        severity=Severity.ERROR,
        message=f"missing key `{path[-1]}` {location}",
        spans=(document.span(path[:-1], of="key", label=f"`{path[-1]}` is missing"),),
        help=_LANGUAGE_HELP if path == ("rig",) else _describe_missing(path),
    )


def _describe_missing(path: KeyPath) -> tuple[str, ...]:
    described = describe_key(path)
    return (f"add `{path[-1]}`: {described.description}",) if described else ()


def _describe_type(document: Document, path: KeyPath) -> str:
    value = _find_value(document, path)
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}
    kinds |= {list: "an array", dict: "a table"}
    return kinds.get(type(value), "a date or time")


def _find_value(document: Document, path: KeyPath) -> Any:
    value: Any = document.value
    for part in path:
        value = value[part]
    return value


def _format_path(path: KeyPath) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
