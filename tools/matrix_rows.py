"""Rows of the matrix out of rows of a fact table: reading, grouping, writing."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

__all__ = ["Row", "by_minor", "in_range", "minor", "numbers", "ranges", "read", "release", "rule"]

Row = Mapping[str, str]


def read(facts: Path, table: str) -> list[Row]:
    with (facts / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def in_range(version: str, least: str, below: str) -> bool:
    return numbers(least) <= numbers(version) < numbers(below)


def by_minor(rows: Sequence[Row], columns: str, make: Callable[[str, Row], str]) -> Iterator[str]:
    """One row for each minor release; its patch releases must agree in the columns."""
    for version, group in groupby(rows, key=lambda row: minor(row["version"])):
        patches = list(group)
        said = {tuple(row[column] for column in columns.split()) for row in patches}
        if len(said) > 1:
            raise SystemExit(f"patch releases of {version} disagree on {columns}: {said}")
        if all(next(iter(said))):
            yield make(version, patches[0])


def ranges(
    rows: Sequence[Row],
    column: str,
    package: str,
    condition: Mapping[str, str],
    make: Callable[[str, dict[str, str], str, Row], str],
) -> Iterator[str]:
    """One row for each run of releases that agree in a column."""
    ordered = sorted(rows, key=lambda row: numbers(row["version"]))
    for value, group in groupby(ordered, key=lambda row: row[column]):
        run = list(group)
        if value:
            first, last = run[0]["version"], run[-1]["version"]
            span = first if first == last else f"{first}..{last}"
            name = f"{package} {first}" if first == last else f"{package} {first} to {last}"
            when = {"tensorflow": f">={first},<={last}", **condition}
            yield make(f"{package}-{span}", when, name, run[0])


def release(
    version: str,
    *,
    family: str = "",
    provides: Mapping[str, str] | None = None,
    artifacts: Iterable[tuple[str, str, str]] = (),
    figures: Mapping[str, str] | None = None,
    availability: Iterable[tuple[str, str, str]] = (),
    source: Sequence[str],
    of: str = "high",
) -> str:
    lines = ["[[release]]"]
    if family:
        lines.append(f"family = {quoted(family)}")
    lines.append(f"version = {quoted(version)}")
    if provides:
        lines.append(f"provides = {inline(provides)}")
    for name, url, sha256 in artifacts:
        entry = inline({"name": name, "url": url, "sha256": sha256})
        lines.append(f"artifacts = [{entry}]")
    for kind, day, reason in availability:
        lines.append(
            f'availability = [{{ kind = "{kind}", day = {day}, reason = {quoted(reason)} }}]'
        )
    if figures:
        lines.append(f"figures = {inline(figures)}")
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
    breaks: str,
    source: Sequence[str],
    of: str = "high",
) -> str:
    lines = [
        "[[rule]]",
        f"id = {quoted(id_)}",
        f"when = {inline(when)}",
        f"must = {inline(must)}",
        f"code = {quoted(code)}",
        f"statement = {quoted(statement)}",
        f"breaks = {quoted(breaks)}",
        f"source = {inline(list(source))}",
    ]
    if of != "high":
        lines.append(f"confidence = {quoted(of)}")
    return "\n".join(lines) + "\n"


def inline(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {inline(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    return quoted(str(value))


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
