"""Serialize reports for the cache; the format is not meant for other programs."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from rigspec.diagnostics.model import (
    Diagnostic,
    Edit,
    ExpectedPackage,
    Fact,
    Metric,
    Repair,
    Report,
    Severity,
    Source,
    Span,
)
from rigspec.resolution import Build, EnvResolution, Pin, Resolution

__all__ = ["parse_reports", "serialize_reports"]


def serialize_reports(reports: Iterable[Report]) -> str:
    """Return reports as JSON, with all their fields."""
    return json.dumps([asdict(report) for report in reports], default=str)


def parse_reports(text: str) -> list[Report]:
    """Parse serialized reports.

    Raises:
        KeyError, TypeError, ValueError: if the text has another format.

    """
    return [_parse_report(item) for item in json.loads(text)]


def _parse_report(item: Mapping[str, Any]) -> Report:
    resolution = item["resolution"]
    return Report(
        spec=item["spec"],
        machine=item["machine"],
        status=item["status"],
        resolution=_parse_resolution(resolution) if resolution is not None else None,
        diagnostics=tuple(_parse_diagnostic(entry) for entry in item["diagnostics"]),
        metrics=tuple(_parse_metric(entry) for entry in item["metrics"]),
        imported=tuple(item["imported"]),
        ignored=int(item["ignored"]),
        packages=tuple(ExpectedPackage(**package) for package in item["packages"]),
    )


def _parse_diagnostic(item: Mapping[str, Any]) -> Diagnostic:
    return Diagnostic(
        code=item["code"],
        severity=Severity(item["severity"].rpartition(".")[2].lower()),
        message=item["message"],
        components=tuple(item["components"]),
        spans=tuple(Span(**span) for span in item["spans"]),
        facts=tuple(_parse_fact(fact) for fact in item["facts"]),
        runtime_error=tuple(item["runtime_error"]),
        help=tuple(item["help"]),
        repairs=tuple(_parse_repair(repair) for repair in item["repairs"]),
    )


def _parse_repair(item: Mapping[str, Any]) -> Repair:
    resolution = item["resolution"]
    return Repair(
        edits=tuple(Edit(**edit) for edit in item["edits"]),
        resolution=_parse_resolution(resolution) if resolution is not None else None,
    )


def _parse_fact(item: Mapping[str, Any]) -> Fact:
    return Fact(item["id"], item["statement"], _parse_sources(item), item["confidence"])


def _parse_metric(item: Mapping[str, Any]) -> Metric:
    numbers = tuple((name, number) for name, number in item["numbers"])
    return Metric(item["name"], item["text"], numbers, _parse_sources(item))


def _parse_sources(item: Mapping[str, Any]) -> tuple[Source, ...]:
    return tuple(
        Source(source["title"], source["url"], dt.date.fromisoformat(source["read"]))
        for source in item["sources"]
    )


def _parse_resolution(item: Mapping[str, Any]) -> Resolution:
    envs = tuple(
        EnvResolution(
            name=env["name"],
            python=env["python"],
            pip=env["pip"],
            frameworks=tuple(Pin(**pin) for pin in env["frameworks"]),
            distributions=tuple(Pin(**pin) for pin in env["distributions"]),
            constraints=tuple(env["constraints"]),
            companions=tuple(env["companions"]),
            installer=env["installer"],
            cuda=env["cuda"],
            builds=tuple(Build(**build) for build in env["builds"]),
            interpreter=env["interpreter"],
        )
        for env in item["envs"]
    )
    return Resolution(**{**item, "envs": envs})
