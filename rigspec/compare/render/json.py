"""A comparison for a program (schema 1, in `comparison.schema.json` beside this module).

Numbers are strings, so that none is rounded; null is what nobody tells.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from importlib.resources import files
from typing import Any

from rigspec.compare.hardware import ONE, TOGETHER
from rigspec.compare.model import (
    Admission,
    Bill,
    Comparison,
    Hardware,
    Money,
    Range,
    Refused,
    Row,
    Runs,
    Sensitivity,
    Side,
    Software,
    Words,
)
from rigspec.diagnostics.model import Source
from rigspec.diagnostics.render.json import serialize_fact
from rigspec.diagnostics.sanitize import sanitize_json
from rigspec.hardware.sourced_value import SourcedValue, rounded

__all__ = ["json_schema", "render_json"]

_SCHEMA = 1


def render_json(comparison: Comparison) -> str:
    """One JSON document: both machines are called `a` and `b` throughout."""
    content = {
        "schema": _SCHEMA,
        "rig": comparison.rig,
        "matrix_as_of": comparison.as_of.isoformat(),
        "a": _side(comparison.a),
        "b": _side(comparison.b),
        "software": _software(comparison.software),
        "hardware": _hardware(comparison.hardware),
        "money": _money(comparison.money),
        "runs": _runs(comparison.runs),
    }
    return sanitize_json(json.dumps(content, indent=2, ensure_ascii=False)) + "\n"


def json_schema() -> str:
    """The JSON Schema of what ``render_json`` writes."""
    schema = files("rigspec.compare").joinpath("comparison.schema.json")
    return schema.read_text(encoding="utf-8")


def _side(side: Side) -> dict[str, Any]:
    return {"name": side.name, "rented": side.rented, "title": side.title}


def _software(software: Software) -> dict[str, Any]:
    return {
        "basis": software.basis,
        "equal": software.equal,
        "lock": software.lock,
        "layers": [
            {"layer": layer.layer, "same": layer.same, "differ": layer.differ}
            for layer in software.layers
        ],
        "differences": [
            {"layer": i.layer, "name": i.name, "a": i.a, "b": i.b, "why": i.why or None}
            for i in software.differences
        ],
        "not_compared": list(software.without),
    }


def _hardware(hardware: Hardware) -> dict[str, Any]:
    keys = {ONE: "one_gpu", TOGETHER: "all_gpus"}
    return {
        "words": [_words(words) for words in hardware.words],
        "figures": [{"of": keys.get(row.of, "machine"), **_row(row)} for row in hardware.rows],
        "notes": list(hardware.notes),
    }


def _words(words: Words) -> dict[str, Any]:
    told = {"key": words.key, "name": words.name, "a": words.a, "b": words.b}
    return {**told, "sources": _sources(words.sources)}


def _row(row: Row) -> dict[str, Any]:
    return {
        "key": row.key,
        "name": row.name,
        "a": _figure(row.a),
        "b": _figure(row.b),
        "ratio": _number(row.ratio, 4),
    }


def _figure(figure: SourcedValue | None) -> dict[str, Any] | None:
    if figure is None:
        return None
    return {
        "amount": figure.number,
        "unit": figure.unit,
        "origin": figure.origin,
        "note": figure.note or None,
        "sources": _sources(figure.sources),
    }


def _money(money: Money) -> dict[str, Any]:
    payback = money.payback
    return {
        "hours_a_day": _number(money.hours),
        "a": _bill(money.a),
        "b": _bill(money.b),
        "payback": None
        if payback is None
        else {
            "months": _number(payback.months, 2),
            "price": _figure(payback.price),
            "monthly_owned": _figure(payback.owned),
            "monthly_rented": _figure(payback.rented),
            "within_a_year_up_to": _figure(money.year),
        },
        "no_payback": money.verdict or None,
        "assumptions": list(money.assumptions),
        "sensitivity": [_sensitivity(line) for line in money.sensitivities],
    }


def _bill(bill: Bill) -> dict[str, Any]:
    return {
        "price": _figure(bill.price),
        "hourly": _figure(bill.hourly),
        "monthly": _figure(bill.monthly),
        "read": bill.read,
        "scope": bill.scope,
        "not_known": list(bill.unknown),
    }


def _sensitivity(line: Sensitivity) -> dict[str, Any]:
    points = [
        {
            "factor": _number(point.factor),
            "value": point.value,
            "months": _number(point.months, 2),
            "note": point.note or None,
        }
        for point in line.points
    ]
    return {"of": line.of, "points": points}


def _runs(runs: Runs) -> dict[str, Any]:
    return {
        "features": [_words(words) for words in runs.features],
        "products": [_admission(found) for found in runs.admissions],
        "caveats": [
            {
                "machine": caveat.machine,
                "code": caveat.diagnostic.code,
                "severity": caveat.diagnostic.severity.value,
                "message": caveat.diagnostic.message,
                "facts": [serialize_fact(fact) for fact in caveat.diagnostic.facts],
            }
            for caveat in runs.caveats
        ],
    }


def _admission(found: Admission) -> dict[str, Any]:
    return {
        "product": found.product,
        "title": found.title,
        "asked_by_rig": found.asked,
        "a": _range(found.a),
        "b": _range(found.b),
        "only_a": [_refused(group) for group in found.only_a],
        "only_b": [_refused(group) for group in found.only_b],
    }


def _range(found: Range) -> dict[str, Any]:
    return {"count": found.count, "newest": found.newest, "oldest": found.oldest}


def _refused(group: Refused) -> dict[str, Any]:
    return {
        "releases": list(group.releases),
        "reason": serialize_fact(group.reason),
        "facts": [serialize_fact(fact) for fact in group.facts],
    }


def _sources(sources: Iterable[Source]) -> list[dict[str, Any]]:
    return [{"title": s.title, "url": s.url, "read": s.read.isoformat()} for s in sources]


def _number(amount: Decimal | None, places: int | None = None) -> str | None:
    if amount is None:
        return None
    return f"{(amount if places is None else rounded(amount, places)).normalize():f}"
