"""Render a diagnosis as text or JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rigspec.doctor.model import Diagnosis
from rigspec.plan.inspection.findings import Finding, Status
from rigspec.plan.steps import Step

__all__ = ["render_json", "render_text"]


# How many steps to start with the summary names.
_FIRST = 3


def render_text(diagnosis: Diagnosis, steps: Sequence[Step]) -> str:
    """Return the differences and unknown items by layer, and a summary.

    Several steps can need one package: a finding is shown once. The summary names the first of the
    ``steps`` that have a difference.
    """
    shown = _list_unique(item for item in diagnosis.items if item.status is not Status.OK)
    lines: list[str] = []
    for layer, items in groupby(shown, key=lambda item: item.layer):
        lines += [layer, *(f"  {_format_item(item)}" for item in items)]
    return "\n".join([*lines, *_summary(diagnosis, steps)]) + "\n"


def _list_unique(items: Iterable[Finding]) -> list[Finding]:
    unique: dict[tuple[str, str, str | None, str | None, Status], Finding] = {}
    for item in items:
        unique.setdefault((item.name, item.aspect, item.expected, item.found, item.status), item)
    return list(unique.values())


def _format_item(item: Finding) -> str:
    prefix = f"{item.status.value:<8} {item.name} ({item.aspect}): "
    match item.status:
        case Status.MISSING if item.expected is None:
            return f"{prefix}not found"
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


def _summary(diagnosis: Diagnosis, steps: Sequence[Step]) -> Iterator[str]:
    name = diagnosis.rig if diagnosis.machine is None else f"{diagnosis.rig}/{diagnosis.machine}"
    differences = len(_list_unique(diagnosis.differences))
    unknown = len(_list_unique(diagnosis.unknown))
    ok = len(_list_unique(item for item in diagnosis.items if item.status is Status.OK))
    counts = [f"{ok} ok"]
    if differences:
        counts.insert(0, f"{differences} {'difference' if differences == 1 else 'differences'}")
    if unknown:
        counts.append(f"{unknown} unknown")
    yield f"{name} (target {diagnosis.target}): {', '.join(counts)}"
    if differences:
        broken = {item.step for item in diagnosis.differences}
        titles = [step.title for step in steps if step.id in broken and step.kind != "verify"]
        yield from (f"  {number}. {title}" for number, title in enumerate(titles[:_FIRST], 1))
        if len(titles) > _FIRST:
            yield f"  and {len(titles) - _FIRST} more"
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


def _item(item: Finding) -> dict[str, str | None]:
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
