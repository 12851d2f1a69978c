"""Prepare a comparison for the HTML page: formatted values and numbered sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby

from rigspec.compare.hardware import ONE, TOGETHER
from rigspec.compare.model import (
    Comparison,
    ProductSupport,
    ReleaseRange,
    SensitivityPoint,
    TextRow,
    UnsupportedReleases,
    ValueRow,
)
from rigspec.compare.render.charts import (
    build_cost_chart,
    build_sensitivity_chart,
)
from rigspec.compare.render.formatting import (
    BLANK,
    TIMES,
    count_releases,
    format_amount,
    format_count,
    format_money,
    format_months,
    format_ratio,
    format_releases,
    format_software_verdict,
    format_verdict,
    group_thousands,
)
from rigspec.compare.render.page_model import (
    Cell,
    LayerDifferences,
    PageView,
    ProductLine,
    Remark,
    RowGroup,
    SensitivityRow,
    TableRow,
    UnsupportedReason,
)
from rigspec.diagnostics.model import Source
from rigspec.hardware.sourced_value import SourcedValue

__all__ = ["build_page"]

_NARROW, _WIDE = (350, 250), (720, 320)
# Length of the longest bar.
_FULL = Decimal(100)


class _Footnotes:
    """Numbers sources in the order of their first use."""

    def __init__(self) -> None:
        self._numbers: dict[Source, int] = {}

    def number(self, sources: Iterable[Source]) -> tuple[int, ...]:
        """Return the numbers of sources."""
        return tuple(self._numbers.setdefault(s, len(self._numbers) + 1) for s in sources)

    @property
    def all(self) -> tuple[Source, ...]:
        """Return every numbered source."""
        return tuple(self._numbers)


def build_page(comparison: Comparison) -> PageView:
    """Return the content of the page, with footnotes numbered in reading order."""
    notes = _Footnotes()
    bills = tuple(_iterate_bills(comparison, notes))
    groups = tuple(_iterate_groups(comparison, notes))
    cost = comparison.cost
    sensitivity = tuple(
        SensitivityRow(
            line.of,
            tuple(
                (p.value, BLANK if p.months is None else format_months(p.months))
                for p in line.points
            ),
        )
        for line in cost.sensitivities
    )
    points = [point for line in cost.sensitivities for point in line.points]
    features = tuple(_build_text_line(row, notes) for row in comparison.compatibility.features)
    products = tuple(
        _build_product(p, comparison, notes)
        for p in comparison.compatibility.products
        if p.is_different
    )
    equal = [
        f"{p.title} ({p.a.count})" for p in comparison.compatibility.products if not p.is_different
    ]
    remarks = tuple(_iterate_remarks(comparison, notes))
    return PageView(
        comparison=comparison,
        software=format_software_verdict(comparison),
        verdict=format_verdict(comparison),
        exclusive=_summarize_exclusive(comparison),
        differences=tuple(
            LayerDifferences(layer, tuple(items))
            for layer, items in groupby(comparison.software.differences, key=lambda i: i.layer)
        ),
        groups=groups,
        unknown=", ".join(
            dict.fromkeys(
                r.name for r in comparison.hardware.rows if not r.is_known and r.of != TOGETHER
            )
        ),
        bills=bills,
        hours=BLANK if cost.hours is None else f"{cost.hours.normalize():f}",
        currency=_find_currency(comparison),
        narrow=build_cost_chart(comparison, *_NARROW),
        wide=build_cost_chart(comparison, *_WIDE),
        sensitivity_heads=tuple(
            f"{p.factor.normalize():f} {TIMES}" for p in _get_first_points(comparison)
        ),
        sensitivity=sensitivity,
        sensitivity_notes=tuple(dict.fromkeys(point.note for point in points if point.note)),
        sensitivity_narrow=build_sensitivity_chart(cost, _NARROW[0]),
        sensitivity_wide=build_sensitivity_chart(cost, _WIDE[0]),
        year=format_money(cost.year) if cost.year is not None else "",
        features=features,
        products=products,
        equal=", ".join(equal),
        remarks=remarks,
        sources=notes.all,
    )


def _get_first_points(comparison: Comparison) -> tuple[SensitivityPoint, ...]:
    return comparison.cost.sensitivities[0].points if comparison.cost.sensitivities else ()


def _find_currency(comparison: Comparison) -> str:
    total = comparison.cost.a.compute_total(0) or comparison.cost.b.compute_total(0)
    return total.unit if total is not None else ""


_LAYERS = ("cuda", "driver")


def _summarize_exclusive(comparison: Comparison) -> str:
    """Return how many releases of frameworks only one of the machines supports.

    A different range of drivers or toolkits is not a program that runs.
    """
    products = [p for p in comparison.compatibility.products if p.product not in _LAYERS]
    counts = {
        comparison.a.name: sum(count_releases(product.only_a) for product in products),
        comparison.b.name: sum(count_releases(product.only_b) for product in products),
    }
    texts = [
        f"{format_count(count, 'framework release')} on {name} only"
        for name, count in counts.items()
        if count
    ]
    return ", ".join(texts) or "both run the same framework releases"


# --- tables ------------------------------------------------------------------------------------


def _iterate_groups(comparison: Comparison, notes: _Footnotes) -> Iterator[RowGroup]:
    texts = tuple(_build_text_line(row, notes) for row in comparison.hardware.texts)
    if texts:
        yield RowGroup("", texts)
    heads = {ONE: "One GPU", TOGETHER: "All GPUs of the machine"}
    shown = [row for row in comparison.hardware.rows if row.is_known]
    for of, rows in groupby(shown, key=lambda row: row.of):
        scope_rows = list(rows)
        peaks = _find_peaks(scope_rows)
        lines = tuple(
            TableRow(
                r.name,
                _build_cell(r.a, peaks),
                _build_cell(r.b, peaks),
                _number_sources(r.a, r.b, notes),
                format_ratio(r),
            )
            for r in scope_rows
        )
        yield RowGroup(heads.get(of, "The machine"), lines)


def _find_peaks(rows: list[ValueRow]) -> dict[str, Decimal]:
    """Return the largest value of each unit, so that bars of one unit have one scale."""
    peaks: dict[str, Decimal] = {}
    for figure in (figure for row in rows for figure in (row.a, row.b) if figure is not None):
        peaks[figure.unit] = max(peaks.get(figure.unit, Decimal(0)), figure.amount)
    return peaks


def _number_sources(
    a: SourcedValue | None, b: SourcedValue | None, notes: _Footnotes
) -> tuple[int, ...]:
    sources = (source for figure in (a, b) if figure is not None for source in figure.sources)
    return notes.number(dict.fromkeys(sources))


def _build_cell(figure: SourcedValue | None, peaks: dict[str, Decimal]) -> Cell:
    if figure is None:
        return Cell(BLANK)
    unit = "" if figure.unit in ("GPUs", "threads") else figure.unit
    peak = peaks.get(figure.unit)
    bar = (figure.amount / peak * _FULL) if peak else None
    return Cell(format_amount(figure), unit, bar)


def _build_text_line(row: TextRow, notes: _Footnotes) -> TableRow:
    a, b = (Cell(text or BLANK) for text in (row.a, row.b))
    return TableRow(row.name, a, b, notes.number(row.sources))


def _iterate_bills(comparison: Comparison, notes: _Footnotes) -> Iterator[TableRow]:
    a, b = comparison.cost.a, comparison.cost.b
    rows = (
        ("Price", a.price, b.price),
        ("Per hour", a.hourly, b.hourly),
        ("Per month", a.monthly, b.monthly),
        ("After a year", a.compute_total(12), b.compute_total(12)),
        ("After three years", a.compute_total(36), b.compute_total(36)),
    )
    for name, x, y in rows:
        if x is not None or y is not None:
            yield TableRow(
                name, _build_money_cell(x), _build_money_cell(y), _number_sources(x, y, notes)
            )


def _build_money_cell(figure: SourcedValue | None) -> Cell:
    number, _, unit = format_money(figure).partition(" ")
    return Cell(group_thousands(Decimal(number)) if unit else number, unit)


# --- compatibility -----------------------------------------------------------------------------


def _build_product(
    product: ProductSupport, comparison: Comparison, notes: _Footnotes
) -> ProductLine:
    a, b = comparison.a.name, comparison.b.name
    reasons = (
        *(_build_reason(group, "a", a, b, notes) for group in _merge_similar(product.only_a)),
        *(_build_reason(group, "b", b, a, notes) for group in _merge_similar(product.only_b)),
    )
    return ProductLine(
        title=product.title,
        a=_format_newest(product.a),
        a_count=format_count(product.a.count, "release"),
        b=_format_newest(product.b),
        b_count=format_count(product.b.count, "release"),
        only_a=count_releases(product.only_a),
        only_b=count_releases(product.only_b),
        reasons=reasons,
    )


def _format_newest(range_: ReleaseRange) -> str:
    return f"up to {range_.newest}" if range_.newest is not None else "none"


def _merge_similar(groups: tuple[UnsupportedReleases, ...]) -> Iterator[list[UnsupportedReleases]]:
    """Yield groups with similar reasons, which differ only in the release."""
    for _, similar in groupby(groups, key=lambda group: group.reason.id.rpartition("/")[2]):
        yield list(similar)


def _build_reason(
    groups: list[UnsupportedReleases], side: str, on: str, not_on: str, notes: _Footnotes
) -> UnsupportedReason:
    found = tuple(release for group in groups for release in group.releases)
    statements = "; ".join(dict.fromkeys(group.reason.statement for group in groups[:1]))
    suffix = "; similar for the older ones" if len(groups) > 1 else ""
    sources = dict.fromkeys(source for group in groups for source in group.reason.sources)
    numbers = notes.number(sources)
    return UnsupportedReason(on, side, not_on, format_releases(found), statements + suffix, numbers)


def _iterate_remarks(comparison: Comparison, notes: _Footnotes) -> Iterator[Remark]:
    for note in comparison.compatibility.notes:
        side = "a" if note.machine == comparison.a.name else "b"
        diagnostic = note.diagnostic
        sources = dict.fromkeys(source for fact in diagnostic.facts for source in fact.sources)
        numbers = notes.number(sources)
        yield Remark(note.machine, side, diagnostic.code, diagnostic.message, numbers)
