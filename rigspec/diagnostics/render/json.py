"""Render reports as JSON, a stable format for other programs (schema 1)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from rigspec.diagnostics.model import (
    Diagnostic,
    Edit,
    ExpectedPackage,
    Fact,
    Metric,
    Repair,
    Report,
    Source,
    Span,
)
from rigspec.diagnostics.sanitize import sanitize_json
from rigspec.resolution import Build, EnvResolution, Resolution

__all__ = ["iterate_json", "render_json", "serialize_fact", "serialize_metric", "serialize_repair"]


def render_json(reports: Iterable[Report]) -> str:
    """Return one JSON document for all reports."""
    return "".join(iterate_json(reports))


def iterate_json(reports: Iterable[Report]) -> Iterator[str]:
    """Yield one JSON document for all reports in parts, one for each report."""
    start, end = '{\n  "schema": 1,\n  "results": [', "]\n}"
    for report in reports:
        item = json.dumps(_serialize_report(report), indent=2, ensure_ascii=False)
        indented = item.replace("\n", "\n    ")
        yield sanitize_json(f"{start}\n    {indented}")
        start, end = ",", "\n  ]\n}"
    yield end if start == "," else f"{start}{end}"


def _serialize_report(report: Report) -> dict[str, Any]:
    return {
        "spec": report.spec,
        "machine": report.machine,
        "status": report.status,
        "resolution": _serialize_resolution(report.resolution) if report.resolution else None,
        "packages": [_serialize_package(package) for package in report.packages],
        "hardware": {metric.name: serialize_metric(metric) for metric in report.metrics},
        "diagnostics": [_serialize_diagnostic(diagnostic) for diagnostic in report.diagnostics],
        "ignored": report.ignored,
    }


def _serialize_package(package: ExpectedPackage) -> dict[str, Any]:
    return {
        "env": package.env,
        "name": package.name,
        "version": package.version,
        "exact": package.is_exact,
        "required_by": package.required_by,
        "cuda": package.cuda,
    }


def _serialize_resolution(resolution: Resolution) -> dict[str, Any]:
    return {
        "os": resolution.os,
        "arch": resolution.arch,
        "glibc": resolution.glibc,
        "accelerator": resolution.accelerator,
        "driver": resolution.driver,
        "driver_source": resolution.driver_source,
        "kernel_modules": resolution.kernel_modules,
        "cuda": resolution.cuda,
        "cudnn": resolution.cudnn,
        "cudnn_built_for": resolution.cudnn_cuda,
        "docker": resolution.docker,
        "envs": {env.name: _serialize_environment(env) for env in resolution.envs},
    }


def _serialize_environment(env: EnvResolution) -> dict[str, Any]:
    return {
        "python": env.python,
        "interpreter": env.interpreter,
        "pip": env.pip,
        "installer": env.installer,
        "cuda": env.cuda,
        "frameworks": {pin.name: pin.version for pin in env.frameworks},
        "distributions": {pin.name: pin.version for pin in env.distributions},
        "constraints": list(env.constraints),
        "companions": list(env.companions),
        **({"builds": [_build(build) for build in env.builds]} if env.builds else {}),
    }


def _build(build: Build) -> dict[str, Any]:
    return {
        "framework": build.framework,
        "requirement": build.requirement,
        "index": build.index,
        "cuda": build.cuda,
    }


def _serialize_diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "between": list(diagnostic.components),
        "spans": [_serialize_span(span) for span in diagnostic.spans],
        "facts": [serialize_fact(fact) for fact in diagnostic.facts],
        "breaks": list(diagnostic.runtime_error),
        "help": list(diagnostic.help),
        "repairs": [serialize_repair(repair) for repair in diagnostic.repairs],
    }


def serialize_repair(repair: Repair) -> dict[str, Any]:
    """Return a repair as a JSON object; ``resolution`` is null if other errors remain."""
    return {
        "edits": [_serialize_edit(edit) for edit in repair.edits],
        "resolution": _serialize_resolution(repair.resolution) if repair.resolution else None,
    }


def _serialize_span(span: Span) -> dict[str, Any]:
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "label": span.label,
    }


def serialize_fact(fact: Fact) -> dict[str, Any]:
    """Return a fact as a JSON object; ``source`` is its first source."""
    sources = [_serialize_source(source) for source in fact.sources]
    return {
        "id": fact.id,
        "statement": fact.statement,
        "source": sources[0] if sources else None,
        "sources": sources,
        "confidence": fact.confidence,
    }


def serialize_metric(metric: Metric) -> dict[str, Any]:
    """Return a metric as a JSON object; numbers are strings, so that none is rounded."""
    sources = [_serialize_source(source) for source in metric.sources]
    return {"text": metric.text, **dict(metric.numbers), "sources": sources}


def _serialize_source(source: Source) -> dict[str, Any]:
    return {"title": source.title, "url": source.url, "read": source.read.isoformat()}


def _serialize_edit(edit: Edit) -> dict[str, Any]:
    return {"key": edit.key, "from": edit.before, "to": edit.after}
