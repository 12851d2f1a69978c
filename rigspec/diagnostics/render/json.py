"""Reports as JSON, in the form that other programs rely on (schema 1)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from rigspec.diagnostics.model import Diagnostic, Edit, Fact, Measure, Repair, Report, Source, Span
from rigspec.diagnostics.sanitize import plain_json
from rigspec.resolution import EnvResolution, Resolution

__all__ = ["fact_as_json", "measure_as_json", "render_json", "repair_as_json"]


def render_json(reports: Iterable[Report]) -> str:
    """One JSON document for all reports."""
    document = {"schema": 1, "results": [_report(report) for report in reports]}
    return plain_json(json.dumps(document, indent=2, ensure_ascii=False))


def _report(report: Report) -> dict[str, Any]:
    return {
        "spec": report.spec,
        "machine": report.machine,
        "status": report.status,
        "resolution": _resolution(report.resolution) if report.resolution else None,
        "hardware": {measure.name: measure_as_json(measure) for measure in report.hardware},
        "diagnostics": [_diagnostic(diagnostic) for diagnostic in report.diagnostics],
    }


def _resolution(resolution: Resolution) -> dict[str, Any]:
    return {
        "os": resolution.os,
        "arch": resolution.arch,
        "glibc": resolution.glibc,
        "accelerator": resolution.accelerator,
        "driver": resolution.driver,
        "cuda": resolution.cuda,
        "cudnn": resolution.cudnn,
        "cudnn_built_for": resolution.cudnn_cuda,
        "envs": {env.name: _env(env) for env in resolution.envs},
    }


def _env(env: EnvResolution) -> dict[str, Any]:
    return {
        "python": env.python,
        "pip": env.pip,
        "installer": env.installer,
        "cuda": env.cuda,
        "frameworks": {pin.name: pin.version for pin in env.frameworks},
        "distributions": {pin.name: pin.version for pin in env.distributions},
        "constraints": list(env.constraints),
        "companions": list(env.companions),
    }


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "between": list(diagnostic.between),
        "spans": [_span(span) for span in diagnostic.spans],
        "facts": [fact_as_json(fact) for fact in diagnostic.facts],
        "breaks": list(diagnostic.breaks),
        "help": list(diagnostic.help),
        "repairs": [repair_as_json(repair) for repair in diagnostic.repairs],
    }


def repair_as_json(repair: Repair) -> dict[str, Any]:
    """Edits to the spec, and what it resolves to with them, unless other errors stand."""
    return {
        "edits": [_edit(edit) for edit in repair.edits],
        "resolution": _resolution(repair.resolution) if repair.resolution else None,
    }


def _span(span: Span) -> dict[str, Any]:
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "label": span.label,
    }


def fact_as_json(fact: Fact) -> dict[str, Any]:
    """A fact with its sources; ``source`` is the first of them."""
    sources = [_source(source) for source in fact.sources]
    return {
        "id": fact.id,
        "statement": fact.statement,
        "source": sources[0] if sources else None,
        "sources": sources,
        "confidence": fact.confidence,
    }


def measure_as_json(measure: Measure) -> dict[str, Any]:
    """A measure: its words, and each number by its name (as a string, so that none is rounded)."""
    sources = [_source(source) for source in measure.sources]
    return {"text": measure.text, **dict(measure.numbers), "sources": sources}


def _source(source: Source) -> dict[str, Any]:
    return {"title": source.title, "url": source.url, "read": source.read.isoformat()}


def _edit(edit: Edit) -> dict[str, Any]:
    return {"key": edit.key, "from": edit.before, "to": edit.after}
