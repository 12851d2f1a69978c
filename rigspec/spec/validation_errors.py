"""pydantic's findings in rigspec's own words, each at its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from rigspec.diagnostics.model import Diagnostic, Severity, Span
from rigspec.spec.json_schema import known_keys
from rigspec.spec.toml.document import Document, KeyPath

__all__ = ["validation_diagnostics"]

# pydantic's words for a wrong type -> what a person would call the type it wanted
_WANTED = {
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


# Parts of keys that people write secrets under, whatever the language says.
_SECRETIVE = ("credential", "passw", "secret", "token")


@dataclass(frozen=True)
class _Finding:
    path: KeyPath
    kind: str
    message: str
    context: Mapping[str, Any]
    of_key: bool


def validation_diagnostics(error: ValidationError, document: Document) -> tuple[Diagnostic, ...]:
    """One diagnostic for each mistake; what a union says about its other branches is left out."""
    findings = [_finding(raw, document.value) for raw in error.errors(include_url=False)]
    by_path: dict[KeyPath, list[_Finding]] = {}
    for finding in findings:
        by_path.setdefault(finding.path, []).append(finding)
    diagnostics = []
    for path, here in by_path.items():
        deeper = any(len(other) > len(path) and other[: len(path)] == path for other in by_path)
        wrong_type = [finding for finding in here if finding.kind in _WANTED]
        rest = [finding for finding in here if finding.kind not in _WANTED]
        if rest:
            diagnostics += [_diagnostic(finding, document) for finding in rest]
        elif not deeper:
            diagnostics.append(_wrong_type(path, wrong_type, document))
    return tuple(diagnostics)


def _finding(raw: Mapping[str, Any], value: Any) -> _Finding:
    """The finding with its path in the file: pydantic also names the branches it took."""
    path: KeyPath = ()
    of_key = False
    held = value
    location = raw["loc"]
    for index, part in enumerate(location):
        if part == "[key]":
            of_key = True
        elif _holds(held, part):
            path, held = (*path, part), held[part]
        elif raw["type"] == "missing" and index == len(location) - 1:
            path = (*path, part)
    return _Finding(path, raw["type"], raw["msg"], raw.get("ctx", {}), of_key)


def _holds(value: Any, part: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def _diagnostic(finding: _Finding, document: Document) -> Diagnostic:
    if finding.kind == "extra_forbidden":
        return _unknown_key(finding.path, document)
    if finding.kind == "missing":
        return _missing_key(finding.path, document)
    code, message = _worded(finding)
    place = document.span(finding.path, of="key" if finding.of_key else "value")
    span = _shown(place, finding.path)
    return Diagnostic(code, Severity.ERROR, f"`{_name(finding.path)}`: {message}", spans=(span,))


def _worded(finding: _Finding) -> tuple[str, str]:
    context = finding.context
    if finding.kind == "version":
        return "RS004", str(context["words"])
    if finding.kind == "form":
        return "RS003", str(context["words"])
    if finding.kind == "value_error":
        return "RS007", str(context["error"])
    if finding.kind == "literal_error":
        return "RS003", f"write one of {context['expected']}".replace("'", "`")
    if finding.kind == "greater_than_equal":
        return "RS003", f"the least that makes sense here is {context['ge']}"
    if finding.kind == "less_than_equal":
        return "RS003", f"the most that makes sense here is {context['le']}"
    if finding.kind == "string_too_short":
        return "RS003", "this must not be empty"
    if finding.kind == "string_too_long":
        return "RS003", f"this is longer than {context['max_length']} characters"
    return "RS003", finding.message[:1].lower() + finding.message[1:]


def _wrong_type(path: KeyPath, findings: list[_Finding], document: Document) -> Diagnostic:
    wanted = sorted({_WANTED[finding.kind] for finding in findings})
    found = _kind_of(document, path)
    return Diagnostic(
        code="RS003",
        severity=Severity.ERROR,
        message=f"`{_name(path)}` wants {' or '.join(wanted)}, not {found}",
        spans=(_shown(document.span(path, label=found), path),),
    )


def _shown(span: Span, path: KeyPath) -> Span:
    """The span, masked where its key is one that people write secrets under."""
    secretive = any(word in str(part).lower() for part in path for word in _SECRETIVE)
    return replace(span, masked=secretive)


def _unknown_key(path: KeyPath, document: Document) -> Diagnostic:
    key, known = str(path[-1]), known_keys(path[:-1])
    near = get_close_matches(key, known, n=1, cutoff=0.5)
    if near:
        advice = f"did you mean `{near[0]}`?"
    else:
        advice = f"keys known here: {', '.join(known)}"
    table = _name(path[:-1])
    where = f"in `{table}`" if table else "at the top of a rig"
    return Diagnostic(
        code="RS002",
        severity=Severity.ERROR,
        message=f"unknown key `{key}` {where}",
        spans=(document.span(path, of="key", label="not part of the language"),),
        help=(advice,),
    )


def _missing_key(path: KeyPath, document: Document) -> Diagnostic:
    table = _name(path[:-1])
    where = f"`{table}`" if table else "a rig"
    return Diagnostic(
        code="RS006",
        severity=Severity.ERROR,
        message=f"{where} needs the key `{path[-1]}`",
        spans=(document.span(path[:-1], of="key", label=f"`{path[-1]}` is missing"),),
    )


def _kind_of(document: Document, path: KeyPath) -> str:
    value: Any = document.value
    for part in path:
        value = value[part]
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}
    kinds |= {list: "an array", dict: "a table"}
    return kinds.get(type(value), "a date or time")


def _name(path: KeyPath) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
