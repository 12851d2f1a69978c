"""Versions as Poetry writes them: ``^2.4``, ``~1.2``, ``>=1,<2``."""

from __future__ import annotations

from poetry.core.constraints.version import parse_constraint
from poetry.core.constraints.version.exceptions import ParseConstraintError

__all__ = ["convert_poetry_version"]


def convert_poetry_version(text: str) -> str | None:
    """Return the specifier of PEP 440, or None if the versions are not one range."""
    try:
        constraint = parse_constraint(text)
    except (ParseConstraintError, ValueError):
        return None
    if constraint.is_any():
        return "*"
    written = str(constraint)
    if constraint.is_empty() or "||" in written:
        return None
    return written if written[:1] in "<>=!~" else f"=={written}"
