"""Reports as plain JSON and back, whole: for a cache, not for other programs."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from rigspec.diagnostics.model import (
    Diagnostic,
    Edit,
    Fact,
    Measure,
    Repair,
    Report,
    Severity,
    Source,
    Span,
)
from rigspec.resolution import EnvResolution, Pin, Resolution

__all__ = ["read_reports", "written_reports"]


def written_reports(reports: Iterable[Report]) -> str:
    """Everything the reports hold, as JSON."""
    return json.dumps([asdict(report) for report in reports], default=str)


def read_reports(text: str) -> list[Report]:
    """The reports that were written. Raises KeyError, TypeError or ValueError for other text."""
    return [_report(item) for item in json.loads(text)]


def _report(item: Mapping[str, Any]) -> Report:
    found = item["resolution"]
    return Report(
        spec=item["spec"],
        machine=item["machine"],
        status=item["status"],
        resolution=_resolution(found) if found is not None else None,
        diagnostics=tuple(_diagnostic(entry) for entry in item["diagnostics"]),
        hardware=tuple(_measure(entry) for entry in item["hardware"]),
    )


def _diagnostic(item: Mapping[str, Any]) -> Diagnostic:
    return Diagnostic(
        code=item["code"],
        severity=Severity(item["severity"].rpartition(".")[2].lower()),
        message=item["message"],
        between=tuple(item["between"]),
        spans=tuple(Span(**span) for span in item["spans"]),
        facts=tuple(_fact(fact) for fact in item["facts"]),
        breaks=tuple(item["breaks"]),
        help=tuple(item["help"]),
        repairs=tuple(_repair(repair) for repair in item["repairs"]),
    )


def _repair(item: Mapping[str, Any]) -> Repair:
    found = item["resolution"]
    resolution = _resolution(found) if found is not None else None
    return Repair(tuple(Edit(**edit) for edit in item["edits"]), resolution)


def _fact(item: Mapping[str, Any]) -> Fact:
    return Fact(item["id"], item["statement"], _sources(item), item["confidence"])


def _measure(item: Mapping[str, Any]) -> Measure:
    numbers = tuple((name, number) for name, number in item["numbers"])
    return Measure(item["name"], item["text"], numbers, _sources(item))


def _sources(item: Mapping[str, Any]) -> tuple[Source, ...]:
    return tuple(
        Source(source["title"], source["url"], dt.date.fromisoformat(source["read"]))
        for source in item["sources"]
    )


def _resolution(item: Mapping[str, Any]) -> Resolution:
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
        )
        for env in item["envs"]
    )
    return Resolution(**{**item, "envs": envs})
