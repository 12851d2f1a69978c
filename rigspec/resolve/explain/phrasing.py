"""Format a rule of the matrix for the value it was checked against."""

from __future__ import annotations

from rigspec.diagnostics.model import Fact
from rigspec.matrix.model import Rule

__all__ = ["add_article", "convert_rule_to_fact", "format_statement"]

# Letters whose names begin with a vowel: an RTX, an H100, an L4.
_SPELT_WITH_A_VOWEL = "AEFHILMNORSX"


def format_statement(text: str, value: str | None) -> str:
    """Return the text of a rule for one value: ``{value}``, or ``{sm}`` as compilers write it."""
    compilers = f"sm_{value.replace('.', '')}" if value is not None else "this GPU"
    return text.replace("{sm}", compilers).replace("{value}", value or "another")


def add_article(name: str) -> str:
    """Return the name with its article: ``an RTX 2070``, ``a GTX 1080``."""
    first = name.split(" ")[0]
    has_vowel = not set("aeiou").isdisjoint(first.lower())
    if first.isupper() or not has_vowel or any(character.isdigit() for character in first):
        vowel = first[:1].upper() in _SPELT_WITH_A_VOWEL
    else:
        vowel = first[:1].lower() in "aeio"
    return f"{'an' if vowel else 'a'} {name}"


def convert_rule_to_fact(rule: Rule, value: str | None = None) -> Fact:
    """Return a rule of the matrix as a fact."""
    return Fact(rule.id, format_statement(rule.statement, value), rule.sources, rule.confidence)
