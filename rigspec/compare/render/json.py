"""Render a comparison as JSON (schema 1, in ``comparison.schema.json``).

Numbers are strings, so that none is rounded; null means unknown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from importlib.resources import files
from typing import Any

from rigspec.compare.hardware import ONE, TOGETHER
from rigspec.compare.model import (
    Bill,
    Comparison,
    CompatibilityComparison,
    CostComparison,
    HardwareComparison,
    PaybackSensitivity,
    ProductSupport,
    ReleaseRange,
    Side,
    SoftwareComparison,
    TextRow,
    UnsupportedReleases,
    ValueRow,
)
from rigspec.diagnostics.model import Source
from rigspec.diagnostics.render.json import serialize_fact
from rigspec.diagnostics.sanitize import sanitize_json
from rigspec.hardware.sourced_value import SourcedValue, round_to

__all__ = ["load_json_schema", "render_json"]

_SCHEMA = 1


def render_json(comparison: Comparison) -> str:
    """Return one JSON document; the machines have the keys `a` and `b`."""
    content = {
        "schema": _SCHEMA,
        "rig": comparison.rig,
        "matrix_as_of": comparison.as_of.isoformat(),
        "a": _serialize_side(comparison.a),
        "b": _serialize_side(comparison.b),
        "software": _serialize_software(comparison.software),
        "hardware": _serialize_hardware(comparison.hardware),
        "money": _serialize_cost(comparison.cost),
        "runs": _serialize_compatibility(comparison.compatibility),
    }
    return sanitize_json(json.dumps(content, indent=2, ensure_ascii=False)) + "\n"


def load_json_schema() -> str:
    """Return the JSON Schema of the document."""
    schema = files("rigspec.compare").joinpath("comparison.schema.json")
    return schema.read_text(encoding="utf-8")


def _serialize_side(side: Side) -> dict[str, Any]:
    return {"name": side.name, "rented": side.rented, "title": side.title}


def _serialize_software(software: SoftwareComparison) -> dict[str, Any]:
    return {
        "basis": software.basis,
        "equal": software.is_equal,
        "lock": software.lock,
        "layers": [
            {"layer": layer.layer, "same": layer.same, "differ": layer.differ}
            for layer in software.layers
        ],
        "differences": [
            {"layer": i.layer, "name": i.name, "a": i.a, "b": i.b, "why": i.reason or None}
            for i in software.differences
        ],
        "not_compared": list(software.not_compared),
    }


def _serialize_hardware(hardware: HardwareComparison) -> dict[str, Any]:
    keys = {ONE: "one_gpu", TOGETHER: "all_gpus"}
    return {
        "words": [_serialize_text(row) for row in hardware.texts],
        "figures": [
            {"of": keys.get(row.of, "machine"), **_serialize_row(row)} for row in hardware.rows
        ],
        "notes": list(hardware.notes),
    }


def _serialize_text(row: TextRow) -> dict[str, Any]:
    content = {"key": row.key, "name": row.name, "a": row.a, "b": row.b}
    return {**content, "sources": _serialize_sources(row.sources)}


def _serialize_row(row: ValueRow) -> dict[str, Any]:
    return {
        "key": row.key,
        "name": row.name,
        "a": _serialize_value(row.a),
        "b": _serialize_value(row.b),
        "ratio": _format_number(row.ratio, 4),
    }


def _serialize_value(figure: SourcedValue | None) -> dict[str, Any] | None:
    if figure is None:
        return None
    return {
        "amount": figure.number,
        "unit": figure.unit,
        "origin": figure.origin,
        "note": figure.note or None,
        "sources": _serialize_sources(figure.sources),
    }


def _serialize_cost(cost: CostComparison) -> dict[str, Any]:
    payback = cost.payback
    return {
        "hours_a_day": _format_number(cost.hours),
        "a": _serialize_bill(cost.a),
        "b": _serialize_bill(cost.b),
        "payback": None
        if payback is None
        else {
            "months": _format_number(payback.months, 2),
            "price": _serialize_value(payback.price),
            "monthly_owned": _serialize_value(payback.owned),
            "monthly_rented": _serialize_value(payback.rented),
            "within_a_year_up_to": _serialize_value(cost.year),
        },
        "no_payback": cost.verdict or None,
        "assumptions": list(cost.assumptions),
        "sensitivity": [_serialize_sensitivity(line) for line in cost.sensitivities],
    }


def _serialize_bill(bill: Bill) -> dict[str, Any]:
    return {
        "price": _serialize_value(bill.price),
        "hourly": _serialize_value(bill.hourly),
        "monthly": _serialize_value(bill.monthly),
        "read": bill.read,
        "scope": bill.scope,
        "not_known": list(bill.unknown),
    }


def _serialize_sensitivity(line: PaybackSensitivity) -> dict[str, Any]:
    points = [
        {
            "factor": _format_number(point.factor),
            "value": point.value,
            "months": _format_number(point.months, 2),
            "note": point.note or None,
        }
        for point in line.points
    ]
    return {"of": line.of, "points": points}


def _serialize_compatibility(compatibility: CompatibilityComparison) -> dict[str, Any]:
    return {
        "features": [_serialize_text(row) for row in compatibility.features],
        "products": [_serialize_product(product) for product in compatibility.products],
        "caveats": [
            {
                "machine": note.machine,
                "code": note.diagnostic.code,
                "severity": note.diagnostic.severity.value,
                "message": note.diagnostic.message,
                "facts": [serialize_fact(fact) for fact in note.diagnostic.facts],
            }
            for note in compatibility.notes
        ],
    }


def _serialize_product(product: ProductSupport) -> dict[str, Any]:
    return {
        "product": product.product,
        "title": product.title,
        "asked_by_rig": product.requested,
        "a": _serialize_range(product.a),
        "b": _serialize_range(product.b),
        "only_a": [_serialize_refused(group) for group in product.only_a],
        "only_b": [_serialize_refused(group) for group in product.only_b],
    }


def _serialize_range(range_: ReleaseRange) -> dict[str, Any]:
    return {"count": range_.count, "newest": range_.newest, "oldest": range_.oldest}


def _serialize_refused(group: UnsupportedReleases) -> dict[str, Any]:
    return {
        "releases": list(group.releases),
        "reason": serialize_fact(group.reason),
        "facts": [serialize_fact(fact) for fact in group.facts],
    }


def _serialize_sources(sources: Iterable[Source]) -> list[dict[str, Any]]:
    return [{"title": s.title, "url": s.url, "read": s.read.isoformat()} for s in sources]


def _format_number(amount: Decimal | None, places: int | None = None) -> str | None:
    if amount is None:
        return None
    return f"{(amount if places is None else round_to(amount, places)).normalize():f}"
