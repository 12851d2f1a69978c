"""Rows of the matrix out of rows of a fact table: reading, grouping, writing."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from packaging.version import Version

__all__ = [
    "Row",
    "Sources",
    "by_minor",
    "full_day",
    "minor",
    "numbers",
    "read",
    "release",
    "rule",
    "runs",
    "span_of",
    "weakest",
]

Row = Mapping[str, str]


def read(facts: Path, table: str) -> list[Row]:
    with (facts / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Sources:
    """Which of a table's sources a row of facts names, by the words each source answers to.

    The words stand beside the source (``match``); a row that names none of them is an error, so
    that a new source in the facts is not lost.
    """

    def __init__(self, overlay: Mapping[str, object]) -> None:
        self._words: dict[str, list[str]] = {}
        declared = overlay.get("source", {})
        for key, source in declared.items() if isinstance(declared, dict) else ():
            self._words[key] = list(source.get("match", ()))

    def of(self, row: Row) -> list[str]:
        """The keys of the sources that a row of facts names."""
        told = row["source"]
        found = [key for key, words in self._words.items() if any(w in told for w in words)]
        if not found:
            raise SystemExit(f"no source of the table answers to `{told}`")
        return found


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def full_day(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\d", text) is not None


def weakest(rows: Iterable[Row]) -> str:
    order = ("low", "medium", "high")
    return min((row["confidence"] for row in rows), key=order.index)


def by_minor(rows: Sequence[Row], columns: str) -> Iterator[tuple[str, list[Row]]]:
    """The rows of each minor release, which must agree in the columns where they are not blank."""
    for version, group in groupby(rows, key=lambda row: minor(row["version"])):
        patches = list(group)
        for column in columns.split():
            said = {row[column] for row in patches} - {""}
            if len(said) > 1:
                raise SystemExit(f"patch releases of {version} disagree on {column}: {said}")
        if any(all(row[column] for column in columns.split()) for row in patches):
            yield version, [row for row in patches if all(row[c] for c in columns.split())]


def runs(rows: Sequence[Row], column: str) -> Iterator[list[Row]]:
    """Consecutive releases that agree in a column; releases where it is blank are left out."""
    ordered = sorted(rows, key=lambda row: Version(row["version"]))
    for value, group in groupby(ordered, key=lambda row: row[column]):
        if value:
            yield list(group)


def span_of(run: Sequence[Row]) -> tuple[str, str, str]:
    """A run of releases as an id, a specifier and words: ``1.5..1.6``, ``>=…``, ``1.5 to 1.6``."""
    first, last = run[0]["version"], run[-1]["version"]
    if first == last:
        return first, f"=={first}", first
    return f"{first}..{last}", f">={first},<={last}", f"{first} to {last}"


def release(
    version: str,
    *,
    family: str = "",
    provides: Mapping[str, object] | None = None,
    artifacts: Iterable[tuple[str, str, str]] = (),
    figures: Mapping[str, str] | None = None,
    availability: Iterable[tuple[str, str, str]] = (),
    names: Sequence[str] = (),
    source: Sequence[str],
    told_by: Mapping[str, Sequence[str]] | None = None,
    of: str = "high",
) -> str:
    lines = ["[[release]]"]
    if family:
        lines.append(f"family = {quoted(family)}")
    lines.append(f"version = {quoted(version)}")
    if names:
        lines.append(f"names = {inline(list(names))}")
    if provides:
        lines.append(f"provides = {inline(provides)}")
    for name, url, sha256 in artifacts:
        entry = inline({"name": name, "url": url, "sha256": sha256})
        lines.append(f"artifacts = [{entry}]")
    for kind, day, reason in availability:
        dated = f"day = {day}, " if day else ""
        entry = f'{{ kind = "{kind}", {dated}reason = {quoted(reason)} }}'
        lines.append(f"availability = [{entry}]")
    if figures:
        lines.append(f"figures = {inline(figures)}")
    if told_by:
        lines.append(f"told_by = {inline({key: list(keys) for key, keys in told_by.items()})}")
    lines.append(f"source = {inline(list(source))}")
    if of != "high":
        lines.append(f"confidence = {quoted(of)}")
    return "\n".join(lines) + "\n"


def rule(
    id_: str,
    *,
    when: Mapping[str, object],
    must: Mapping[str, object],
    code: str,
    statement: str,
    source: Sequence[str],
    breaks: str = "",
    severity: str = "error",
    of: str = "high",
) -> str:
    lines = [
        "[[rule]]",
        f"id = {quoted(id_)}",
        f"when = {inline(when)}",
        f"must = {inline(must)}",
        f"code = {quoted(code)}",
        f"statement = {quoted(statement)}",
    ]
    if breaks:
        lines.append(f"breaks = {quoted(breaks)}")
    if severity != "error":
        lines.append(f"severity = {quoted(severity)}")
    lines.append(f"source = {inline(list(source))}")
    if of != "high":
        lines.append(f"confidence = {quoted(of)}")
    return "\n".join(lines) + "\n"


def inline(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {inline(item)}" for k, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    return quoted(str(value))


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name)
