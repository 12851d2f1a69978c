"""A diagnosis for a program: everything that was seen, sorted, the same for the same machine."""

from __future__ import annotations

import json
from collections import Counter

from rigspec.doctor.model import Diagnosis, Item, Status

__all__ = ["render_json"]

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
