"""Patterns of secrets: the rules of gitleaks, and rules for forms that it does not know.

Rules are tables. A rule is compiled when a text has one of its keywords: a rig without secrets
costs one look at its text for each keyword. Expressions are RE2's, so the time is linear.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any

from rigspec.cache.matrix_tables import parse_table
from rigspec.frozen import dataclass
from rigspec.package_files import locate_package_file

__all__ = ["SecretRule", "find_secrets", "has_secret_name", "select_rules"]

_TABLES = ("rules.toml", "gitleaks_rules.toml")


@dataclass(frozen=True)
class SecretRule:
    """A row of the tables. ``entropy`` is a lower bound in bits a character."""

    name: str
    keywords: tuple[str, ...]
    pattern: str
    entropy: float = 0.0
    allow: tuple[str, ...] = ()

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the start and end of each secret of this form."""
        lowered = text.lower()
        if not any(keyword in lowered for keyword in self.keywords):
            return
        for match in _compile(self.pattern).finditer(text):
            start, end = _secret_span(match)
            secret = text[start:end]
            if _entropy(secret) >= self.entropy and not _matches_any(self.allow, secret):
                yield start, end


# A report redacts one text several times.
@lru_cache(maxsize=4)
def select_rules(text: str) -> tuple[SecretRule, ...]:
    """Return the rules that can find something in this text, or in any part of it."""
    lowered = text.lower()
    by_keyword = _rules_by_keyword()
    numbers = {n for keyword in by_keyword if keyword in lowered for n in by_keyword[keyword]}
    return tuple(_rules()[number] for number in sorted(numbers))


def find_secrets(
    text: str, rules: Sequence[SecretRule] | None = None
) -> Iterator[tuple[str, int, int]]:
    """Yield the kind (``GitHub token``), start and end of each secret in a text.

    ``rules`` are those of ``select_rules`` for a text that contains this one.
    """
    for rule in select_rules(text) if rules is None else rules:
        for start, end in rule.find(text):
            yield rule.name, start, end


def has_secret_name(key: str, value: str = "?") -> bool:
    """Return whether a value under this key is a secret, by the name of the key.

    A variable (``$TOKEN``), a path, an empty text and a word for yes or no are none.
    """
    names = _names()
    return _compile(names["ends"]).search(key) is not None and not _matches_any(
        names["allow"], value
    )


def _secret_span(match: Any) -> tuple[int, int]:
    groups = range(1, match.re.groups + 1)
    group = next((number for number in groups if match.group(number)), 0)
    start, end = match.span(group)
    return int(start), int(end)


def _entropy(text: str) -> float:
    """Return Shannon's entropy of a text, in bits a character."""
    shares = [count / len(text) for count in Counter(text).values()]
    return -sum(share * math.log2(share) for share in shares)


def _matches_any(patterns: Sequence[str], text: str) -> bool:
    return any(_compile(pattern).search(text) for pattern in patterns)


@cache
def _compile(pattern: str) -> Any:
    # Imported here: most rigs have no keyword of any rule.
    import re2

    return re2.compile(pattern)


@lru_cache(maxsize=1)
def _rules() -> tuple[SecretRule, ...]:
    rows = [row for name in _TABLES for row in _table(name)["rule"]]
    return tuple(
        SecretRule(
            row["name"],
            tuple(row["keywords"]),
            row["pattern"],
            float(row.get("entropy", 0)),
            tuple(row.get("allow", ())),
        )
        for row in rows
    )


@lru_cache(maxsize=1)
def _rules_by_keyword() -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, rule in enumerate(_rules()):
        for keyword in rule.keywords:
            found.setdefault(keyword, []).append(number)
    return found


@lru_cache(maxsize=1)
def _names() -> dict[str, Any]:
    names: dict[str, Any] = _table("rules.toml")["name"]
    return names


def _table(name: str) -> dict[str, Any]:
    return parse_table(name, locate_package_file(__file__, name).read_bytes())
