"""Render diagnostics as SARIF 2.1.0, a format for code scanning and editors.

Specification: OASIS, Static Analysis Results Interchange Format Version 2.1.0.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from rigspec import __version__
from rigspec.diagnostics.explanations import get_page_url, load_page
from rigspec.diagnostics.model import Diagnostic, Report, Severity, Span
from rigspec.diagnostics.render.json import serialize_fact, serialize_metric, serialize_repair
from rigspec.diagnostics.render.text import describe_edits
from rigspec.diagnostics.sanitize import sanitize_json

__all__ = ["render_sarif"]

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
# Those of code scanning on GitHub.
_PROBLEM_SEVERITIES = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "recommendation",
}
_ORDER = tuple(_LEVELS).index
_PROJECT = "https://github.com/rigspec/rigspec"
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"


def render_sarif(reports: Iterable[Report]) -> str:
    """Return one SARIF log with one run for all reports."""
    reports = tuple(reports)
    found = [(report, diagnostic) for report in reports for diagnostic in report.diagnostics]
    codes = sorted({diagnostic.code for _, diagnostic in found})
    severities = {code: [d.severity for _, d in found if d.code == code] for code in codes}
    run = {
        "tool": {
            "driver": {
                "name": "rigspec",
                "version": __version__,
                "informationUri": _PROJECT,
                "rules": [_build_rule(code, min(severities[code], key=_ORDER)) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "properties": {"hardware": [_build_hardware(report) for report in reports]},
        "results": [_build_result(report, diagnostic, codes) for report, diagnostic in found],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return sanitize_json(json.dumps(log, indent=2, ensure_ascii=False))


def _build_hardware(report: Report) -> dict[str, Any]:
    measures = {metric.name: serialize_metric(metric) for metric in report.metrics}
    return {"spec": report.spec, "machine": report.machine, "measures": measures}


def _build_rule(code: str, severity: Severity) -> dict[str, Any]:
    """Return a rule; ``severity`` is the most severe of its results."""
    rule: dict[str, Any] = {
        "id": code,
        "defaultConfiguration": {"level": _LEVELS[severity]},
        "properties": {"problem.severity": _PROBLEM_SEVERITIES[severity]},
    }
    url = get_page_url(code)
    if url is None:
        return rule
    text = load_page(code)
    title = text.partition("\n")[0].removeprefix(f"# {code}: ")
    return {
        **rule,
        "shortDescription": {"text": title},
        "helpUri": url,
        "help": {"text": text, "markdown": text},
    }


def _build_result(report: Report, diagnostic: Diagnostic, codes: list[str]) -> dict[str, Any]:
    spans = diagnostic.spans
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": _LEVELS[diagnostic.severity],
        "message": {"text": "\n".join(_iterate_message(diagnostic))},
        "locations": [_build_location(span) for span in spans[:1]],
        "properties": {
            "machine": report.machine,
            "between": list(diagnostic.components),
            "facts": [serialize_fact(fact) for fact in diagnostic.facts],
            "breaks": list(diagnostic.runtime_error),
            "repairs": [serialize_repair(repair) for repair in diagnostic.repairs],
        },
    }
    if len(spans) > 1:
        result["relatedLocations"] = [_build_location(span) for span in spans[1:]]
    return result


def _iterate_message(diagnostic: Diagnostic) -> Iterator[str]:
    """Yield the lines that an editor shows: message, facts, help and repairs."""
    yield diagnostic.message
    yield from (fact.statement for fact in diagnostic.facts)
    yield from diagnostic.help
    for repair in diagnostic.repairs:
        yield f"repair: {describe_edits(repair)}"


def _build_location(span: Span) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _format_uri(span.file)},
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


def _format_uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(os.fsencode(path.as_posix()))
