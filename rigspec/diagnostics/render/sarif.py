"""Diagnostics as SARIF 2.1.0, which code scanners and editors read.

The format: OASIS, Static Analysis Results Interchange Format Version 2.1.0.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from rigspec import __version__
from rigspec.diagnostics.explanations import codes, page
from rigspec.diagnostics.model import Diagnostic, Report, Severity, Span
from rigspec.diagnostics.render.json import fact_as_json, measure_as_json, repair_as_json
from rigspec.diagnostics.render.text import edits_in_words
from rigspec.diagnostics.sanitize import plain_json

__all__ = ["render_sarif"]

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"


def render_sarif(reports: Iterable[Report]) -> str:
    """One SARIF log with one run for all reports."""
    told_of = tuple(reports)
    told = [(report, diagnostic) for report in told_of for diagnostic in report.diagnostics]
    raised = sorted({diagnostic.code for _, diagnostic in told})
    run = {
        "tool": {
            "driver": {
                "name": "rigspec",
                "version": __version__,
                "rules": [_rule(code) for code in raised],
            }
        },
        "columnKind": "unicodeCodePoints",
        "properties": {"hardware": [_hardware(report) for report in told_of]},
        "results": [_result(report, diagnostic, raised) for report, diagnostic in told],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return plain_json(json.dumps(log, indent=2, ensure_ascii=False))


def _hardware(report: Report) -> dict[str, Any]:
    measures = {measure.name: measure_as_json(measure) for measure in report.hardware}
    return {"spec": report.spec, "machine": report.machine, "measures": measures}


def _rule(code: str) -> dict[str, Any]:
    if code not in codes():
        return {"id": code}
    text = page(code)
    title = text.partition("\n")[0].removeprefix(f"# {code}: ")
    return {"id": code, "shortDescription": {"text": title}, "help": {"text": text}}


def _result(report: Report, diagnostic: Diagnostic, raised: list[str]) -> dict[str, Any]:
    spans = diagnostic.spans
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": raised.index(diagnostic.code),
        "level": _LEVELS[diagnostic.severity],
        "message": {"text": "\n".join(_words(diagnostic))},
        "locations": [_location(span) for span in spans[:1]],
        "properties": {
            "machine": report.machine,
            "between": list(diagnostic.between),
            "facts": [fact_as_json(fact) for fact in diagnostic.facts],
            "breaks": list(diagnostic.breaks),
            "repairs": [repair_as_json(repair) for repair in diagnostic.repairs],
        },
    }
    if len(spans) > 1:
        result["relatedLocations"] = [_location(span) for span in spans[1:]]
    return result


def _words(diagnostic: Diagnostic) -> Iterator[str]:
    """What an editor shows: the message, its facts, and what to do."""
    yield diagnostic.message
    yield from (fact.statement for fact in diagnostic.facts)
    yield from diagnostic.help
    for repair in diagnostic.repairs:
        yield f"repair: {edits_in_words(repair)}"


def _location(span: Span) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(span.file)},
            "region": {
                "startLine": span.line,
                "startColumn": span.column,
                "endLine": span.end_line,
                "endColumn": span.end_column,
            },
        }
    }
    if span.label:
        location["message"] = {"text": span.label}
    return location


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(os.fsencode(path.as_posix()))
