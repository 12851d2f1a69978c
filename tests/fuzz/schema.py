"""The patterns of the JSON Schema."""

from __future__ import annotations

from typing import Any

__all__ = ["list_schema_patterns"]


def list_schema_patterns(schema: Any) -> set[str]:
    """Return every pattern for a value or a key of the schema."""
    if isinstance(schema, list):
        return set().union(*map(list_schema_patterns, schema))
    if not isinstance(schema, dict):
        return set()
    own = {schema["pattern"]} if isinstance(schema.get("pattern"), str) else set()
    own |= set(schema.get("patternProperties", ()))
    return own.union(*map(list_schema_patterns, schema.values()))
