"""Render a comparison as text: results first, then details."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from rigspec.compare.hardware import ONE, TOGETHER
from rigspec.compare.model import (
    Comparison,
    DifferentItem,
    ProductSupport,
    UnsupportedReleases,
    ValueRow,
)
from rigspec.compare.render.formatting import (
    BLANK,
    count_releases,
    format_amount,
    format_count,
    format_money,
    format_months,
    format_ratio,
    format_releases,
    format_software_verdict,
    format_verdict,
)
from rigspec.diagnostics.sanitize import sanitize
from rigspec.hardware.sourced_value import SourcedValue

__all__ = ["render_text"]

_WIDTH = 100
# Maximum number of differences per layer and of reasons per product; other formats show all.
_MAX_DIFFERENCES = 8
_MAX_REASONS = 3
# Longest head that continuation lines are aligned to.
_MAX_INDENT = 12


def render_text(comparison: Comparison) -> str:
    """Return a comparison as text for a terminal."""
    parts = (
        _iterate_results,
        _iterate_software,
        _iterate_hardware,
        _iterate_cost,
        _iterate_compatibility,
    )
    blocks = ("\n".join(part(comparison)) for part in parts)
    return sanitize("\n\n".join(block for block in blocks if block), keep="\n") + "\n"


def _iterate_results(comparison: Comparison) -> Iterator[str]:
    yield f"{comparison.rig}: {comparison.a.name} compared with {comparison.b.name}"
    width = max(len(side.name) for side in comparison.sides)
    for side in comparison.sides:
        yield f"  {side.name:<{width}}  {'rented' if side.rented else 'bought'}: {side.title}"
    yield ""
    yield f"  software  {format_software_verdict(comparison)}"
    yield from _wrap("  cost      ", format_verdict(comparison))
    for side, text in zip(comparison.sides, _list_exclusive(comparison), strict=True):
        yield from _wrap("  runs      ", f"on {side.name} only: {text}")


def _list_exclusive(comparison: Comparison) -> tuple[str, str]:
    products = comparison.compatibility.products
    a = _format_counts([(count_releases(product.only_a), product.title) for product in products])
    b = _format_counts([(count_releases(product.only_b), product.title) for product in products])
    return a, b


def _format_counts(counts: Sequence[tuple[int, str]]) -> str:
    some = [(count, title) for count, title in counts if count]
    texts = [f"{format_count(count, 'release')} of {title}" for count, title in some[:1]]
    texts += [f"{count} of {title}" for count, title in some[1:]]
    return ", ".join(texts) or "no release"


# --- software ----------------------------------------------------------------------------------


def _iterate_software(comparison: Comparison) -> Iterator[str]:
    software = comparison.software
    yield "Software"
    for text in software.not_compared:
        yield from _wrap("  ", f"not compared: {text}")
    same = [f"{layer.layer} {layer.same}" for layer in software.layers if layer.same]
    if same:
        yield from _wrap("  the same  ", ", ".join(same))
    names = (comparison.a.name, comparison.b.name)
    for layer, group in groupby(software.differences, key=lambda item: item.layer):
        items = list(group)
        yield f"  {layer}"
        for item in items[:_MAX_DIFFERENCES]:
            yield from _format_difference(item, names)
        if len(items) > _MAX_DIFFERENCES:
            more = len(items) - _MAX_DIFFERENCES
            yield f"    \N{HORIZONTAL ELLIPSIS} and {more} more; use `--format json` or `html`"


def _format_difference(item: DifferentItem, names: tuple[str, str]) -> Iterator[str]:
    if item.a is None or item.b is None:
        name, value = (names[0], item.a) if item.b is None else (names[1], item.b)
        text = f"{item.name}: {value}, on {name} only"
    else:
        text = f"{item.name}: {item.a} on {names[0]}, {item.b} on {names[1]}"
    yield from _wrap("    ", text)
    if item.reason:
        yield from _wrap("      reason: ", item.reason)


# --- hardware ----------------------------------------------------------------------------------


def _iterate_hardware(comparison: Comparison) -> Iterator[str]:
    a, b = comparison.sides
    lines = [("", a.name, b.name, f"{b.name} / {a.name}")]
    for row in comparison.hardware.texts:
        lines.append((row.name, row.a or BLANK, row.b or BLANK, ""))
    shown = [row for row in comparison.hardware.rows if row.is_known]
    for of, rows in groupby(shown, key=lambda row: row.of):
        lines.append((_SCOPE_TITLES.get(of, of), "", "", ""))
        lines += [
            (f"  {row.name}", _format_value(row.a), _format_value(row.b), format_ratio(row))
            for row in rows
        ]
    yield "Hardware"
    yield from _format_table(lines)
    unknown = dict.fromkeys(_iterate_unknown(comparison.hardware.rows))
    if unknown:
        yield from _wrap("  ", f"unknown for both: {', '.join(unknown)}")
    for note in comparison.hardware.notes:
        yield from _wrap("  ", note)


_SCOPE_TITLES = {ONE: "one GPU", TOGETHER: "all GPUs of the machine"}


def _iterate_unknown(rows: Sequence[ValueRow]) -> Iterator[str]:
    return (row.name for row in rows if not row.is_known and row.of != TOGETHER)


def _format_value(figure: SourcedValue | None) -> str:
    if figure is None:
        return BLANK
    unit = "" if figure.unit in ("GPUs", "threads") else f" {figure.unit}"
    return f"{format_amount(figure)}{unit}"


# --- cost --------------------------------------------------------------------------------------


def _iterate_cost(comparison: Comparison) -> Iterator[str]:
    cost = comparison.cost
    a, b = comparison.sides
    hours = "" if cost.hours is None else f", at {cost.hours.normalize():f} hours per day"
    yield f"Cost{hours}"
    lines = [("", a.name, b.name, "")]
    rows = (
        ("price", cost.a.price, cost.b.price),
        ("per hour", cost.a.hourly, cost.b.hourly),
        ("per month", cost.a.monthly, cost.b.monthly),
        ("after a year", cost.a.compute_total(12), cost.b.compute_total(12)),
        ("after three years", cost.a.compute_total(36), cost.b.compute_total(36)),
    )
    lines += [(name, format_money(x), format_money(y), "") for name, x, y in rows if x or y]
    yield from _format_table(lines)
    for side, bill in zip(comparison.sides, (cost.a, cost.b), strict=True):
        for missing in bill.unknown:
            yield from _wrap("  ", f"{side.name}: {missing}")
    yield from _wrap("  ", format_verdict(comparison))
    if cost.year is not None:
        yield from _wrap("  ", f"pays off within a year up to a price of {format_money(cost.year)}")
    if cost.sensitivities:
        yield "  months to pay off, if one assumption is multiplied"
        heads = [
            f"{point.factor.normalize():f} \N{MULTIPLICATION SIGN}"
            for point in cost.sensitivities[0].points
        ]
        table = [("", *heads)]
        for line in cost.sensitivities:
            values = [
                format_months(p.months) if p.months is not None else BLANK for p in line.points
            ]
            table.append((line.of, *values))
        yield from _format_table(table, indent="    ")
        points = [point for line in cost.sensitivities for point in line.points]
        for note in dict.fromkeys(point.note for point in points if point.note):
            yield f"    {BLANK}: {note}"
    if cost.assumptions:
        yield "  assumptions"
        for text in cost.assumptions:
            yield from _wrap("  - ", text)


# --- compatibility -----------------------------------------------------------------------------


def _iterate_compatibility(comparison: Comparison) -> Iterator[str]:
    names = (comparison.a.name, comparison.b.name)
    yield "Compatibility, regardless of other software"
    lines = [
        (row.name, row.a or BLANK, row.b or BLANK) for row in comparison.compatibility.features
    ]
    if lines:
        yield from _format_table([("", *names), *lines])
    equal = []
    for product in comparison.compatibility.products:
        if product.is_different:
            yield from _iterate_product(product, names)
        else:
            equal.append(f"{product.title} ({product.a.count})")
    if equal:
        yield from _wrap("  the same releases on both: ", ", ".join(equal))
    for note in comparison.compatibility.notes:
        diagnostic = note.diagnostic
        text = f"{note.machine}: {diagnostic.message}"
        yield from _wrap(f"  {diagnostic.severity.value}[{diagnostic.code}] ", text)


def _iterate_product(product: ProductSupport, names: tuple[str, str]) -> Iterator[str]:
    newest = [side.newest or "none" for side in (product.a, product.b)]
    yield f"  {product.title}: up to {newest[0]} on {names[0]}, {newest[1]} on {names[1]}"
    sides = ((names[0], names[1], product.only_a), (names[1], names[0], product.only_b))
    for name, other, groups in sides:
        merged = [list(similar) for _, similar in groupby(groups, key=_get_rule_kind)]
        for similar in merged[:_MAX_REASONS]:
            yield from _iterate_group(similar, name, other)
        more = [group for similar in merged[_MAX_REASONS:] for group in similar]
        if more:
            count = format_count(count_releases(tuple(more)), "release")
            yield f"    \N{HORIZONTAL ELLIPSIS} and {count} more"


def _get_rule_kind(group: UnsupportedReleases) -> str:
    """Return the kind of rule; rules of one kind differ only in the release."""
    return group.reason.id.rpartition("/")[2]


def _iterate_group(similar: Sequence[UnsupportedReleases], name: str, other: str) -> Iterator[str]:
    group = similar[0]
    found = tuple(release for each in similar for release in each.releases)
    yield f"    on {name} only: {format_releases(found)}"
    suffix = "; similar for the others" if len(similar) > 1 else ""
    yield from _wrap(f"      not on {other}: ", group.reason.statement + suffix)
    for source in group.reason.sources[:1]:
        yield f"        <{source.url}>"


# --- lines -------------------------------------------------------------------------------------


def _format_table(lines: Sequence[tuple[str, ...]], indent: str = "  ") -> Iterator[str]:
    """Yield the lines of a table: names left-aligned, values right-aligned."""
    count = max(len(line) for line in lines)
    widths = [
        max((len(line[i]) for line in lines if i < len(line)), default=0) for i in range(count)
    ]
    for line in lines:
        cells = [f"{line[0]:<{widths[0]}}"]
        cells += [f"{cell:>{width}}" for cell, width in zip(line[1:], widths[1:], strict=False)]
        yield (indent + "   ".join(cells)).rstrip()


def _wrap(head: str, text: str) -> list[str]:
    hang = " " * (len(head) - len(head.lstrip()) + 2 if len(head) > _MAX_INDENT else len(head))
    return textwrap.wrap(
        text, _WIDTH, initial_indent=head, subsequent_indent=hang, break_on_hyphens=False
    ) or [head.rstrip()]
