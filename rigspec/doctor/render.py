"""Render a diagnosis as text or JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from rigspec.doctor.model import Diagnosis, Item, Status

__all__ = ["render_json", "render_text"]


def render_text(diagnosis: Diagnosis) -> str:
    """Return the differences and unknown items by layer, and a summary."""
    shown = [item for item in diagnosis.items if item.status is not Status.OK]
    lines: list[str] = []
    for layer, items in groupby(shown, key=lambda item: item.layer):
        lines += [layer, *(f"  {_format_item(item)}" for item in items)]
    return "\n".join([*lines, *_summary(diagnosis)]) + "\n"


def _format_item(item: Item) -> str:
    prefix = f"{item.status.value:<8} {item.name} ({item.aspect}): "
    match item.status:
        case Status.MISSING:
            return f"{prefix}expected {_format_value(item.expected)}, found nothing"
        case Status.EXTRA:
            return f"{prefix}not in the lock, found {_format_value(item.found)}"
        case Status.UNKNOWN:
            return f"{prefix}expected {_format_value(item.expected)}, unknown: {item.reason}"
    return f"{prefix}expected {_format_value(item.expected)}, found {_format_value(item.found)}"


def _format_value(value: str | None) -> str:
    """Return a value on one line, with non-printable characters escaped."""
    text = value or "nothing"
    return text if text.isprintable() else ascii(text)


def _summary(diagnosis: Diagnosis) -> Iterator[str]:
    name = diagnosis.rig if diagnosis.machine is None else f"{diagnosis.rig}/{diagnosis.machine}"
    differences, unknown = len(diagnosis.differences), len(diagnosis.unknown)
    ok = len(diagnosis.items) - differences - unknown
    counts = [f"{ok} ok"]
    if differences:
        counts.insert(0, f"{differences} {'difference' if differences == 1 else 'differences'}")
    if unknown:
        counts.append(f"{unknown} unknown")
    yield f"{name} (target {diagnosis.target}): {', '.join(counts)}"
    if differences:
        yield "  help: run `rigspec explain RS650`, or `rigspec doctor --fix` to print a fix"


_SCHEMA = 1


def render_json(diagnosis: Diagnosis) -> str:
    """Return JSON, schema 1; ``items`` include those that are ok, for comparing machines."""
    counted = Counter(item.status for item in diagnosis.items)
    content = {
        "schema": _SCHEMA,
        "code": "RS650" if diagnosis.differences else None,
        "rig": diagnosis.rig,
        "machine": diagnosis.machine,
        "target": diagnosis.target,
        "lock": diagnosis.lock,
        "status": "differs" if diagnosis.differences else "ok",
        "counts": {status.value: counted[status] for status in Status},
        "items": [_item(item) for item in diagnosis.items],
    }
    return json.dumps(content, indent=2, ensure_ascii=True) + "\n"


def _item(item: Item) -> dict[str, str | None]:
    return {
        "layer": item.layer,
        "name": item.name,
        "aspect": item.aspect,
        "expected": item.expected,
        "found": item.found,
        "status": item.status.value,
        "step": item.step,
        "reason": item.reason,
    }
