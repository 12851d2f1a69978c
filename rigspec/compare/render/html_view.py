"""A comparison as the page shows it: every word and number ready, every source a footnote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from rigspec.compare.hardware import ONE, TOGETHER
from rigspec.compare.model import Admission, Comparison, Item, Point, Range, Refused, Row, Words
from rigspec.compare.render.charts import CostPlot, SwayPlot, cost_plot, sensitivity_chart
from rigspec.compare.render.formatting import (
    BLANK,
    TIMES,
    amount_of,
    counted,
    gist,
    grouped,
    money,
    months,
    only,
    ratio,
    releases,
    software_line,
)
from rigspec.diagnostics.model import Source
from rigspec.hardware.sourced_value import SourcedValue

__all__ = ["Page", "page_of"]

_NARROW, _WIDE = (350, 250), (720, 320)
# What is measured by a bar: the figures of which more is better, side by side.
_FULL = Decimal(100)


@dataclass(frozen=True)
class Cell:
    """A figure: its number and unit apart, and the length of its bar (None: no bar)."""

    number: str
    unit: str = ""
    bar: Decimal | None = None


@dataclass(frozen=True)
class Line:
    """A row of a table, with the footnotes of both cells."""

    name: str
    a: Cell
    b: Cell
    notes: tuple[int, ...] = ()
    ratio: str = ""

    @property
    def unit(self) -> str:
        """The unit of both, which then stands beside the name and not in the cells."""
        units = {cell.unit for cell in (self.a, self.b) if cell.number != BLANK}
        return units.pop() if len(units) == 1 else ""

    @property
    def bars(self) -> bool:
        """Whether it is drawn, too: one bar alone compares nothing."""
        return self.a.bar is not None and self.b.bar is not None


@dataclass(frozen=True)
class Group:
    """Rows under a heading."""

    name: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Difference:
    """A layer of the software, and what of it differs."""

    layer: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Reason:
    """Releases that one machine alone admits, and why the other does not."""

    on: str
    side: str
    not_on: str
    releases: str
    statement: str
    notes: tuple[int, ...]


@dataclass(frozen=True)
class ProductLine:
    """A product: what each admits, and what one alone does."""

    title: str
    a: str
    a_count: str
    b: str
    b_count: str
    only_a: int
    only_b: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class SensitivityRow:
    """One assumption: its values, and the month at each."""

    of: str
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Remark:
    """What is to be said of a machine."""

    machine: str
    side: str
    code: str
    message: str
    notes: tuple[int, ...]


@dataclass(frozen=True)
class Page:
    """Everything that stands on the page, in its order."""

    told: Comparison
    software: str
    gist: str
    alone: tuple[str, str]
    differences: tuple[Difference, ...]
    groups: tuple[Group, ...]
    blank: str
    bills: tuple[Line, ...]
    hours: str
    currency: str
    narrow: CostPlot | None
    wide: CostPlot | None
    sway_heads: tuple[str, ...]
    sway: tuple[SensitivityRow, ...]
    sway_notes: tuple[str, ...]
    sway_narrow: SwayPlot | None
    sway_wide: SwayPlot | None
    year: str
    features: tuple[Line, ...]
    products: tuple[ProductLine, ...]
    alike: str
    remarks: tuple[Remark, ...]
    sources: tuple[Source, ...]


class _Footnotes:
    """Sources by the number under which they stand, in the order in which they are first met."""

    def __init__(self) -> None:
        self._numbers: dict[Source, int] = {}

    def of(self, sources: Iterable[Source]) -> tuple[int, ...]:
        """The numbers of these sources."""
        return tuple(self._numbers.setdefault(s, len(self._numbers) + 1) for s in sources)

    @property
    def all(self) -> tuple[Source, ...]:
        """Every source that was met."""
        return tuple(self._numbers)


def page_of(comparison: Comparison) -> Page:
    """The page. Footnotes are counted in the order in which a reader meets them."""
    notes = _Footnotes()
    bills = tuple(_bills(comparison, notes))
    groups = tuple(_groups(comparison, notes))
    told = comparison.money
    sway = tuple(
        SensitivityRow(
            line.of,
            tuple((p.value, BLANK if p.months is None else months(p.months)) for p in line.points),
        )
        for line in told.sensitivities
    )
    points = [point for line in told.sensitivities for point in line.points]
    features = tuple(_words(words, notes) for words in comparison.runs.features)
    products = tuple(
        _product(f, comparison, notes) for f in comparison.runs.admissions if f.differs
    )
    alike = [f"{f.title} ({f.a.count})" for f in comparison.runs.admissions if not f.differs]
    remarks = tuple(_remarks(comparison, notes))
    return Page(
        told=comparison,
        software=software_line(comparison),
        gist=gist(comparison),
        alone=_alone(comparison),
        differences=tuple(
            Difference(layer, tuple(items))
            for layer, items in groupby(comparison.software.differences, key=lambda i: i.layer)
        ),
        groups=groups,
        blank=", ".join(
            dict.fromkeys(
                r.name for r in comparison.hardware.rows if not r.known and r.of != TOGETHER
            )
        ),
        bills=bills,
        hours=BLANK if told.hours is None else f"{told.hours.normalize():f}",
        currency=_currency(comparison),
        narrow=cost_plot(comparison, *_NARROW),
        wide=cost_plot(comparison, *_WIDE),
        sway_heads=tuple(f"{p.factor.normalize():f} {TIMES}" for p in _first_points(comparison)),
        sway=sway,
        sway_notes=tuple(dict.fromkeys(point.note for point in points if point.note)),
        sway_narrow=sensitivity_chart(told, _NARROW[0]),
        sway_wide=sensitivity_chart(told, _WIDE[0]),
        year=money(told.year) if told.year is not None else "",
        features=features,
        products=products,
        alike=", ".join(alike),
        remarks=remarks,
        sources=notes.all,
    )


def _first_points(comparison: Comparison) -> tuple[Point, ...]:
    return comparison.money.sensitivities[0].points if comparison.money.sensitivities else ()


def _currency(comparison: Comparison) -> str:
    found = comparison.money.a.after(0) or comparison.money.b.after(0)
    return found.unit if found is not None else ""


def _alone(comparison: Comparison) -> tuple[str, str]:
    """How many releases each machine alone admits."""
    a = sum(only(found.only_a) for found in comparison.runs.admissions)
    b = sum(only(found.only_b) for found in comparison.runs.admissions)
    return counted(a, "release"), counted(b, "release")


# --- tables ------------------------------------------------------------------------------------


def _groups(comparison: Comparison, notes: _Footnotes) -> Iterator[Group]:
    words = tuple(_words(each, notes) for each in comparison.hardware.words)
    if words:
        yield Group("", words)
    heads = {ONE: "One GPU", TOGETHER: "All GPUs of the machine"}
    shown = [row for row in comparison.hardware.rows if row.known]
    for of, rows in groupby(shown, key=lambda row: row.of):
        found = list(rows)
        peaks = _peaks(found)
        lines = tuple(
            Line(r.name, _cell(r.a, peaks), _cell(r.b, peaks), _notes(r.a, r.b, notes), ratio(r))
            for r in found
        )
        yield Group(heads.get(of, "The machine"), lines)


def _peaks(rows: list[Row]) -> dict[str, Decimal]:
    """The longest bar of each unit: rates of every precision are drawn to one scale."""
    peaks: dict[str, Decimal] = {}
    for figure in (figure for row in rows for figure in (row.a, row.b) if figure is not None):
        peaks[figure.unit] = max(peaks.get(figure.unit, Decimal(0)), figure.amount)
    return peaks


def _notes(a: SourcedValue | None, b: SourcedValue | None, notes: _Footnotes) -> tuple[int, ...]:
    told = (source for figure in (a, b) if figure is not None for source in figure.sources)
    return notes.of(dict.fromkeys(told))


def _cell(figure: SourcedValue | None, peaks: dict[str, Decimal]) -> Cell:
    if figure is None:
        return Cell(BLANK)
    unit = "" if figure.unit in ("GPUs", "threads") else figure.unit
    peak = peaks.get(figure.unit)
    bar = (figure.amount / peak * _FULL) if peak else None
    return Cell(amount_of(figure), unit, bar)


def _words(words: Words, notes: _Footnotes) -> Line:
    a, b = (Cell(told or BLANK) for told in (words.a, words.b))
    return Line(words.name, a, b, notes.of(words.sources))


def _bills(comparison: Comparison, notes: _Footnotes) -> Iterator[Line]:
    a, b = comparison.money.a, comparison.money.b
    rows = (
        ("To buy", a.price, b.price),
        ("An hour", a.hourly, b.hourly),
        ("A month", a.monthly, b.monthly),
        ("After a year", a.after(12), b.after(12)),
        ("After three years", a.after(36), b.after(36)),
    )
    for name, x, y in rows:
        if x is not None or y is not None:
            yield Line(name, _paid(x), _paid(y), _notes(x, y, notes))


def _paid(figure: SourcedValue | None) -> Cell:
    number, _, unit = money(figure).partition(" ")
    return Cell(grouped(Decimal(number)) if unit else number, unit)


# --- what runs ---------------------------------------------------------------------------------


def _product(found: Admission, comparison: Comparison, notes: _Footnotes) -> ProductLine:
    a, b = comparison.a.name, comparison.b.name
    reasons = (
        *(_reason(group, "a", a, b, notes) for group in _merged(found.only_a)),
        *(_reason(group, "b", b, a, notes) for group in _merged(found.only_b)),
    )
    return ProductLine(
        title=found.title,
        a=_newest(found.a),
        a_count=counted(found.a.count, "release"),
        b=_newest(found.b),
        b_count=counted(found.b.count, "release"),
        only_a=only(found.only_a),
        only_b=only(found.only_b),
        reasons=reasons,
    )


def _newest(found: Range) -> str:
    return f"up to {found.newest}" if found.newest is not None else "none"


def _merged(groups: tuple[Refused, ...]) -> Iterator[list[Refused]]:
    """Groups whose reasons are rows of one table, about one release after the other."""
    for _, alike in groupby(groups, key=lambda group: group.reason.id.rpartition("/")[2]):
        yield list(alike)


def _reason(groups: list[Refused], side: str, on: str, not_on: str, notes: _Footnotes) -> Reason:
    found = tuple(release for group in groups for release in group.releases)
    statements = "; ".join(dict.fromkeys(group.reason.statement for group in groups[:1]))
    likewise = "; the older ones likewise" if len(groups) > 1 else ""
    sources = dict.fromkeys(source for group in groups for source in group.reason.sources)
    numbers = notes.of(sources)
    return Reason(on, side, not_on, releases(found), statements + likewise, numbers)


def _remarks(comparison: Comparison, notes: _Footnotes) -> Iterator[Remark]:
    for caveat in comparison.runs.caveats:
        side = "a" if caveat.machine == comparison.a.name else "b"
        diagnostic = caveat.diagnostic
        sources = dict.fromkeys(source for fact in diagnostic.facts for source in fact.sources)
        numbers = notes.of(sources)
        yield Remark(caveat.machine, side, diagnostic.code, diagnostic.message, numbers)
