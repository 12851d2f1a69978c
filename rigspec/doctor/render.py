"""A diagnosis for a person: a line a difference, by layer, and a summary."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from rigspec.doctor.model import Diagnosis, Item, Status

__all__ = ["render_json", "render_text"]


def render_text(diagnosis: Diagnosis) -> str:
    """What is not as promised, what could not be seen, and how many of each."""
    told = [item for item in diagnosis.items if item.status is not Status.OK]
    lines: list[str] = []
    for layer, items in groupby(told, key=lambda item: item.layer):
        lines += [layer, *(f"  {_line(item)}" for item in items)]
    return "\n".join([*lines, *_summary(diagnosis)]) + "\n"


def _line(item: Item) -> str:
    words = f"{item.status.value:<8} {item.name} ({item.aspect}): "
    match item.status:
        case Status.MISSING:
            return f"{words}expected {_shown(item.expected)}, found nothing"
        case Status.EXTRA:
            return f"{words}not in the lock, found {_shown(item.found)}"
        case Status.UNKNOWN:
            return f"{words}expected {_shown(item.expected)}, not seen: {item.reason}"
    return f"{words}expected {_shown(item.expected)}, found {_shown(item.found)}"


def _shown(value: str | None) -> str:
    """On one line: what stands on a machine may hold anything."""
    text = value or "nothing"
    return text if text.isprintable() else ascii(text)


def _summary(diagnosis: Diagnosis) -> Iterator[str]:
    where = diagnosis.rig if diagnosis.machine is None else f"{diagnosis.rig}, {diagnosis.machine}"
    differences, unknown = len(diagnosis.differences), len(diagnosis.unknown)
    well = len(diagnosis.items) - differences - unknown
    counts = [f"{well} as promised"]
    if differences:
        counts.insert(0, f"{differences} {'difference' if differences == 1 else 'differences'}")
    if unknown:
        counts.append(f"{unknown} not seen")
    yield f"{where}, as {diagnosis.target} builds it: {', '.join(counts)}"
    if differences:
        yield "  `rigspec explain RS650` tells what to do; --fix prints the steps that mend it"


_SCHEMA = 1


def render_json(diagnosis: Diagnosis) -> str:
    """Schema 1: ``items`` hold what is well, too, so that two machines can be compared."""
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
