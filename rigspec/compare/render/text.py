"""A comparison for a person at a terminal: the answers first, then what they rest on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from rigspec.compare.hardware import ONE, TOGETHER
from rigspec.compare.model import Admission, Comparison, Item, Refused, Row
from rigspec.compare.render.formatting import (
    BLANK,
    amount_of,
    counted,
    gist,
    money,
    months,
    only,
    ratio,
    releases,
    software_line,
)
from rigspec.diagnostics.sanitize import sanitize
from rigspec.hardware.sourced_value import SourcedValue

__all__ = ["render_text"]

_WIDTH = 100
# So many differences of one layer, and reasons of one product, are told; other formats tell all.
_TOLD = 8
_REASONS = 3
# What begins longer than this is not hung under.
_HANGING = 12


def render_text(comparison: Comparison) -> str:
    """Everything of a comparison that a person would read on a screen or two."""
    parts = (_answers, _software, _hardware, _money, _runs)
    blocks = ("\n".join(part(comparison)) for part in parts)
    return sanitize("\n\n".join(block for block in blocks if block), keep="\n") + "\n"


def _answers(comparison: Comparison) -> Iterator[str]:
    yield f"{comparison.rig}: {comparison.a.name} beside {comparison.b.name}"
    width = max(len(side.name) for side in comparison.sides)
    for side in comparison.sides:
        yield f"  {side.name:<{width}}  {'rented' if side.rented else 'bought'}: {side.title}"
    yield ""
    yield f"  software  {software_line(comparison)}"
    yield from _wrapped("  money     ", gist(comparison))
    for side, words in zip(comparison.sides, _alone(comparison), strict=True):
        yield from _wrapped("  runs      ", f"on {side.name} only: {words}")


def _alone(comparison: Comparison) -> tuple[str, str]:
    found = comparison.runs.admissions
    a = _counts([(only(each.only_a), each.title) for each in found])
    b = _counts([(only(each.only_b), each.title) for each in found])
    return a, b


def _counts(found: Sequence[tuple[int, str]]) -> str:
    some = [(count, title) for count, title in found if count]
    words = [f"{counted(count, 'release')} of {title}" for count, title in some[:1]]
    words += [f"{count} of {title}" for count, title in some[1:]]
    return ", ".join(words) or "no release"


# --- software ----------------------------------------------------------------------------------


def _software(comparison: Comparison) -> Iterator[str]:
    software = comparison.software
    yield "Software"
    for text in software.without:
        yield from _wrapped("  ", f"not compared: {text}")
    same = [f"{layer.layer} {layer.same}" for layer in software.layers if layer.same]
    if same:
        yield from _wrapped("  the same  ", ", ".join(same))
    names = (comparison.a.name, comparison.b.name)
    for layer, found in groupby(software.differences, key=lambda item: item.layer):
        items = list(found)
        yield f"  {layer}"
        for item in items[:_TOLD]:
            yield from _difference(item, names)
        if len(items) > _TOLD:
            more = len(items) - _TOLD
            yield f"    \N{HORIZONTAL ELLIPSIS} and {more} more: --format json or html"


def _difference(item: Item, names: tuple[str, str]) -> Iterator[str]:
    if item.a is None or item.b is None:
        name, value = (names[0], item.a) if item.b is None else (names[1], item.b)
        told = f"{item.name}: {value}, on {name} only"
    else:
        told = f"{item.name}: {item.a} on {names[0]}, {item.b} on {names[1]}"
    yield from _wrapped("    ", told)
    if item.why:
        yield from _wrapped("      because ", item.why)


# --- parts -------------------------------------------------------------------------------------


def _hardware(comparison: Comparison) -> Iterator[str]:
    a, b = comparison.sides
    lines = [("", a.name, b.name, f"{b.name} / {a.name}")]
    for words in comparison.hardware.words:
        lines.append((words.name, words.a or BLANK, words.b or BLANK, ""))
    shown = [row for row in comparison.hardware.rows if row.known]
    for of, rows in groupby(shown, key=lambda row: row.of):
        lines.append((_HEADS.get(of, of), "", "", ""))
        lines += [(f"  {row.name}", _figure(row.a), _figure(row.b), ratio(row)) for row in rows]
    yield "Parts"
    yield from _table(lines)
    blank = dict.fromkeys(_blank(comparison.hardware.rows))
    if blank:
        yield from _wrapped("  ", f"told of neither: {', '.join(blank)}")
    for note in comparison.hardware.notes:
        yield from _wrapped("  ", note)


_HEADS = {ONE: "one GPU", TOGETHER: "all GPUs of the machine"}


def _blank(rows: Sequence[Row]) -> Iterator[str]:
    return (row.name for row in rows if not row.known and row.of != TOGETHER)


def _figure(figure: SourcedValue | None) -> str:
    if figure is None:
        return BLANK
    unit = "" if figure.unit in ("GPUs", "threads") else f" {figure.unit}"
    return f"{amount_of(figure)}{unit}"


# --- money -------------------------------------------------------------------------------------


def _money(comparison: Comparison) -> Iterator[str]:
    told = comparison.money
    a, b = comparison.sides
    hours = "" if told.hours is None else f", at {told.hours.normalize():f} hours a day"
    yield f"Money{hours}"
    lines = [("", a.name, b.name, "")]
    rows = (
        ("to buy", told.a.price, told.b.price),
        ("an hour", told.a.hourly, told.b.hourly),
        ("a month", told.a.monthly, told.b.monthly),
        ("after a year", told.a.after(12), told.b.after(12)),
        ("after three years", told.a.after(36), told.b.after(36)),
    )
    lines += [(name, money(x), money(y), "") for name, x, y in rows if x or y]
    yield from _table(lines)
    for side, bill in zip(comparison.sides, (told.a, told.b), strict=True):
        for missing in bill.unknown:
            yield from _wrapped("  ", f"not known of {side.name}: {missing}")
    yield from _wrapped("  ", gist(comparison))
    if told.year is not None:
        yield from _wrapped("  ", f"within a year up to a price of {money(told.year)}")
    if told.sensitivities:
        yield "  months until then, if one of these were"
        heads = [
            f"{point.factor.normalize():f} \N{MULTIPLICATION SIGN}"
            for point in told.sensitivities[0].points
        ]
        table = [("", *heads)]
        for line in told.sensitivities:
            values = [months(p.months) if p.months is not None else BLANK for p in line.points]
            table.append((line.of, *values))
        yield from _table(table, indent="    ")
        points = [point for line in told.sensitivities for point in line.points]
        for note in dict.fromkeys(point.note for point in points if point.note):
            yield f"    {BLANK}: {note}"
    if told.assumptions:
        yield "  assuming"
        for text in told.assumptions:
            yield from _wrapped("  - ", text)


# --- what runs ---------------------------------------------------------------------------------


def _runs(comparison: Comparison) -> Iterator[str]:
    names = (comparison.a.name, comparison.b.name)
    yield "Runs, whatever else is installed"
    lines = [(words.name, words.a or BLANK, words.b or BLANK) for words in comparison.runs.features]
    if lines:
        yield from _table([("", *names), *lines])
    alike = []
    for found in comparison.runs.admissions:
        if found.differs:
            yield from _admission(found, names)
        else:
            alike.append(f"{found.title} ({found.a.count})")
    if alike:
        yield from _wrapped("  the same releases on both: ", ", ".join(alike))
    for caveat in comparison.runs.caveats:
        diagnostic = caveat.diagnostic
        told = f"{caveat.machine}: {diagnostic.message}"
        yield from _wrapped(f"  {diagnostic.severity.value}[{diagnostic.code}] ", told)


def _admission(found: Admission, names: tuple[str, str]) -> Iterator[str]:
    newest = [side.newest or "none" for side in (found.a, found.b)]
    yield f"  {found.title}: up to {newest[0]} on {names[0]}, {newest[1]} on {names[1]}"
    sides = ((names[0], names[1], found.only_a), (names[1], names[0], found.only_b))
    for name, other, groups in sides:
        kinds = [list(alike) for _, alike in groupby(groups, key=_kind)]
        for alike in kinds[:_REASONS]:
            yield from _group(alike, name, other)
        more = [group for alike in kinds[_REASONS:] for group in alike]
        if more:
            yield f"    \N{HORIZONTAL ELLIPSIS} and {counted(only(tuple(more)), 'release')} more"


def _kind(group: Refused) -> str:
    """What the reason is about: rows of one table say the same of one release after the other."""
    return group.reason.id.rpartition("/")[2]


def _group(alike: Sequence[Refused], name: str, other: str) -> Iterator[str]:
    group = alike[0]
    found = tuple(release for each in alike for release in each.releases)
    yield f"    on {name} only: {releases(found)}"
    likewise = "; the others likewise" if len(alike) > 1 else ""
    yield from _wrapped(f"      not on {other}: ", group.reason.statement + likewise)
    for source in group.reason.sources[:1]:
        yield f"        <{source.url}>"


# --- lines -------------------------------------------------------------------------------------


def _table(lines: Sequence[tuple[str, ...]], indent: str = "  ") -> Iterator[str]:
    """Columns: names to the left, figures to the right."""
    count = max(len(line) for line in lines)
    widths = [
        max((len(line[i]) for line in lines if i < len(line)), default=0) for i in range(count)
    ]
    for line in lines:
        cells = [f"{line[0]:<{widths[0]}}"]
        cells += [f"{cell:>{width}}" for cell, width in zip(line[1:], widths[1:], strict=False)]
        yield (indent + "   ".join(cells)).rstrip()


def _wrapped(head: str, text: str) -> list[str]:
    hang = " " * (len(head) - len(head.lstrip()) + 2 if len(head) > _HANGING else len(head))
    return textwrap.wrap(
        text, _WIDTH, initial_indent=head, subsequent_indent=hang, break_on_hyphens=False
    ) or [head.rstrip()]
