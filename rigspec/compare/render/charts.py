"""The plots of a comparison as places in a drawing: the template only puts them down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from rigspec.compare.model import Bill, Comparison, Money, Sensitivity
from rigspec.compare.render.formatting import TIMES, grouped, months

__all__ = [
    "CostPlot",
    "Dot",
    "Line",
    "Mark",
    "SwayPlot",
    "SwayRow",
    "Tick",
    "cost_plot",
    "sensitivity_chart",
]

# From an amount to a place in the drawing.
Scale = Callable[[Decimal], Decimal]

_STEPS = (Decimal(1), Decimal(2), Decimal(5), Decimal(10))
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200)
_LONGEST = 1200
_TWO_YEARS = 24
_TICKS = 5
_LINE = 20
_ROW = 34


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: Decimal
    label: str


@dataclass(frozen=True)
class Line:
    """A straight line, in the colour of a machine (``a`` or ``b``)."""

    side: str
    x1: Decimal
    y1: Decimal
    x2: Decimal
    y2: Decimal


@dataclass(frozen=True)
class Mark:
    """A point with words beside it, at its left or right (``anchor`` as SVG has it)."""

    x: Decimal
    y: Decimal
    text_x: Decimal
    text_y: Decimal
    anchor: str
    label: str


@dataclass(frozen=True)
class CostPlot:
    """What has been paid over the months. The edges are those of the field between the axes."""

    width: int
    height: int
    left: Decimal
    right: Decimal
    top: Decimal
    bottom: Decimal
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    mark: Mark | None


@dataclass(frozen=True)
class Dot:
    """One value of an assumption; ``base`` is the one of the spec. ``label`` tells it in words."""

    x: Decimal
    base: bool
    label: str


@dataclass(frozen=True)
class SwayRow:
    """One assumption: its dots, and the line from the first to the last."""

    name: str
    y: Decimal
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class SwayPlot:
    """How the month moves. ``base`` is where it is as told; None where it never comes."""

    width: int
    height: int
    left: Decimal
    right: Decimal
    bottom: Decimal
    x_ticks: tuple[Tick, ...]
    rows: tuple[SwayRow, ...]
    base: Decimal | None


def cost_plot(comparison: Comparison, width: int, height: int) -> CostPlot | None:
    """Both lines, and where they cross; nothing where they cannot be drawn in one currency."""
    told = comparison.money
    bills = {"a": told.a, "b": told.b}
    last = _last_month(told)
    ends = {side: bill.after(last) for side, bill in bills.items()}
    units = {figure.unit for figure in ends.values() if figure is not None}
    if None in ends.values() or len(units) != 1:
        return None
    most = max(figure.amount for figure in ends.values() if figure is not None)
    if not most:
        return None
    amounts = _ticks(most)
    labels = max(len(tick.label) for tick in amounts)
    left, right = Decimal(16 + 8 * labels), Decimal(width - 18)
    top, bottom = Decimal(16), Decimal(height - 28)

    def x(month: Decimal) -> Decimal:
        return left + (right - left) * month / last

    def y(amount: Decimal) -> Decimal:
        return bottom - (bottom - top) * amount / amounts[-1].at

    lines = tuple(
        Line(side, left, y(_start(bills[side])), right, y(figure.amount))
        for side, figure in ends.items()
        if figure is not None
    )
    step = next(s for s in _MONTHS if last / s <= _TICKS + 1)
    return CostPlot(
        width=width,
        height=height,
        left=left,
        right=right,
        top=top,
        bottom=bottom,
        x_ticks=tuple(Tick(x(Decimal(m)), str(m)) for m in range(0, last + 1, step)),
        y_ticks=tuple(Tick(y(tick.at), tick.label) for tick in amounts),
        lines=lines,
        mark=_mark(told, x, y, (left + right) / 2),
    )


def sensitivity_chart(money: Money, width: int) -> SwayPlot | None:
    """A row for each assumption; nothing where no month can be told, or nothing takes any."""
    known = [p.months for s in money.sensitivities for p in s.points if p.months is not None]
    most = max(known, default=Decimal(0))
    if not most:
        return None
    ticks = _ticks(most)
    left, right = Decimal(88), Decimal(width - 20)
    bottom = Decimal(12 + _ROW * len(money.sensitivities))

    def x(count: Decimal) -> Decimal:
        return left + (right - left) * count / ticks[-1].at

    rows = tuple(
        SwayRow(line.of, Decimal(12 + _ROW * index + _ROW // 2), _dots(line, x))
        for index, line in enumerate(money.sensitivities)
    )
    return SwayPlot(
        width=width,
        height=int(bottom) + 28,
        left=left,
        right=right,
        bottom=bottom,
        x_ticks=tuple(Tick(x(tick.at), tick.label) for tick in ticks),
        rows=rows,
        base=x(money.payback.months) if money.payback is not None else None,
    )


def _dots(line: Sensitivity, x: Scale) -> tuple[Dot, ...]:
    return tuple(
        Dot(
            x(point.months),
            point.factor == 1,
            f"{point.factor.normalize():f} {TIMES}, {point.value}: {months(point.months)} months",
        )
        for point in line.points
        if point.months is not None
    )


def _mark(money: Money, x: Scale, y: Scale, middle: Decimal) -> Mark | None:
    found = money.payback
    if found is None or found.months > _LONGEST:
        return None
    paid = found.price.amount + found.owned.amount * found.months
    at = x(found.months)
    to_the_left = at > middle
    return Mark(
        x=at,
        y=y(paid),
        text_x=at - 12 if to_the_left else at + 12,
        text_y=y(paid) - 12 if to_the_left else y(paid) + _LINE,
        anchor="end" if to_the_left else "start",
        label=f"{months(found.months)} months",
    )


def _start(bill: Bill) -> Decimal:
    return bill.price.amount if bill.price is not None else Decimal(0)


def _last_month(money: Money) -> int:
    """Half as long again as it takes to pay off, in whole steps of the axis; else two years."""
    if money.payback is None or not money.payback.months:
        return _TWO_YEARS
    wanted = min(money.payback.months * Decimal("1.6"), Decimal(_LONGEST))
    step = next(s for s in _MONTHS if wanted / s <= _TICKS)
    return int((wanted / step).to_integral_value(ROUND_CEILING)) * step


def _ticks(most: Decimal) -> tuple[Tick, ...]:
    """Round amounts from nothing to beyond the most, few enough to be read."""
    power = Decimal(1).scaleb((most / _TICKS).adjusted())
    step = next(step * power for step in _STEPS if step * power * _TICKS >= most)
    count = int((most / step).to_integral_value(ROUND_CEILING))
    return tuple(Tick(step * n, grouped(step * n)) for n in range(count + 1))
