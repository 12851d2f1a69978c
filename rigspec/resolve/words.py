"""A row of the matrix in words, with the value it was held against."""

from __future__ import annotations

from rigspec.diagnostics.model import Fact
from rigspec.matrix.model import Rule

__all__ = ["fact_of", "filled"]


def filled(text: str, value: str | None) -> str:
    """The text of a rule for one value: ``{value}`` as it is, ``{sm}`` as compilers write it."""
    compilers = f"sm_{value.replace('.', '')}" if value is not None else "this GPU"
    return text.replace("{sm}", compilers).replace("{value}", value or "another")


def fact_of(rule: Rule, value: str | None = None) -> Fact:
    """One row of the matrix as a fact."""
    return Fact(rule.id, filled(rule.statement, value), rule.sources, rule.confidence)
